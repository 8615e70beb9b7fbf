// CopyObject: shares the source's shard set where it has one of its own and the copy is encrypted alike; else its bytes are
// written again, and the copy gets the MD5 of all bytes as its ETag, as AWS does.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

import type { ChecksumAlgorithm, ObjectChecksum } from "../core/checksum.ts";
import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { ObjectRecord } from "../metadata/records.ts";
import { bodyOfReading, checksumOfReading } from "./body-of-reading.ts";
import { copiedEncryption, isSealedAlike } from "./encryption/copied-encryption.ts";
import type { CopySource, NewObject } from "./object-store.ts";
import { commitObject, putObject, tryCondition } from "./put-object.ts";
import type { StoreContext } from "./store-context.ts";
import { openObject } from "./open-object.ts";

/** Closes the reading. @throws S3Error PreconditionFailed, InvalidRequest (source too large), ServiceUnavailable */
export async function copyObject(
  context: StoreContext,
  source: CopySource,
  target: NewObject,
  checksum: ChecksumAlgorithm | undefined,
): Promise<ObjectRecord> {
  const { object } = source.reading;
  try {
    if (object.sizeBytes > PUT_BYTES_MAX) {
      throw new S3Error("InvalidRequest", {
        message: `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
      });
    }
    await tryCondition(context, target);
    // A composite checksum is of parts, which the copy has not: it gets one of all bytes, by the same algorithm.
    const algorithm = checksum ?? object.checksum?.algorithm;
    const isSameClass = object.storageClass === target.storageClass;
    if (object.content.kind === "set" && isSameClass && isSealedAlike(source, target)) {
      const shared = await shareSet(context, source, target, algorithm);
      if (shared !== undefined) return shared;
    }
    const windows = source.reading.read(0, object.sizeBytes);
    return await putObject(
      context,
      target,
      await bodyOfReading(windows, object.sizeBytes, algorithm),
    );
  } finally {
    source.reading.close();
  }
}

/** Undefined when the source was replaced meanwhile: its bytes are still held, to be copied. */
async function shareSet(
  context: StoreContext,
  source: CopySource,
  target: NewObject,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<ObjectRecord | undefined> {
  const { object } = source.reading;
  if (object.content.kind !== "set") return undefined;
  const checksum = await checksumOfCopy(context, source, algorithm);
  if (checksum === "replaced") return undefined;
  const { key, sequence, sizeBytes, etag } = object;
  const encryption = await copiedEncryption(context, source, target);
  const content = {
    kind: "share",
    setId: object.content.set.id,
    source: { bucketId: source.bucket.id, key, sequence },
  } as const;
  try {
    return await commitObject(context, target, {
      content,
      sizeBytes,
      etag,
      encryption,
      checksum,
    });
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
    throw error;
  }
}

/** The checksum that the source has, or one that is read from its bytes in a reading of its own. */
async function checksumOfCopy(
  context: StoreContext,
  { bucket, reading, customerKey }: CopySource,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<ObjectChecksum | "replaced" | undefined> {
  if (algorithm === undefined) return undefined;
  const { checksum, key, versionId, sequence } = reading.object;
  if (checksum?.algorithm === algorithm && checksum.type === "FULL_OBJECT") return checksum;
  const second = await openObject(context, { bucket, key, versionId });
  if (second?.object.sequence !== sequence) {
    second?.close();
    return "replaced";
  }
  try {
    await second.unlock(customerKey);
    return await checksumOfReading(second.read(0, second.object.sizeBytes), algorithm);
  } finally {
    second.close();
  }
}
