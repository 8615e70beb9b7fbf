// Whether one thing that is asked to be deleted may go: its conditions and its lock, tried inside the transaction.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

import { S3Error } from "../core/s3-error.ts";
import type { Tag } from "../core/tags.ts";
import type { DeleteCondition, DeleteOutcome, DeleteRequest } from "./metadata-store.ts";
import { isKept, protectedError } from "./object-lock.ts";
import type { ObjectLock } from "./records.ts";
import { refusalOf } from "./refusal.ts";

/** The version that is meant: the one that has the id, or the latest one. */
export interface DeleteTarget {
  readonly sequence: number;
  readonly modifiedAt: number;
  readonly sizeBytes: number;
  /** Undefined: it is a delete marker. */
  readonly etag: string | undefined;
  readonly lock: ObjectLock;
  readonly tags: readonly Tag[];
  /** Undefined: it is the latest. */
  readonly noncurrentSince: number | undefined;
}

/** Undefined when it may go. */
export function deleteVerdict(
  target: DeleteTarget | undefined,
  request: DeleteRequest,
  now: number,
): DeleteOutcome | undefined {
  const { condition = {}, versionId, mayBypassGovernance } = request;
  if (hasChanged(target, condition)) return { kind: "changed" };
  const error = failedCondition(target, request.key, condition);
  if (error !== undefined) return { kind: "refused", refusal: refusalOf(error) };
  // Without an id nothing goes for good that has a lock: where there are locks there is a marker.
  if (versionId === undefined || target === undefined) return undefined;
  if (!isKept(target.lock, { mayBypassGovernance, now })) return undefined;
  return { kind: "refused", refusal: refusalOf(protectedError()) };
}

/** Whether it is no longer what background work has seen. */
function hasChanged(
  target: DeleteTarget | undefined,
  { ifSequence, ifNoncurrentSince, ifTags }: DeleteCondition,
): boolean {
  return (
    (ifSequence !== undefined && target?.sequence !== ifSequence) ||
    (ifNoncurrentSince !== undefined && target?.noncurrentSince !== ifNoncurrentSince) ||
    (ifTags !== undefined && !hasTags(target, ifTags))
  );
}

function hasTags(target: DeleteTarget | undefined, tags: readonly Tag[]): boolean {
  if (target?.tags.length !== tags.length) return false;
  return target.tags.every(({ key, value }, index) => {
    const tag = tags[index];
    return tag?.key === key && tag.value === value;
  });
}

/** What is not there has no size or time to differ in, as on S3. */
function failedCondition(
  target: DeleteTarget | undefined,
  key: string,
  { ifMatch, ifSizeBytes, ifModifiedAt }: DeleteCondition,
): S3Error | undefined {
  if (ifMatch !== undefined) {
    if (target?.etag === undefined) return new S3Error("NoSuchKey", { detail: { Key: key } });
    if (ifMatch !== "*" && ifMatch !== target.etag) return failed("If-Match");
  }
  if (target === undefined) return undefined;
  if (ifSizeBytes !== undefined && ifSizeBytes !== target.sizeBytes) {
    return failed("x-amz-if-match-size");
  }
  if (ifModifiedAt !== undefined && secondsOf(ifModifiedAt) !== secondsOf(target.modifiedAt)) {
    return failed("x-amz-if-match-last-modified-time");
  }
  return undefined;
}

function secondsOf(timeMs: number): number {
  return Math.floor(timeMs / 1_000);
}

function failed(header: string): S3Error {
  return new S3Error("PreconditionFailed", { detail: { Condition: header } });
}
