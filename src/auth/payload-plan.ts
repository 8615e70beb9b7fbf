// What x-amz-content-sha256 announces about the body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html

import { S3Error } from "../core/s3-error.ts";
import type { PayloadPlan } from "./authenticate.ts";
import type { ChunkVerifier } from "./chunk-verifier.ts";

/**
 * `createVerifier` begins a chain of chunk signatures; undefined where the request's signature cannot begin one
 * (Signature V2, and presigned URLs, whose signature does not cover the header).
 * @throws S3Error InvalidRequest
 */
export function planPayload(
  contentSha256: string,
  createVerifier: (() => ChunkVerifier) | undefined,
): PayloadPlan {
  if (contentSha256 === "UNSIGNED-PAYLOAD") return { kind: "unsigned" };
  if (/^[0-9a-fA-F]{64}$/.test(contentSha256)) {
    return { kind: "sha256", hex: contentSha256.toLowerCase() };
  }
  if (contentSha256 === "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    return { kind: "chunked", verifier: undefined, hasTrailer: true };
  }
  const hasTrailer = contentSha256 === "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
  if (
    createVerifier !== undefined &&
    (hasTrailer || contentSha256 === "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
  ) {
    return { kind: "chunked", verifier: createVerifier(), hasTrailer };
  }
  throw new S3Error("InvalidRequest", {
    message:
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    detail: { ArgumentName: "x-amz-content-sha256", ArgumentValue: contentSha256 },
  });
}
