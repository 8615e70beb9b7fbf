// aws-chunked bodies, split wherever a network may split them; and those that are not what they say.

import * as fc from "fast-check";
import { crc32 } from "@node-rs/crc32";
import { expect, test } from "vitest";
import { S3Error } from "../../../../src/core/s3-error.ts";
import {
  frameSigned,
  frameUnsigned,
  type Headers,
  readUpload,
  signedPlan,
  unsignedPlan,
} from "./given-body.ts";

const CHUNK = Buffer.alloc(8192, "golden joinery ");
const TRAILER_NAME = "x-amz-checksum-crc32";

const base64Crc32 = (bytes: Uint8Array) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString("base64");
};

const lengthOf = (sizeBytes: number): Headers => ({
  "x-amz-decoded-content-length": String(sizeBytes),
});
const trailed = (sizeBytes: number): Headers => ({
  ...lengthOf(sizeBytes),
  "x-amz-trailer": TRAILER_NAME,
});

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((at) => at % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Whether an upload was refused by name, or came out as it should. */
async function holds(
  upload: ReturnType<typeof readUpload>,
  isAsItShould: (result: Awaited<ReturnType<typeof readUpload>>) => boolean,
): Promise<boolean> {
  try {
    return isAsItShould(await upload);
  } catch (error) {
    return error instanceof S3Error;
  }
}

test("a body split at each of its bytes is the same body", async () => {
  const data = [CHUNK, Buffer.from("the rest")];
  const whole = Buffer.concat(data);
  const trailer = `${TRAILER_NAME}:${base64Crc32(whole)}`;
  const frames = [
    { frame: frameUnsigned(data, `${trailer}\r\n`), plan: () => unsignedPlan },
    { frame: frameSigned(data, trailer), plan: () => signedPlan(true) },
  ];
  for (const { frame, plan } of frames) {
    for (let at = 0; at <= frame.length; at += at > 300 && at < 8000 ? 97 : 1) {
      const pieces = [frame.subarray(0, at), frame.subarray(at)];
      const { bytes } = await readUpload(plan(), trailed(whole.length), pieces);
      expect(bytes.equals(whole)).toBe(true);
    }
  }
});

test("any data in any chunks and any pieces comes out as it was", async () => {
  const chunk = fc.uint8Array({ minLength: 8192, maxLength: 9000 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 3 }),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.boolean(),
      async (chunks, last, cuts, isSigned) => {
        const data = [...chunks, last];
        const whole = Buffer.concat(data);
        const pieces = cut(isSigned ? frameSigned(data) : frameUnsigned(data), cuts);
        const plan = isSigned ? signedPlan(false) : unsignedPlan;
        const { bytes, checksums } = await readUpload(plan, lengthOf(whole.length), pieces);
        expect(bytes.equals(whole)).toBe(true);
        expect(checksums).toMatchObject([{ algorithm: "CRC64NVME", type: "FULL_OBJECT" }]);
      },
    ),
    { numRuns: 60 },
  );
});

test("whatever bytes come in place of frames, the answer is a refusal by name or the declared bytes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f\r\n;]{0,60}$/)),
      fc.nat(20),
      async (text, sizeBytes) => {
        const upload = readUpload(unsignedPlan, lengthOf(sizeBytes), [Buffer.from(text)]);
        const isRight = await holds(upload, ({ bytes }) => bytes.length === sizeBytes);
        expect(isRight).toBe(true);
      },
    ),
  );
});

