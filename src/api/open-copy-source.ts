// Opens the source of CopyObject and UploadPartCopy: another object, perhaps of another bucket of the same account.

import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectReading } from "../store/object-store.ts";
import type { ObjectRecord } from "../store/records.ts";
import { checkCopyConditions } from "./conditions.ts";
import type { CopySource } from "./copy-source.ts";
import type { OperationContext } from "./operation.ts";
import { checkVersionId } from "./version-id.ts";

export interface OpenSource {
  readonly bucket: BucketView;
  /** Closed by whoever copies from it. */
  readonly reading: ObjectReading;
}

/**
 * Opens the source and tries the request's conditions on it, then `check`; a source that is refused is closed again.
 * @throws S3Error NoSuchBucket, AccessDenied, NoSuchKey, NoSuchVersion, PreconditionFailed, and what `check` throws
 */
export async function openCopySource(
  context: OperationContext,
  source: CopySource,
  check: (object: ObjectRecord) => void,
): Promise<OpenSource> {
  const bucket = await context.openBucket(source.bucketName, "s3:GetObject");
  checkVersionId(source.versionId, source.key);
  const reading = await context.store.openObject(bucket, source.key);
  if (reading === undefined) throw new S3Error("NoSuchKey", { detail: { Key: source.key } });
  try {
    checkCopyConditions(context.request.headers, reading.object);
    check(reading.object);
  } catch (error) {
    reading.close();
    throw error;
  }
  return { bucket, reading };
}

/** @throws S3Error InvalidRequest for more bytes than one copy may have. */
export function checkCopySize(sizeBytes: number): void {
  if (sizeBytes <= PUT_BYTES_MAX) return;
  throw new S3Error("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
  });
}
