// Whether one thing that is asked to be deleted may go: its conditions and its lock, tried inside the transaction.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

import { S3Error } from "../core/s3-error.ts";
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
}

/** Undefined when it may go. */
export function deleteVerdict(
  target: DeleteTarget | undefined,
  request: DeleteRequest,
  now: number,
): DeleteOutcome | undefined {
  const { condition = {}, versionId, mayBypassGovernance } = request;
  const { ifSequence } = condition;
  if (ifSequence !== undefined && target?.sequence !== ifSequence) return { kind: "changed" };
  const error = failedCondition(target, request.key, condition);
  if (error !== undefined) return { kind: "refused", refusal: refusalOf(error) };
  // Without an id nothing goes for good that has a lock: where there are locks there is a marker.
  if (versionId === undefined || target === undefined) return undefined;
  if (!isKept(target.lock, { mayBypassGovernance, now })) return undefined;
  return { kind: "refused", refusal: refusalOf(protectedError()) };
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
