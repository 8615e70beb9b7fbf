// S16-S24: bodies in aws-chunked framing, checksums and digests that do not hold.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AttackCase, attackSuite, OVERWRITING, putWith } from "./attack-case.ts";
import { type AttackLab, KEPT, type SendOptions, startAttackLab, VICTIM } from "./attack-lab.ts";
import { signedChunks, wireBytes } from "../support/signing.ts";

const PATH = `/${VICTIM}/${KEPT}`;
const MISMATCH = [403, "SignatureDoesNotMatch"] as const;
const INCOMPLETE = [400, "IncompleteBody"] as const;
const INVALID = [400, "InvalidRequest"] as const;
const CHUNK_SIZE = [403, "InvalidChunkSizeError"] as const;
const DIGEST = [400, "BadDigest"] as const;
const TRAILER = [400, "MalformedTrailerError"] as const;
const CHUNK = Buffer.alloc(9_000, "a");

const STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

interface ChunkedOptions {
  readonly payload?: string;
  readonly decodedLength?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content-Length in place of the true one; `none` sends none. */
  readonly contentLength?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly keys?: SendOptions["keys"];
}

/** Signs the head of a chunked request; `frames` makes its body from the seed signature. */
async function sendChunked(
  lab: AttackLab,
  options: ChunkedOptions,
  frames: (seed: ReturnType<AttackLab["sign"]>) => readonly Buffer[],
) {
  const { payload = STREAMING_SIGNED, method = "PUT", path = PATH, query } = options;
  const decodedLength = options.decodedLength ?? String(CHUNK.length * 2);
  const seed = lab.sign({
    method,
    path,
    ...(query !== undefined && { query }),
    ...(options.keys && { keys: options.keys }),
    payload,
    headers: {
      "content-encoding": "aws-chunked",
      ...(decodedLength !== "none" && { "x-amz-decoded-content-length": decodedLength }),
      ...options.headers,
    },
  });
  const body = Buffer.concat(frames(seed));
  const { contentLength = String(body.length) } = options;
  const length = contentLength === "none" ? {} : { "content-length": contentLength };
  const target = query === undefined ? path : `${path}?${query}`;
  return lab.sendBytes(wireBytes(method, target, { ...seed.headers, ...length }, body));
}

const signed = (
  name: string,
  answers: AttackCase["answers"],
  change: (frames: Buffer[]) => readonly Buffer[],
): AttackCase => ({
  row: "S19",
  name,
  answers,
  send: (lab) => sendChunked(lab, {}, (seed) => change(signedChunks(seed, [CHUNK, CHUNK]))),
});

const unsignedBody = (trailer: string, data = CHUNK) =>
  Buffer.from(`${data.length.toString(16)}\r\n${data.toString("latin1")}\r\n0\r\n${trailer}\r\n`);

const crc32Trailer = "x-amz-checksum-crc32";

/** An unsigned body of one chunk with a trailer; its head is signed as it should be unless `options` says otherwise. */
const trailered = (
  row: string,
  name: string,
  answers: AttackCase["answers"],
  { body, ...options }: ChunkedOptions & { readonly body: Buffer },
): AttackCase => ({
  row,
  name,
  answers,
  send: (lab) =>
    sendChunked(
      lab,
      {
        payload: STREAMING_UNSIGNED,
        decodedLength: String(CHUNK.length),
        ...options,
        headers: { "x-amz-trailer": crc32Trailer, ...options.headers },
      },
      () => [body],
    ),
});

const framed = (name: string, answers: AttackCase["answers"], body: string): AttackCase =>
  trailered("S22", name, answers, { body: Buffer.from(body), headers: {} });

const sha256Base64 = (text: string) => createHash("sha256").update(text).digest("base64");
const badTrailer = `${crc32Trailer}:AAAAAA==\r\n`;

