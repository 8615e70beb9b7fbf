// S53, S57, S58 (who may), S66-S70, S72, S73 (XML), S96 (names as data), S98, S99 (bounds and silence): bodies and
// headers that lie.

import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { XMLValidator } from "fast-xml-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AttackCase, attackSuite, putWith } from "./attack-case.ts";
import { type AttackLab, KEPT, OTHERS, startAttackLab, VICTIM } from "./attack-lab.ts";
import { errorCode } from "../support/raw-http.ts";

const MALFORMED = [400, "MalformedXML"] as const;
const DENIED = [403, "AccessDenied"] as const;
const TOO_LONG = [400, "MaxMessageLengthExceeded"] as const;

const md5 = (body: Buffer | string) => createHash("md5").update(body).digest("base64");

const sendDelete = (lab: AttackLab, body: Buffer | string, path = `/${VICTIM}`) =>
  lab.send({
    method: "POST",
    path,
    query: "delete=",
    body,
    headers: { "content-md5": md5(body) },
  });

const badDelete = (
  row: string,
  name: string,
  body: Buffer | string,
  answer = MALFORMED,
): AttackCase => ({
  row,
  name,
  answers: [answer, MALFORMED],
  send: (lab) => sendDelete(lab, body),
});

const entry = `<Object><Key>${KEPT}</Key></Object>`;
const listOf = (count: number) =>
  Array.from({ length: count }, (_, index) => `<Object><Key>${index}</Key></Object>`).join("");
const utf16 = Buffer.from(`\uFEFF<Delete>${entry}</Delete>`, "utf16le");

