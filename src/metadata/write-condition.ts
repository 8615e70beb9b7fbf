// The conditions of conditional writes, tried on the current version inside the transaction.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

import { S3Error } from "../core/s3-error.ts";
import type { WriteCondition } from "./metadata-store.ts";

/**
 * @param currentEtag The current version's ETag; undefined when there is no object.
 * @throws S3Error NoSuchKey, PreconditionFailed
 */
export function checkCondition(
  key: string,
  currentEtag: string | undefined,
  condition: WriteCondition | undefined,
): void {
  if (condition === undefined) return;
  const { ifMatch, ifNoneMatch } = condition;
  if (ifMatch !== undefined) {
    if (currentEtag === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
    if (!matches(currentEtag, ifMatch)) throw failed("If-Match");
  }
  if (ifNoneMatch === undefined || currentEtag === undefined) return;
  if (matches(currentEtag, ifNoneMatch)) throw failed("If-None-Match");
}

function matches(etag: string, wanted: string): boolean {
  return wanted === "*" || wanted === etag;
}

function failed(header: string): S3Error {
  return new S3Error("PreconditionFailed", { detail: { Condition: header } });
}
