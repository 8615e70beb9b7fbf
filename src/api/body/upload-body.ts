// The body of an upload from the wire: unframed, bounded, hashed and compared with everything that the client said of it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import type { PayloadPlan } from "../../auth/authenticate.ts";
import { DEFAULT_CHECKSUM_ALGORITHM, type ChecksumAlgorithm } from "../../core/checksum.ts";
import { PUT_BYTES_MAX } from "../../core/limits.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { UploadBody } from "../../store/upload-body.ts";
import { loadChecksumHasher } from "../../util/checksum-hasher.ts";
import { BodyCheck } from "./body-check.ts";
import { readBodySize } from "./body-size.ts";
import { checkedChunks } from "./checked-chunks.ts";
import { parseContentMd5 } from "./content-md5.ts";
import { parseDeclaredChecksum } from "./declared-checksum.ts";

export interface UploadBodyOptions {
  readonly request: Pick<WireRequest, "headers">;
  readonly payload: PayloadPlan;
  /** Nothing is read from it before `chunks` is iterated, so that 100-continue can wait for the headers' verdict. */
  readonly source: AsyncIterable<Uint8Array>;
  /** A checksum to compute in any case. By default the client's alone is, and S3's default where it sends none. */
  readonly wanted?: ChecksumAlgorithm | undefined;
  /** Largest length after decoding, in bytes; PUT_BYTES_MAX where absent. */
  readonly sizeBytesMax?: number;
}

/**
 * @throws S3Error for what the headers alone show to be wrong: MissingContentLength, InvalidDigest, InvalidRequest,
 *   InvalidArgument, EntityTooLarge, BadDigest. What the bytes show comes out of `chunks`.
 */
export async function openUploadBody(options: UploadBodyOptions): Promise<UploadBody> {
  const { request, payload, source, sizeBytesMax: max = PUT_BYTES_MAX } = options;
  const rule = { max, tooLarge: "EntityTooLarge" } as const;
  const expectedMd5 = parseContentMd5(request.headers.get("content-md5"));
  const declared = parseDeclaredChecksum(request.headers, payload);
  const sizeBytes = readBodySize(request.headers, payload, rule);
  const fallback = declared === undefined ? DEFAULT_CHECKSUM_ALGORITHM : undefined;
  const wanted = options.wanted ?? fallback;
  for (const algorithm of [declared?.algorithm, wanted]) {
    if (algorithm !== undefined) await loadChecksumHasher(algorithm);
  }
  const check = new BodyCheck({ payload, declared, wanted, sizeBytes });
  return {
    sizeBytes,
    chunks: checkedChunks({ source, payload, sizeBytes, rule }, check),
    expectedMd5,
    checksums: () => check.checksums(),
  };
}
