// UploadPart: stores one part of an upload, in place of an earlier one of the same number.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html

import type { ChecksumAlgorithm } from "../../core/checksum.ts";
import { S3Error } from "../../core/s3-error.ts";
import { findAnnouncedAlgorithm, partChecksumHeaders } from "../checksum-headers.ts";
import { encryptionHeaders, readCustomerKey } from "../encryption-headers.ts";
import { requireLockDigest } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { parsePartTarget } from "../part-target.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";

/** Computed for every body that comes without a checksum. */
const DEFAULT_ALGORITHM: ChecksumAlgorithm = "CRC64NVME";

export const uploadPart = defineOperation({
  name: "UploadPart",
  route: { method: "PUT", target: "object", query: ["partNumber", "uploadId"] },
  action: "s3:PutObject",
  body: "object",

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "part");
    return {
      ...parsePartTarget(query),
      algorithm: findAnnouncedAlgorithm(headers),
      customerKey: readCustomerKey(headers),
    };
  },

  async handle(context, { uploadId, number, algorithm, customerKey }) {
    const { store, bucket, key } = context;
    const upload = await store.getUpload(bucket, key, uploadId);
    const { headers } = context.request;
    requireLockDigest(bucket, upload.lock, { headers, what: "Part" });
    checkAlgorithm(upload.checksumAlgorithm, algorithm);
    const handle = { bucket, upload, customerKey };
    const part = await store.putPart(handle, number, await context.openBody());
    return emptyResponse(200, {
      etag: `"${part.etag}"`,
      ...encryptionHeaders(upload.encryption, customerKey),
      ...partChecksumHeaders(part.checksums),
    });
  },
});

/** Parts must have the checksum that the upload was begun with: the object's is made of theirs. @throws S3Error InvalidRequest */
function checkAlgorithm(
  expected: ChecksumAlgorithm | undefined,
  actual: ChecksumAlgorithm | undefined,
): void {
  if (expected === undefined || expected === (actual ?? DEFAULT_ALGORITHM)) return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual?.toLowerCase() ?? "null"}`,
  });
}