test("any changed byte of a signed body is found", async () => {
  const data = [CHUNK, Buffer.from("rest")];
  const sizeBytes = CHUNK.length + 4;
  const frame = frameSigned(data, `${TRAILER_NAME}:${base64Crc32(Buffer.concat(data))}`);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(frame.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, flip) => {
        const changed = Buffer.from(frame);
        changed.writeUInt8((frame[at] ?? 0) ^ flip, at);
        // Case of hexadecimal sizes and header names, and white space around a value, mean nothing.
        const upload = readUpload(signedPlan(true), trailed(sizeBytes), [changed]);
        const isRight = await holds(upload, ({ bytes }) => bytes.equals(Buffer.concat(data)));
        expect(isRight).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

const one = frameUnsigned([CHUNK]).toString("latin1");

test.each([
  ["the last chunk is missing", one.slice(0, -5), CHUNK.length, "IncompleteBody"],
  ["the body ends within a chunk", one.slice(0, 500), CHUNK.length, "IncompleteBody"],
  ["the body is empty", "", CHUNK.length, "IncompleteBody"],
  ["the body is shorter than declared", one, CHUNK.length + 1, "IncompleteBody"],
  ["the body is longer than declared", one, CHUNK.length - 1, "IncompleteBody"],
  ["bytes follow the end", `${one}x`, CHUNK.length, "InvalidRequest"],
  ["a size is negative", "-1\r\n", 5, "InvalidRequest"],
  ["a size has a prefix", "0x5\r\nabcde\r\n0\r\n\r\n", 5, "InvalidRequest"],
  ["a size is huge", "ffffffffffffffff\r\n", 5, "IncompleteBody"],
  ["a size is longer than a number", `${"0".repeat(17)}5\r\n`, 5, "InvalidRequest"],
  ["a size is empty", "\r\n", 5, "InvalidRequest"],
  ["a line has no end", "5".repeat(100_000), 5, "InvalidRequest"],
  ["a line ends with a bare line feed", "5\nabcde\n0\n\n", 5, "IncompleteBody"],
  ["a chunk is longer than its size", "5\r\nabcdef\r\n0\r\n\r\n", 6, "InvalidRequest"],
  [
    "a small chunk is not the last",
    "5\r\nabcde\r\n1\r\nf\r\n0\r\n\r\n",
    6,
    "InvalidChunkSizeError",
  ],
  [
    "a trailer was not announced",
    "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    0,
    "InvalidRequest",
  ],
  ["a trailer is no field", "0\r\nnonsense\r\n\r\n", 0, "MalformedTrailerError"],
  ["a trailer has no end", `0\r\n${"x".repeat(5000)}`, 0, "MalformedTrailerError"],
])("refused: %s", async (...example) => {
  const [, text, sizeBytes, code] = example;
  const upload = readUpload(unsignedPlan, lengthOf(sizeBytes), [Buffer.from(text, "latin1")]);
  await expect(upload).rejects.toMatchObject({ code });
});

const good = `${TRAILER_NAME}:${base64Crc32(CHUNK)}\r\n`;

test.each([
  ["wrong", `${TRAILER_NAME}:AAAAAA==\r\n`, "BadDigest"],
  ["missing", "", "MalformedTrailerError"],
  ["twice there", good + good, "MalformedTrailerError"],
  ["of the wrong length", `${TRAILER_NAME}:AAAA\r\n`, "InvalidRequest"],
  ["another than announced", "x-amz-checksum-sha1:AAAA\r\n", "InvalidRequest"],
])("refused: a trailer that is %s", async (_, trailer, code) => {
  const frame = frameUnsigned([CHUNK], trailer);
  const upload = readUpload(unsignedPlan, trailed(CHUNK.length), [frame]);
  await expect(upload).rejects.toMatchObject({ code });
});

test("a trailer without its empty line, or with a line feed before its end, is a trailer", async () => {
  for (const end of ["\r\n", "\n\r\n\r\n", "\r\n\r\n"]) {
    const trailer = `${TRAILER_NAME}: ${base64Crc32(CHUNK)}`;
    const frame = Buffer.concat([
      frameUnsigned([CHUNK]).subarray(0, -2),
      Buffer.from(trailer + end),
    ]);
    const { checksums } = await readUpload(unsignedPlan, trailed(CHUNK.length), [frame]);
    expect(checksums).toEqual([
      { algorithm: "CRC32", type: "FULL_OBJECT", value: base64Crc32(CHUNK) },
    ]);
  }
});

test("a signed body is refused when chunks are swapped, left out, replayed or its trailer is not signed", async () => {
  const data = [CHUNK, Buffer.alloc(8192, "b"), Buffer.alloc(8192, "c")];
  const sizeBytes = 3 * 8192;
  const frame = frameSigned(data).toString("latin1");
  const [a = "", b = "", c = "", end = ""] = frame.split(/(?=(?:2000|0);chunk)/);
  const bodies = [
    b + a + c + end,
    a + c + end,
    a + a + b + end,
    a + b + end,
    a + b + c.toUpperCase() + end,
  ];
  for (const body of bodies) {
    const upload = readUpload(signedPlan(false), lengthOf(sizeBytes), [
      Buffer.from(body, "latin1"),
    ]);
    await expect(upload).rejects.toMatchObject({ code: /SignatureDoesNotMatch|InvalidRequest/ });
  }
  const trailer = `${TRAILER_NAME}:${base64Crc32(Buffer.concat(data))}`;
  const unsignedTrailer = frameSigned(data, trailer)
    .toString("latin1")
    .replace(/x-amz-trailer-signature:.*\r\n/, "");
  const upload = readUpload(signedPlan(true), trailed(sizeBytes), [
    Buffer.from(unsignedTrailer, "latin1"),
  ]);
  await expect(upload).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
});
