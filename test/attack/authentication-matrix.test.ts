// Every way to authenticate, times every operation, with a signature that is not right: 403 in each cell, and nothing
// changed. The operations are the table that is served, so that a new one is in the matrix by itself.

import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "../../src/api/operation.ts";
import { OPERATIONS } from "../../src/api/operations/index.ts";
import { errorCode, type RawAnswer } from "../support/raw-http.ts";
import { presignV4, sha256Hex, type SigningKeys, signV4, wireBytes } from "../support/signing.ts";
import { type AttackLab, KEPT, startAttackLab, VICTIM } from "./attack-lab.ts";

/** One request of an operation, before it is signed. */
interface Bare {
  readonly method: string;
  readonly path: string;
  /** Without "?". */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Mode = (bare: Bare, lab: AttackLab) => Promise<RawAnswer>;

const DAY_MS = 24 * 60 * 60 * 1000;
/** The right key with a wrong secret. */
const forged = ({ keys }: AttackLab): SigningKeys => ({
  ...keys,
  secretKey: "not-the-secret-0000",
});
const unknown = { accessKey: "NOBODYSACCESSKEY0000", secretKey: "nobodys-secret-key-0" };

function bareOf({ route: { method, target, query = [], headers = [] } }: Operation): Bare {
  const paths = { service: "/", bucket: `/${VICTIM}`, object: `/${VICTIM}/${KEPT}` };
  return {
    method,
    path: paths[target],
    query: query.map((name) => (name.includes("=") ? name : `${name}=`)).join("&"),
    headers: Object.fromEntries(headers.map((name) => [name, `/${VICTIM}/${KEPT}`])),
  };
}

async function send(
  lab: AttackLab,
  { method, path }: Bare,
  query: string,
  headers: Record<string, string>,
) {
  const target = query === "" ? path : `${path}?${query}`;
  const bytes = wireBytes(method, target, { host: lab.host, ...headers });
  return lab.sendBytes(bytes, { isHead: method === "HEAD" });
}

const inHeader =
  (keysOf: (lab: AttackLab) => SigningKeys, payload: string): Mode =>
  (bare, lab) => {
    const { query, headers } = bare;
    const given = { host: lab.host, ...headers };
    const signed = signV4(keysOf(lab), { ...bare, payload, headers: given });
    return send(lab, bare, query, signed.headers);
  };

const presigned =
  (keysOf: (lab: AttackLab) => SigningKeys, date: () => Date): Mode =>
  (bare, lab) => {
    const pairs = bare.query === "" ? [] : bare.query.split("&").map((pair) => pair.split("="));
    const query = Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value]));
    const { method, path, headers } = bare;
    const url = presignV4(keysOf(lab), { method, path, host: lab.host, query, date: date() });
    return send(lab, bare, url, { ...headers });
  };

const v2Header: Mode = (bare, lab) => {
  const date = new Date().toUTCString();
  const signature = createHmac("sha1", "not-the-secret").update(bare.path).digest("base64");
  const authorization = `AWS ${lab.keys.accessKey}:${signature}`;
  return send(lab, bare, bare.query, { ...bare.headers, date, authorization });
};

const v2Query: Mode = (bare, lab) => {
  const expires = Math.floor((Date.now() + DAY_MS) / 1000);
  const signature = encodeURIComponent(
    createHmac("sha1", "not-the-secret").update(bare.path).digest("base64"),
  );
  const own = `AWSAccessKeyId=${lab.keys.accessKey}&Expires=${expires}&Signature=${signature}`;
  return send(lab, bare, bare.query === "" ? own : `${bare.query}&${own}`, { ...bare.headers });
};

const now = () => new Date();
const MODES: readonly (readonly [name: string, mode: Mode])[] = [
  ["a V4 header", inHeader(forged, sha256Hex(""))],
  ["a V4 header over a chunked body", inHeader(forged, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")],
  ["an unsigned trailer", inHeader(forged, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")],
  ["a presigned V4 URL", presigned(forged, now)],
  [
    "an expired V4 URL",
    presigned(
      ({ keys }) => keys,
      () => new Date(Date.now() - DAY_MS),
    ),
  ],
  ["a V2 header", v2Header],
  ["a V2 URL", v2Query],
  ["an unknown key in a header", inHeader(() => unknown, sha256Hex(""))],
  ["an unknown key in a URL", presigned(() => unknown, now)],
];

/** A preflight carries no signature, and none is looked at; it does nothing but say what a bucket's CORS rules say. */
const SIGNED = OPERATIONS.filter(({ isOpen }) => isOpen !== true);

describe("a wrong signature", () => {
  let lab: AttackLab;
  let before: unknown;
  beforeAll(async () => {
    lab = await startAttackLab();
    before = await lab.state();
  });
  afterAll(() => lab.stop());

  test.each(MODES)("in %s gets 403 from every operation", async (_name, mode) => {
    const wrong: string[] = [];
    for (const operation of SIGNED) {
      const answer = await mode(bareOf(operation), lab);
      if (answer.status !== 403) {
        wrong.push(`${operation.name}: ${answer.status} ${errorCode(answer)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(SIGNED.length).toBeGreaterThan(80);
    expect(await lab.state()).toEqual(before);
  });

  test("none at all gets 403 from every operation on what is not open to everybody (S01)", async () => {
    const wrong: string[] = [];
    for (const operation of SIGNED) {
      const bare = bareOf(operation);
      const answer = await send(lab, bare, bare.query, { ...bare.headers });
      // A form is refused for want of a form.
      const isRefused = answer.status === 403 || operation.name === "PostObject";
      if (!isRefused) wrong.push(`${operation.name}: ${answer.status} ${errorCode(answer)}`);
    }
    expect(wrong).toEqual([]);
    expect(await lab.state()).toEqual(before);
  });

  test("of another account gets 403 from every operation on the bucket", async () => {
    const wrong: string[] = [];
    for (const operation of SIGNED.filter(({ route }) => route.target !== "service")) {
      const bare = bareOf(operation);
      const answer = await inHeader(() => lab.otherKeys, sha256Hex(""))(bare, lab);
      // Its name is taken; a form says for itself who it is.
      const others = { CreateBucket: 409, PostObject: 400 } as const;
      const expected = operation.name in others ? Object.values(others) : [403];
      if (!expected.includes(answer.status)) {
        wrong.push(`${operation.name}: ${answer.status} ${errorCode(answer)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(await lab.state()).toEqual(before);
  });
});
