// Opens the source of CopyObject and UploadPartCopy: another object, perhaps of another bucket of the same account.

import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { CustomerKey } from "../store/encryption/encryption-request.ts";
import type { ObjectReading, ObjectVersion } from "../store/object-store.ts";
import type { ObjectRecord } from "../store/records.ts";
import { refuseAbsent } from "./absent-version.ts";
import { checkCopyConditions } from "./conditions.ts";
import type { CopySource } from "./copy-source.ts";
import { readSourceKey } from "./encryption-headers.ts";
import { versionHeaders } from "./object-headers.ts";
import type { OperationContext } from "./operation.ts";
import { checkVersionId } from "./version-id.ts";

export interface OpenSource {
  readonly bucket: BucketView;
  /** Unlocked; closed by whoever copies from it. */
  readonly reading: ObjectReading;
  readonly customerKey: CustomerKey | undefined;
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
  const { key } = source;
  const customerKey = readSourceKey(context.request.headers);
  const versionId = checkVersionId(source.versionId);
  const action = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  const bucket = await context.openBucket(source.bucketName, action, { key, versionId });
  const reading = await context.store.openObject(bucket, key, versionId);
  if (reading === undefined) return refuseSource(context, { bucket, key, versionId });
  try {
    context.confirm(bucket, reading.object);
    await reading.unlock(customerKey);
    checkCopyConditions(context.request.headers, reading.object);
    check(reading.object);
  } catch (error) {
    reading.close();
    throw error;
  }
  return { bucket, reading, customerKey };
}

async function refuseSource(context: OperationContext, version: ObjectVersion): Promise<never> {
  try {
    return await refuseAbsent(context, version);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.code === "MethodNotAllowed") {
      throw new S3Error("InvalidRequest", {
        message:
          "The source of a copy request may not specifically refer to a delete marker by version id.",
      });
    }
    // The headers of what was looked for are not those of what was to be made.
    throw new S3Error(error.code, { detail: error.detail });
  }
}

/** Which version was copied, where its bucket has, or had, versioning. */
export function sourceVersionHeaders({ bucket, reading }: OpenSource): Record<string, string> {
  const { "x-amz-version-id": versionId } = versionHeaders(bucket, reading.object);
  return versionId === undefined ? {} : { "x-amz-copy-source-version-id": versionId };
}

/** @throws S3Error InvalidRequest for more bytes than one copy may have. */
export function checkCopySize(sizeBytes: number): void {
  if (sizeBytes <= PUT_BYTES_MAX) return;
  throw new S3Error("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
  });
}