attackSuite("access, XML and bounds", [
  {
    row: "S53",
    name: "1,001 keys to delete",
    answers: [MALFORMED],
    send: (lab) => sendDelete(lab, `<Delete>${entry}${listOf(1_000)}</Delete>`),
  },
  {
    row: "S53",
    name: "keys of another account's bucket",
    answers: [DENIED],
    send: (lab) =>
      sendDelete(lab, "<Delete><Object><Key>secret</Key></Object></Delete>", `/${OTHERS}`),
  },
  putWith("S57", "another expected bucket owner", [DENIED], {
    "x-amz-expected-bucket-owner": "111122223333",
  }),
  badDelete("S66", "a DOCTYPE", `<!DOCTYPE x [<!ENTITY a "b">]><Delete>${entry}</Delete>`),
  badDelete(
    "S66",
    "an external entity",
    `<!DOCTYPE x SYSTEM "file:///etc/passwd"><Delete>${entry}</Delete>`,
  ),
  badDelete(
    "S66",
    "an entity that nobody declared",
    "<Delete><Object><Key>&a;</Key></Object></Delete>",
  ),
  badDelete(
    "S66",
    "a million numeric references",
    `<Delete><Object><Key>${"&#65;".repeat(600_000)}</Key></Object></Delete>`,
  ),
  {
    row: "S67",
    name: "a body of 10 MB",
    answers: [TOO_LONG, MALFORMED],
    send: (lab) => sendDelete(lab, `<Delete>${" ".repeat(10_000_000)}${entry}</Delete>`),
  },
  badDelete("S67", "100,000 levels", `<Delete>${"<a>".repeat(100_000)}`),
  badDelete("S68", "a truncated document", `<Delete>${entry}<Object><Key>b`),
  badDelete("S68", "tags that do not match", `<Delete>${entry}</Remove>`),
  badDelete("S68", "two roots", `<Delete>${entry}</Delete><Delete>${entry}</Delete>`),
  badDelete("S68", "junk behind the root", `<Delete>${entry}</Delete>junk`),
  badDelete("S68", "another namespace", `<Delete xmlns="urn:else">${entry}</Delete>`),
  badDelete("S68", "UTF-16", utf16),
  badDelete(
    "S68",
    "bytes that are not UTF-8",
    Buffer.concat([
      Buffer.from("<Delete><Object><Key>"),
      Buffer.from([0xff]),
      Buffer.from("</Key></Object></Delete>"),
    ]),
  ),
  badDelete("S68", "another root", `<Remove>${entry}</Remove>`),
  badDelete("S68", "no keys", "<Delete></Delete>"),
  badDelete("S68", "an empty body", ""),
  badDelete("S68", "plain text", "delete everything"),
  ...["__proto__", "constructor"].map((name): AttackCase => ({
    row: "S70",
    name: `an element ${name} among tags`,
    answers: [MALFORMED],
    send: (lab) => {
      const body = `<Tagging><TagSet><${name}><x>1</x></${name}></TagSet></Tagging>`;
      const headers = { "content-md5": md5(body) };
      return lab.send({
        method: "PUT",
        path: `/${VICTIM}/${KEPT}`,
        query: "tagging=",
        body,
        headers,
      });
    },
  })),
  {
    row: "S98",
    name: "a prefix longer than any key",
    answers: [
      [200, ""],
      [400, "KeyTooLongError"],
      [400, "InvalidArgument"],
    ],
    send: (lab) =>
      lab.send({ method: "GET", path: `/${VICTIM}`, query: `prefix=${"p".repeat(5_000)}` }),
  },
  ...["' OR 1=1 --", "%", "_", "kep_", "\\", "*", "kept'; DROP TABLE objects; --"].map(
    (prefix): AttackCase => ({
      row: "S96",
      name: `the prefix ${prefix}`,
      answers: [[200, ""]],
      send: (lab) => {
        const encoded = encodeURIComponent(prefix).replaceAll(
          /[!'()*]/g,
          (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
        );
        return lab.send({
          method: "GET",
          path: `/${VICTIM}`,
          query: `list-type=2&prefix=${encoded}`,
        });
      },
      check: (answer) => expect(answer.body).not.toContain("<Contents>"),
    }),
  ),
  {
    row: "S99",
    name: "an object that does not exist",
    answers: [[404, "NoSuchKey"]],
    send: (lab) => lab.send({ method: "GET", path: `/${VICTIM}/absent` }),
    check: (answer) =>
      expect(answer.body).not.toMatch(/node_modules|sqlite|SELECT|\/tmp|\.ts\b|\.js\b|at /i),
  },
  {
    row: "S99",
    name: "another account's bucket",
    answers: [DENIED],
    send: (lab) => lab.send({ method: "GET", path: `/${OTHERS}` }),
    check: (answer) => expect(answer.body).not.toMatch(/other\b|secret/),
  },
]);

const manyParts = () =>
  Array.from(
    { length: 10_001 },
    (_, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>a</ETag></Part>`,
  ).join("");

describe("what is accepted is taken literally", () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await startAttackLab();
  });
  afterAll(() => lab.stop());
  const keys = async () => {
    const { Contents } = await lab.client.send(new ListObjectsV2Command({ Bucket: VICTIM }));
    return Contents?.map((object) => object.Key);
  };

  test.each([
    ["1.0", "1.0", "1"],
    ["0x10", "0x10", "16"],
    ["1e5", "1e5", "100000"],
    [" a ", " a ", "a"],
    ["true", "true", "1"],
    ["<![CDATA[x&y]]>", "x&y", "<![CDATA[x&y]]>"],
    ["a&#10;b", "a\nb", "a b"],
    ["&amp;lt;", "&lt;", "<"],
  ])("S69: deleting <Key>%s</Key> removes exactly that key", async (text, key, decoy) => {
    for (const Key of [key, decoy]) {
      await lab.client.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: "x" }));
    }
    const answer = await sendDelete(lab, `<Delete><Object><Key>${text}</Key></Object></Delete>`);
    expect(answer.status).toBe(200);
    expect((await keys())?.toSorted()).toEqual([KEPT, decoy].toSorted());
    await lab.client.send(new DeleteObjectCommand({ Bucket: VICTIM, Key: decoy }));
  });

  test("S53: quiet mode reports errors alone", async () => {
    const Delete = { Objects: [{ Key: "none" }], Quiet: true };
    const answer = await lab.client.send(new DeleteObjectsCommand({ Bucket: VICTIM, Delete }));
    expect([answer.Deleted, answer.Errors]).toEqual([undefined, undefined]);
  });

  test("S58: headers that look internal do nothing", async () => {
    const headers = {
      "x-internal-replication": "true",
      "x-amz-replication-status": "REPLICA",
      "x-minio-source-etag": "0".repeat(32),
      "x-kintsugi-owner": "other",
    };
    const put = { method: "PUT", path: `/${VICTIM}/internal`, body: "x", headers };
    expect((await lab.send(put)).status).toBe(200);
    const { headers: found } = await lab.send({ method: "HEAD", path: `/${VICTIM}/internal` });
    expect(found.get("etag")).toBe(`"${createHash("md5").update("x").digest("hex")}"`);
    expect(found.get("x-amz-replication-status")).toBeUndefined();
    await lab.client.send(new DeleteObjectCommand({ Bucket: VICTIM, Key: "internal" }));
  });

  test.each(["<a>", "]]>", "&amp;", "\uFFFE", "\u0001", "\"'", "a\u000Bb"])(
    "S72: a listing with the key %j is well-formed",
    async (key) => {
      const Key = `xml/${key}`;
      await lab.client.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: "x" }));
      for (const query of [
        "list-type=2",
        "encoding-type=url&list-type=2",
        "delimiter=%2F&list-type=2",
      ]) {
        const { body } = await lab.send({ method: "GET", path: `/${VICTIM}`, query });
        expect(XMLValidator.validate(body)).toBe(true);
        // No character that XML 1.0 forbids stands raw in the page.
        // oxlint-disable-next-line no-control-regex -- that is what is looked for
        expect(body).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/);
      }
      await lab.client.send(new DeleteObjectCommand({ Bucket: VICTIM, Key }));
    },
  );

  describe("S73: completing an upload", () => {
    let UploadId = "";
    const target = { Bucket: VICTIM, Key: "upload" };
    const etags: string[] = [];
    beforeAll(async () => {
      ({ UploadId = "" } = await lab.client.send(new CreateMultipartUploadCommand(target)));
      for (const PartNumber of [1, 2, 3]) {
        const part = { ...target, UploadId, PartNumber, Body: Buffer.alloc(1_000, PartNumber) };
        const { ETag = "" } = await lab.client.send(new UploadPartCommand(part));
        etags.push(ETag);
      }
    });
    afterAll(() => lab.client.send(new AbortMultipartUploadCommand({ ...target, UploadId })));

    const part = (
      number: number,
      etag = etags[number - 1] ?? '"00000000000000000000000000000000"',
    ) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
    test.each([
      ["10,001 parts", manyParts, "MalformedXML"],
      ["no parts", () => "", "MalformedXML"],
      ["parts out of order", () => part(2) + part(1), "InvalidPartOrder"],
      ["a part twice", () => part(1) + part(1), "InvalidPartOrder"],
      ["a part that was not uploaded", () => part(1) + part(4), "InvalidPart"],
      ["a wrong ETag", () => part(1, '"0123456789abcdef0123456789abcdef"'), "InvalidPart"],
      ["a part that is too small", () => part(1) + part(2), "EntityTooSmall"],
      [
        "a part number that is none",
        () => "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>",
        "MalformedXML",
      ],
    ])("with %s is refused and leaves the upload open", async (_name, parts, code) => {
      const answer = await lab.send({
        method: "POST",
        path: `/${VICTIM}/upload`,
        query: `uploadId=${encodeURIComponent(UploadId)}`,
        body: `<CompleteMultipartUpload>${parts()}</CompleteMultipartUpload>`,
      });
      expect(`${answer.status} ${errorCode(answer)}`).toBe(`400 ${code}`);
      expect(await keys()).toEqual([KEPT]);
    });
  });
});
