// The bytes of a body without their framing, bounded in number, each shown to the check before it is handed on.

import type { PayloadPlan } from "../../auth/authenticate.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { BodyCheck } from "./body-check.ts";
import { type BodySizeRule, tooLarge } from "./body-size.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";

export interface BodyStream {
  readonly source: AsyncIterable<Uint8Array>;
  readonly payload: PayloadPlan;
  /** Length after decoding, where it is known. */
  readonly sizeBytes: number | undefined;
  readonly rule: BodySizeRule;
}

/** Ends only after everything was verified. @throws S3Error for whatever was not as said */
export async function* checkedChunks(
  stream: BodyStream,
  check: BodyCheck,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createDecoder(stream, check);
  let receivedBytes = 0;
  for await (const bytes of stream.source) {
    for (const chunk of decoder === undefined ? [bytes] : decoder.decode(bytes)) {
      receivedBytes += chunk.length;
      if (receivedBytes > (stream.sizeBytes ?? stream.rule.max)) {
        throw overrun(stream, receivedBytes);
      }
      check.update(chunk);
      yield chunk;
    }
  }
  decoder?.end();
  if (stream.sizeBytes !== undefined && receivedBytes !== stream.sizeBytes) {
    throw new S3Error("IncompleteBody");
  }
  check.finish();
}

function createDecoder(stream: BodyStream, check: BodyCheck): ChunkedDecoder | undefined {
  const { payload, sizeBytes } = stream;
  if (payload.kind !== "chunked" || sizeBytes === undefined) return undefined;
  return new ChunkedDecoder({ verifier: payload.verifier, sizeBytes, trailer: check.trailer });
}

function overrun(stream: BodyStream, receivedBytes: number): S3Error {
  if (stream.sizeBytes !== undefined) return new S3Error("IncompleteBody");
  return tooLarge(receivedBytes, stream.rule);
}
