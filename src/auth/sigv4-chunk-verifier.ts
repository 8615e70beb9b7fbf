// Chunk signatures of Signature V4: a chain that begins with the signature of the request.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html

import { S3Error } from "../core/s3-error.ts";
import type { ChunkVerifier } from "./chunk-verifier.ts";
import { equalDigests } from "./equal-digests.ts";
import type { HmacKey } from "./hmac-key.ts";

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export interface ChunkChain {
  readonly key: HmacKey;
  readonly amzDate: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly scopeText: string;
  /** The request's own signature. */
  readonly seed: string;
}

export function createChunkVerifier(chain: ChunkChain): ChunkVerifier {
  let previous = chain.seed;
  const advance = (algorithm: string, hashes: string, provided: string): void => {
    const toSign = `${algorithm}\n${chain.amzDate}\n${chain.scopeText}\n${previous}\n${hashes}`;
    const expected = chain.key.hexOf(toSign);
    if (!equalDigests(expected, provided)) {
      throw new S3Error("SignatureDoesNotMatch", {
        detail: { StringToSign: toSign, SignatureProvided: provided },
      });
    }
    previous = expected;
  };
  return {
    verifyChunk(sha256Hex, signatureHex) {
      advance("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${sha256Hex}`, signatureHex);
    },
    verifyTrailer(sha256Hex, signatureHex) {
      advance("AWS4-HMAC-SHA256-TRAILER", sha256Hex, signatureHex);
    },
  };
}
