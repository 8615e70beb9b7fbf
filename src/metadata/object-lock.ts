// The rules of object lock, as both engines apply them within their transactions.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

import { S3Error } from "../core/s3-error.ts";
import type { BucketLock, DefaultRetention, GivenLock, ObjectLock, Retention } from "./records.ts";

export const NO_LOCK: ObjectLock = { retention: undefined, legalHold: undefined };

const DAY_MS = 86_400_000;

/** Who asks for a change of what keeps a version, and when. */
export interface RetentionPermission {
  readonly mayBypassGovernance: boolean;
  readonly now: number;
}

/**
 * What a new version is locked with.
 * @param writtenAt Where the bucket's default retention begins.
 * @throws S3Error InvalidRequest where something is given and the bucket has no object lock.
 */
export function lockOf(
  given: GivenLock,
  bucket: BucketLock | undefined,
  writtenAt: number,
): ObjectLock {
  checkGivenLock(given, bucket);
  if (bucket === undefined) return NO_LOCK;
  const { defaultRetention } = bucket;
  const fallback = defaultRetention && retentionFrom(defaultRetention, writtenAt);
  return { retention: given.retention ?? fallback, legalHold: given.legalHold };
}

/** @throws S3Error InvalidRequest */
export function checkGivenLock(given: GivenLock, bucket: BucketLock | undefined): void {
  if (given.retention !== undefined || given.legalHold !== undefined) requireBucketLock(bucket);
}

/** @throws S3Error InvalidRequest */
export function requireBucketLock(bucket: BucketLock | undefined): void {
  if (bucket !== undefined) return;
  throw new S3Error("InvalidRequest", { message: "Bucket is missing Object Lock Configuration" });
}

function retentionFrom({ mode, unit, count }: DefaultRetention, from: number): Retention {
  if (unit === "days") return { mode, until: from + count * DAY_MS };
  const date = new Date(from);
  return { mode, until: date.setUTCFullYear(date.getUTCFullYear() + count) };
}

/** Whether a version must not be deleted now. */
export function isKept({ retention, legalHold }: ObjectLock, permission: RetentionPermission) {
  return legalHold === true || (retention !== undefined && isInForce(retention, permission));
}

/**
 * The mode stays and the time does not come closer, or nothing is in force: that anybody may ask for.
 * @throws S3Error AccessDenied
 */
export function checkRetentionChange(
  standing: Retention | undefined,
  next: Retention | undefined,
  permission: RetentionPermission,
): void {
  if (standing === undefined || !isInForce(standing, permission)) return;
  if (next?.mode === standing.mode && next.until >= standing.until) return;
  throw protectedError();
}

export function protectedError(): S3Error {
  return new S3Error("AccessDenied", {
    message: "Access Denied because object protected by object lock.",
  });
}

export function suspendingLocked(): S3Error {
  return new S3Error("InvalidBucketState", {
    message:
      "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
  });
}

export function lockingUnversioned(): S3Error {
  return new S3Error("InvalidBucketState", {
    message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
  });
}

function isInForce({ mode, until }: Retention, permission: RetentionPermission): boolean {
  if (until <= permission.now) return false;
  return mode === "COMPLIANCE" || !permission.mayBypassGovernance;
}