attackSuite("chunked bodies and digests", [
  trailered("S16", "an unsigned trailer with a wrong signature", [MISMATCH], {
    body: unsignedBody(badTrailer),
    keys: { accessKey: "OTHERACCESSKEY000001", secretKey: "wrong" },
  }),
  {
    row: "S17",
    name: "an unsigned trailer with a wrong signature in the query",
    answers: [MISMATCH, [403, "AccessDenied"]],
    send: (lab) => {
      const target = lab.presign({ method: "PUT", path: PATH }).replace(/.{4}$/, "0000");
      const body = unsignedBody(badTrailer);
      const headers = {
        host: lab.host,
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": STREAMING_UNSIGNED,
        "x-amz-decoded-content-length": String(CHUNK.length),
        "content-length": String(body.length),
      };
      return lab.sendBytes(wireBytes("PUT", target, headers, body));
    },
  },
  ...[
    { query: "tagging", method: "PUT" },
    { query: "delete", method: "POST" },
  ].map(({ query, method }) =>
    trailered(
      "S18",
      `an unsigned trailer with a wrong signature on ${method} ?${query}`,
      [MISMATCH],
      {
        body: unsignedBody(badTrailer),
        path: `/${VICTIM}`,
        query,
        method,
        keys: { accessKey: "OTHERACCESSKEY000001", secretKey: "wrong" },
      },
    ),
  ),
  signed("a changed chunk", [MISMATCH], ([first = CHUNK, ...rest]) => {
    const changed = Buffer.from(first);
    changed.writeUInt8(0x62, changed.length - 10);
    return [changed, ...rest];
  }),
  signed("chunks in another order", [MISMATCH], ([first = CHUNK, second = CHUNK, last = CHUNK]) => [
    second,
    first,
    last,
  ]),
  signed("no final chunk", [INCOMPLETE, MISMATCH], (frames) => frames.slice(0, -1)),
  signed("a chunk left out", [MISMATCH, INCOMPLETE], ([, ...rest]) => rest),
  {
    row: "S19",
    name: "the chunks of another request",
    answers: [MISMATCH],
    send: (lab) => {
      const another = lab.sign({
        method: "PUT",
        path: `/${VICTIM}/else`,
        payload: STREAMING_SIGNED,
      });
      return sendChunked(lab, {}, () => signedChunks(another, [CHUNK, CHUNK]));
    },
  },
  {
    row: "S20",
    name: "aws-chunked framing whose payload hash does not announce it",
    answers: [INVALID, [400, "XAmzContentSHA256Mismatch"]],
    send: (lab) => {
      const headers = { "content-encoding": "aws-chunked" };
      return lab.send({ method: "PUT", path: PATH, body: unsignedBody(""), headers });
    },
  },
  trailered("S21", "no x-amz-decoded-content-length", [[411, "MissingContentLength"]], {
    body: unsignedBody(""),
    decodedLength: "none",
    headers: {},
  }),
  ...["1", "-1", "9223372036854775808", "abc", String(CHUNK.length + 1)].map((decodedLength) =>
    trailered(
      "S21",
      `x-amz-decoded-content-length: ${decodedLength}`,
      [INCOMPLETE, INVALID, [400, "InvalidArgument"]],
      {
        body: unsignedBody(`${crc32Trailer}:AAAAAA==\r\n`),
        decodedLength,
      },
    ),
  ),
  {
    row: "S22",
    name: "a small chunk that is not the last",
    answers: [CHUNK_SIZE],
    send: (lab) =>
      sendChunked(lab, { decodedLength: "9100" }, (seed) =>
        signedChunks(seed, [Buffer.alloc(100, "b"), CHUNK]),
      ),
  },
  framed("a chunk of -1", [INVALID, INCOMPLETE], "-1\r\nabc\r\n0\r\n\r\n"),
  framed("a chunk of 2^64-1", [INVALID, INCOMPLETE], "ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
  framed("a chunk of 0x5", [INVALID, INCOMPLETE], "0x5\r\nabcde\r\n0\r\n\r\n"),
  framed("a chunk line without an end", [INVALID, INCOMPLETE], "5".repeat(100_000)),
  trailered("S23", "a wrong trailer", [DIGEST], { body: unsignedBody(badTrailer) }),
  trailered("S23", "a trailer that was not announced", [INVALID, TRAILER], {
    body: unsignedBody("x-amz-checksum-sha1:AAAA\r\n"),
  }),
  trailered("S23", "no trailer where one was announced", [INVALID, TRAILER], {
    body: unsignedBody(""),
  }),
  trailered("S23", "a trailer without a colon", [TRAILER, INVALID], {
    body: unsignedBody("nonsense\r\n"),
  }),
  trailered("S23", "a trailer twice", [TRAILER, INVALID], {
    body: unsignedBody(badTrailer + badTrailer),
  }),
  putWith("S24", "a wrong Content-MD5", [DIGEST], { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }),
  putWith("S24", "a Content-MD5 that is not base64", [[400, "InvalidDigest"]], {
    "content-md5": "%%%",
  }),
  putWith("S24", "a short Content-MD5", [[400, "InvalidDigest"]], { "content-md5": "YWJj" }),
  putWith("S24", "two checksums", [INVALID], {
    "x-amz-checksum-sha256": sha256Base64(OVERWRITING),
    "x-amz-checksum-crc32": "AAAAAA==",
  }),
  putWith("S24", "a wrong checksum", [DIGEST], { "x-amz-checksum-sha256": sha256Base64("else") }),
  putWith("S24", "a checksum of the wrong length", [INVALID], { "x-amz-checksum-sha256": "YWJj" }),
  putWith("S24", "an unknown checksum algorithm", [INVALID], {
    "x-amz-sdk-checksum-algorithm": "MD99",
  }),
]);

describe("framing is never data", () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await startAttackLab();
  });
  afterAll(() => lab.stop());

  test("S20: a streamed payload without content-encoding is decoded all the same", async () => {
    const path = `/${VICTIM}/framed`;
    const seed = lab.sign({
      method: "PUT",
      path,
      payload: STREAMING_SIGNED,
      headers: { "x-amz-decoded-content-length": String(CHUNK.length) },
    });
    const body = Buffer.concat(signedChunks(seed, [CHUNK]));
    const headers = { ...seed.headers, "content-length": String(body.length) };
    const put = await lab.sendBytes(wireBytes("PUT", path, headers, body));
    expect(put.status).toBe(200);
    const found = await lab.send({ method: "GET", path });
    expect(found.body).toBe(CHUNK.toString());
    expect(found.headers.get("content-encoding")).toBeUndefined();
  });
});
