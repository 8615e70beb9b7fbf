// UploadPart: stores one part of an upload, in place of an earlier one of the same number.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html

import { DEFAULT_CHECKSUM_ALGORITHM, type ChecksumAlgorithm } from "../../core/checksum.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { UploadRecord } from "../../store/records.ts";
import { findAnnouncedAlgorithm, partChecksumHeaders } from "../checksum-headers.ts";
import { encryptionHeaders, readCustomerKey } from "../encryption-headers.ts";
import { requireLockDigest } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { parsePartTarget } from "../part-target.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";

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
    checkAlgorithm(upload, algorithm);
    const handle = { bucket, upload, customerKey };
    // What the object's checksum will be made of, whatever else the client sends.
    const body = await context.openBody(upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM);
    const part = await store.putPart(handle, number, body);
    return emptyResponse(200, {
      etag: `"${part.etag}"`,
      ...encryptionHeaders(upload.encryption, customerKey),
      ...partChecksumHeaders(part.checksums),
    });
  },
});

/**
 * Parts have the checksum that the upload was begun with: the object's is made of theirs. What is missing is computed where
 * it is of all bytes in the end; a composite one is to come from the client.
 * @throws S3Error InvalidRequest
 */
function checkAlgorithm(
  { checksumAlgorithm: expected, checksumType }: UploadRecord,
  actual: ChecksumAlgorithm | undefined,
): void {
  if (expected === undefined || expected === actual) return;
  if (actual === undefined && checksumType === "FULL_OBJECT") return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual?.toLowerCase() ?? "null"}`,
  });
}
