// Bodies in aws-chunked framing, and sources that hand them over in pieces.

import { createHmac, createHash } from "node:crypto";
import type { PayloadPlan } from "../../../../src/auth/authenticate.ts";
import { HmacKey } from "../../../../src/auth/hmac-key.ts";
import { createChunkVerifier } from "../../../../src/auth/sigv4-chunk-verifier.ts";
import { openUploadBody } from "../../../../src/api/body/upload-body.ts";

export type Headers = Readonly<Record<string, string>>;

export const sha256 = (bytes: Uint8Array | string) =>
  createHash("sha256").update(bytes).digest("hex");

const CHAIN = {
  key: Buffer.alloc(32, 7),
  amzDate: "20130524T000000Z",
  scopeText: "20130524/us-east-1/s3/aws4_request",
  seed: "5".repeat(64),
};

/** What a client signs, written down a second time. */
function sign(previous: string, algorithm: string, hashes: string): string {
  const text = `${algorithm}\n${CHAIN.amzDate}\n${CHAIN.scopeText}\n${previous}\n${hashes}`;
  return createHmac("sha256", CHAIN.key).update(text).digest("hex");
}

export const unsignedPlan: PayloadPlan = { kind: "chunked", verifier: undefined, hasTrailer: true };

/** Fresh each time: a verifier walks along its chain. */
export const signedPlan = (hasTrailer: boolean): PayloadPlan => ({
  kind: "chunked",
  verifier: createChunkVerifier({ ...CHAIN, key: new HmacKey(CHAIN.key) }),
  hasTrailer,
});

export function frameUnsigned(chunks: readonly Uint8Array[], trailer = ""): Buffer {
  const frames = [...chunks, Buffer.alloc(0)].map((chunk) =>
    chunk.length === 0
      ? Buffer.from("0\r\n")
      : Buffer.concat([
          Buffer.from(`${chunk.length.toString(16)}\r\n`),
          chunk,
          Buffer.from("\r\n"),
        ]),
  );
  return Buffer.concat([...frames, Buffer.from(`${trailer}\r\n`)]);
}

export function frameSigned(chunks: readonly Uint8Array[], trailer?: string): Buffer {
  let previous = CHAIN.seed;
  const frames = [...chunks, Buffer.alloc(0)].map((chunk) => {
    const hashes = `${sha256("")}\n${sha256(chunk)}`;
    previous = sign(previous, "AWS4-HMAC-SHA256-PAYLOAD", hashes);
    const head = `${chunk.length.toString(16)};chunk-signature=${previous}\r\n`;
    const isLast = chunk.length === 0;
    return Buffer.concat([Buffer.from(head), chunk, Buffer.from(isLast ? "" : "\r\n")]);
  });
  if (trailer !== undefined) {
    const signature = sign(previous, "AWS4-HMAC-SHA256-TRAILER", sha256(`${trailer}\n`));
    frames.push(Buffer.from(`${trailer}\r\nx-amz-trailer-signature:${signature}\r\n`));
  }
  return Buffer.concat([...frames, Buffer.from("\r\n")]);
}

export async function* sourceOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

export const UNSIGNED: PayloadPlan = { kind: "unsigned" };

/** Reads a body to its end. */
export async function readUpload(
  payload: PayloadPlan,
  headers: Headers,
  pieces: readonly Uint8Array[],
) {
  const request = { headers: new Map(Object.entries(headers)) };
  const body = await openUploadBody({ request, payload, source: sourceOf(...pieces) });
  const chunks: Buffer[] = [];
  for await (const chunk of body.chunks) chunks.push(Buffer.from(chunk));
  return { body, bytes: Buffer.concat(chunks), checksums: body.checksums() };
}
