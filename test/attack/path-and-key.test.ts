// S34-S42: paths, keys, bucket names and copy sources that look like something else. A key is what was sent, decoded
// once: the same string in the signature, in the listing and in storage; never another bucket.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AttackCase, attackSuite } from "./attack-case.ts";
import { type AttackLab, KEPT, OTHERS, startAttackLab, VICTIM } from "./attack-lab.ts";
import { errorCode, exchange } from "../support/raw-http.ts";
import { wireBytes } from "../support/signing.ts";

/** What a path below the bucket must become. */
const LITERAL_KEYS: readonly (readonly [row: string, path: string, key: string])[] = [
  ["S34", "a//b", "a//b"],
  ["S34", "/leading", "/leading"],
  ["S34", "./x", "./x"],
  ["S34", "../others-bucket/secret", "../others-bucket/secret"],
  ["S34", "%2e%2e/x", "../x"],
  ["S34", "%2E%2E%2Fx", "../x"],
  ["S34", "%5c..%5cx", "\\..\\x"],
  ["S34", "%252e%252e", "%2e%2e"],
  ["S34", "%2F", "/"],
  ["S34", "a%2Fb", "a/b"],
  ["S35", "%00nul", "\u0000nul"],
  ["S35", "%01%1f%7f", "\u0001\u001F\u007F"],
  ["S35", "%E2%80%A8line", "\u2028line"],
  ["S35", "%E2%80%AErtl", "\u202Ertl"],
  ["S36", "plus%2Bplus", "plus+plus"],
  ["S36", "space%20space", "space space"],
  ["S36", "!'()*~-_.", "!'()*~-_."],
  ["S36", "%21%27%28%29%2A", "!'()*"],
  ["S37", "%C3%A9", "\u00E9"],
  ["S37", "e%CC%81", "e\u0301"],
  ["S37", "CON", "CON"],
  ["S37", "dot.", "dot."],
  ["S37", "trailing%20", "trailing "],
  ["S38", "k".repeat(1_024), "k".repeat(1_024)],
  ["S38", "%C3%A9".repeat(512), "\u00E9".repeat(512)],
  ["S38", "/".repeat(1_024), "/".repeat(1_024)],
  ["S39", "__proto__", "__proto__"],
  ["S39", "constructor", "constructor"],
  ["S39", ".", "."],
  ["S39", "..", ".."],
  ["S35", "%F0%9F%98%80", "\u{1F600}"],
];

/** The path as SigV4 wants it: decoded, then every byte but the unreserved ones and "/" encoded. */
function canonicalPath(key: string): string {
  return encodeURIComponent(key)
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2F", "/");
}

describe("odd keys are keys", () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await startAttackLab();
  });
  afterAll(() => lab.stop());

  const keysIn = async (bucket: string) => {
    const page = await lab.client.send(
      new ListObjectsV2Command({ Bucket: bucket, EncodingType: "url" }),
    );
    return page.Contents?.map((object) => decodeURIComponent(object.Key ?? "")) ?? [];
  };

  test.each(LITERAL_KEYS)(
    "%s: the path %s is stored as exactly that key",
    async (_row, path, key) => {
      // Signed as a client would that sends the path as it stands; what goes over the wire is `path`.
      const { headers } = lab.sign({
        method: "PUT",
        path: `/${VICTIM}/${canonicalPath(key)}`,
        body: "literal",
      });
      const answer = await lab.sendBytes(
        wireBytes("PUT", `/${VICTIM}/${path}`, headers, "literal"),
      );
      expect(`${answer.status} ${errorCode(answer)}`).toBe("200 ");

      expect((await keysIn(VICTIM)).filter((name) => name !== KEPT)).toEqual([key]);
      const found = await lab.send({ method: "GET", path: `/${VICTIM}/${canonicalPath(key)}` });
      expect(found.body).toBe("literal");
      const removed = await lab.send({
        method: "DELETE",
        path: `/${VICTIM}/${canonicalPath(key)}`,
      });
      expect(removed.status).toBe(204);
      expect(await keysIn(VICTIM)).toEqual([KEPT]);
    },
  );

  test("S39: foo, foo/ and foo/bar are three objects", async () => {
    const keys = ["foo", "foo/", "foo/bar"];
    for (const Key of keys) {
      await lab.client.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: Key }));
    }
    for (const Key of keys) {
      const { Body } = await lab.client.send(new GetObjectCommand({ Bucket: VICTIM, Key }));
      expect(await Body?.transformToString()).toBe(Key);
      await lab.client.send(new DeleteObjectCommand({ Bucket: VICTIM, Key }));
    }
    expect(await keysIn(VICTIM)).toEqual([KEPT]);
  });

  test("S37: composed and decomposed forms, and cases, are different objects", async () => {
    const keys = ["\u00E9", "e\u0301", "E\u0301", "a", "A"];
    for (const Key of keys) {
      await lab.client.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: "x" }));
    }
    expect((await keysIn(VICTIM)).length).toBe(keys.length + 1);
    for (const Key of keys) await lab.client.send(new DeleteObjectCommand({ Bucket: VICTIM, Key }));
  });

  test("S40: an absolute-form target and a forwarded host name the same object", async () => {
    const { headers } = lab.sign({ method: "GET", path: `/${VICTIM}/${KEPT}` });
    const forwarded = {
      ...headers,
      "x-forwarded-host": `${OTHERS}.localhost`,
      forwarded: "host=evil",
    };
    for (const target of [`/${VICTIM}/${KEPT}`, `http://${lab.host}/${VICTIM}/${KEPT}`]) {
      const answer = await lab.sendBytes(wireBytes("GET", target, forwarded));
      expect(answer.body).toBe("these bytes stay");
    }
  });

  test("S40: a virtual-host bucket is that bucket, whatever the path begins with", async () => {
    const host = `${VICTIM}.localhost:${lab.port}`;
    const { headers } = lab.sign({ method: "GET", path: `/${OTHERS}/secret`, headers: { host } });
    const answer = await exchange(lab.port, (socket) =>
      socket.write(wireBytes("GET", `/${OTHERS}/secret`, headers)),
    );
    expect(`${answer.status} ${errorCode(answer)}`).toBe("404 NoSuchKey");
  });
});

