// The quota of a bucket, tried within the transaction of a write that makes it larger.

import { S3Error } from "../core/s3-error.ts";

/**
 * What makes a bucket no larger is never refused, however full it is.
 * @throws S3Error QuotaExceeded
 */
export function checkQuota(
  quotaBytes: number | null | undefined,
  standingBytes: number,
  grownBytes: number,
): void {
  if (quotaBytes === null || quotaBytes === undefined || grownBytes <= 0) return;
  if (standingBytes + grownBytes > quotaBytes) throw new S3Error("QuotaExceeded");
}
