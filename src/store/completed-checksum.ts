// The checksum of a completed upload, from those of its parts: of all bytes for FULL_OBJECT (CRCs can be combined), of
// the parts' checksums for COMPOSITE. What the client declares for the whole must agree.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html#multipart-upload-checksums

import { DEFAULT_CHECKSUM_ALGORITHM } from "../core/checksum.ts";
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../core/checksum.ts";
import { S3Error } from "../core/s3-error.ts";
import type { PartRecord, UploadRecord } from "../metadata/records.ts";
import { createChecksumHasher, loadChecksumHasher } from "../util/checksum-hasher.ts";
import { combineCrc, isCombinable } from "../util/crc-combine.ts";
import type { CompleteRequest } from "./object-store.ts";

/**
 * Undefined when the parts have no checksums to make one of.
 * @throws S3Error BadDigest, InvalidRequest when what was declared for the whole does not fit
 */
export async function completedChecksum(
  upload: UploadRecord,
  parts: readonly PartRecord[],
  request: Pick<CompleteRequest, "checksum" | "checksumType">,
): Promise<ObjectChecksum | undefined> {
  requireSameType(upload, request.checksumType);
  const algorithm = upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
  const declared = request.checksum;
  if (declared !== undefined && declared.algorithm !== algorithm) {
    const expected = upload.checksumAlgorithm?.toLowerCase() ?? "null";
    throw new S3Error("InvalidRequest", {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${declared.algorithm.toLowerCase()}`,
    });
  }
  await loadChecksumHasher(algorithm);
  const computed = compute(algorithm, upload.checksumType ?? "FULL_OBJECT", parts);
  if (declared === undefined) return computed;
  if (computed === undefined || !isSame(declared.value, computed)) throw new S3Error("BadDigest");
  return computed;
}

function requireSameType(upload: UploadRecord, declared: ChecksumType | undefined): void {
  const type = upload.checksumType ?? "FULL_OBJECT";
  if (declared === undefined || declared === type) return;
  throw new S3Error("InvalidRequest", {
    message: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
  });
}

function compute(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly PartRecord[],
): ObjectChecksum | undefined {
  const values = parts.map((part) => ({
    sizeBytes: part.sizeBytes,
    value: part.checksums.find((checksum) => checksum.algorithm === algorithm)?.value,
  }));
  const known = values.flatMap(({ sizeBytes, value }) =>
    value === undefined ? [] : [{ sizeBytes, value }],
  );
  if (known.length < parts.length) return undefined;
  if (type === "COMPOSITE") {
    const hasher = createChecksumHasher(algorithm);
    for (const { value } of known) hasher.update(Buffer.from(value, "base64"));
    return { algorithm, type, value: `${hasher.digestBase64()}-${parts.length}` };
  }
  if (!isCombinable(algorithm)) return undefined;
  return { algorithm, type, value: combineCrc(algorithm, known) };
}

/** A composite value may be declared with or without the number of parts behind it. */
function isSame(declared: string, computed: ObjectChecksum): boolean {
  if (declared === computed.value) return true;
  return computed.type === "COMPOSITE" && computed.value.startsWith(`${declared}-`);
}