const INVALID_URI = [400, "InvalidURI"] as const;
const INVALID_NAME = [400, "InvalidBucketName"] as const;

const badPath = (row: string, path: string, answers: AttackCase["answers"]): AttackCase => ({
  row,
  name: `the path ${path.slice(0, 40)}`,
  answers,
  send: (lab) => lab.send({ method: "PUT", path: `/${VICTIM}/${path}`, body: "x" }),
});

const badBucket = (name: string): AttackCase => ({
  row: "S41",
  name: `a bucket named ${name.slice(0, 40)}`,
  answers: [INVALID_NAME, [405, "MethodNotAllowed"]],
  send: (lab) => lab.send({ method: "PUT", path: `/${name}` }),
});

const badSource = (source: string, answers: AttackCase["answers"]): AttackCase => ({
  row: "S42",
  name: `the copy source '${source}'`,
  answers,
  send: (lab) =>
    lab.send({
      method: "PUT",
      path: `/${VICTIM}/copied`,
      headers: { "x-amz-copy-source": source },
    }),
});

const INVALID_ARGUMENT = [400, "InvalidArgument"] as const;
const DENIED = [403, "AccessDenied"] as const;
const NO_KEY = [404, "NoSuchKey"] as const;

attackSuite("paths, names and copy sources that are refused", [
  badPath("S35", "%C0%AF", [INVALID_URI]),
  badPath("S35", "%ED%A0%80", [INVALID_URI]),
  badPath("S35", "%zz", [INVALID_URI]),
  badPath("S35", "%", [INVALID_URI]),
  badPath("S38", "k".repeat(1_025), [[400, "KeyTooLongError"]]),
  badPath("S38", "%C3%A9".repeat(513), [[400, "KeyTooLongError"]]),
  ...[
    "..",
    "ab",
    "Upper",
    "192.168.1.1",
    "a".repeat(64),
    "under_score",
    "-dash",
    "dot..dot",
    "xn--a",
  ].map(badBucket),
  badBucket("_kintsugi"),
  badSource(`/${VICTIM}/../${OTHERS}/secret`, [NO_KEY]),
  badSource(`${VICTIM}%2F..%2F${OTHERS}%2Fsecret`, [NO_KEY]),
  badSource(`/${OTHERS}/secret`, [DENIED]),
  badSource(`${VICTIM}/${KEPT}%3FversionId=`, [NO_KEY]),
  badSource("", [INVALID_ARGUMENT]),
  badSource("no-slash", [INVALID_ARGUMENT]),
  badSource("/", [INVALID_ARGUMENT]),
  badSource(`/${VICTIM}/`, [INVALID_ARGUMENT]),
  badSource(`/${VICTIM}/%zz`, [INVALID_ARGUMENT, INVALID_URI]),
]);
