// The body of an upload from the wire: unframed, bounded, hashed and compared with everything that the client said of it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import type { PayloadPlan } from "../../auth/authenticate.ts";
import type { ChecksumAlgorithm } from "../../core/checksum.ts";
import { PUT_BYTES_MAX } from "../../core/limits.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { UploadBody } from "../../store/upload-body.ts";
import { loadChecksumHasher } from "../../util/checksum-hasher.ts";
import { BodyCheck } from "./body-check.ts";
import { readBodySize } from "./body-size.ts";
import { checkedChunks } from "./checked-chunks.ts";
import { parseContentMd5 } from "./content-md5.ts";
import { parseDeclaredChecksum } from "./declared-checksum.ts";

/** What Amazon S3 computes and stores where the client sends no checksum. Undefined would switch that off. */
const FALLBACK_ALGORITHM: ChecksumAlgorithm | undefined = "CRC64NVME";

export interface UploadBodyOptions {
  readonly request: Pick<WireRequest, "headers">;
  readonly payload: PayloadPlan;
  /** Nothing is read from it before `chunks` is iterated, so that 100-continue can wait for the headers' verdict. */
  readonly source: AsyncIterable<Uint8Array>;
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
  await loadChecksumHasher();
  const check = new BodyCheck({ payload, declared, fallback: FALLBACK_ALGORITHM });
  return {
    sizeBytes,
    chunks: checkedChunks({ source, payload, sizeBytes, rule }, check),
    expectedMd5,
    checksums: () => check.checksums(),
  };
}
