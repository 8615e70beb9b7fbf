// Removes what is due, in transactions that each stand on what was seen: the same version still, with the same dates, size
// and place among the versions, and with the tags that a rule went by. What has changed meanwhile, and what is locked, stays.

import { S3Error } from "../core/s3-error.ts";
import type { DeleteOutcome, DeleteRequest, DueEntry } from "../metadata/metadata-store.ts";
import type { BucketRecord } from "../metadata/records.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { DueKind } from "./due.ts";

export interface DueRemoval {
  readonly entry: DueEntry;
  /** Whether it is due by its tags alone. */
  readonly isByTags: boolean;
}

export interface RemovalCounts {
  readonly removed: number;
  /** Locked, or changed meanwhile. */
  readonly kept: number;
  /** That could not be tried: the rows are damaged. */
  readonly failed: number;
}

export interface RemovalParts {
  readonly store: Pick<ObjectStore, "abortUpload" | "deleteObjects">;
  readonly logger: Logger;
}

/** Uploads that are aborted at a time. */
const ABORTS_AT_A_TIME = 32;

/** @throws what the store throws where nothing at all could be removed. */
export async function removeDue(
  parts: RemovalParts,
  bucket: BucketRecord,
  kind: DueKind,
  due: readonly DueRemoval[],
): Promise<RemovalCounts> {
  if (due.length === 0) return { removed: 0, kept: 0, failed: 0 };
  if (kind === "upload") return abortUploads(parts, bucket, due);
  return removeVersions(
    parts,
    bucket,
    due.map((removal) => requestOf(kind, removal)),
  );
}

/** A current object goes as by a client's DELETE: where there are versions it gets a delete marker. */
function requestOf(
  kind: Exclude<DueKind, "upload">,
  { entry, isByTags }: DueRemoval,
): DeleteRequest {
  const { key, at, sequence, sizeBytes, tags, versionId } = entry;
  const tagged = isByTags ? { ifTags: tags } : {};
  const seen = { ifSequence: sequence, ifSizeBytes: sizeBytes, ...tagged };
  const mayBypassGovernance = false;
  if (kind === "noncurrent") {
    return { key, versionId, mayBypassGovernance, condition: { ...seen, ifNoncurrentSince: at } };
  }
  const condition = { ...seen, ifModifiedAt: at };
  const id = kind === "marker" ? versionId : undefined;
  return { key, versionId: id, mayBypassGovernance, condition };
}

async function removeVersions(
  parts: RemovalParts,
  bucket: BucketRecord,
  requests: readonly DeleteRequest[],
): Promise<RemovalCounts> {
  const remove = (some: readonly DeleteRequest[]) =>
    parts.store.deleteObjects(bucket, some, bucket.ownerId);
  try {
    return countsOf(await remove(requests));
  } catch (error) {
    if (error instanceof S3Error) throw error;
    return removeOneByOne(parts, requests, { remove, error });
  }
}

/** One damaged row must not keep all others. */
async function removeOneByOne(
  { logger }: RemovalParts,
  requests: readonly DeleteRequest[],
  {
    remove,
    error: first,
  }: {
    readonly remove: (some: readonly DeleteRequest[]) => Promise<readonly DeleteOutcome[]>;
    readonly error: unknown;
  },
): Promise<RemovalCounts> {
  const outcomes: DeleteOutcome[] = [];
  let failed = 0;
  for (const request of requests) {
    try {
      outcomes.push(...(await remove([request])));
    } catch (error) {
      failed += 1;
      logger.warn({ err: error, key: request.key }, "a lifecycle rule could not remove an object");
    }
  }
  if (outcomes.length === 0) throw first;
  return { ...countsOf(outcomes), failed };
}

function countsOf(outcomes: readonly DeleteOutcome[]): RemovalCounts {
  const removed = outcomes.filter(({ kind }) => kind === "deleted").length;
  return { removed, kept: outcomes.length - removed, failed: 0 };
}

async function abortUploads(
  { store }: RemovalParts,
  bucket: BucketRecord,
  due: readonly DueRemoval[],
): Promise<RemovalCounts> {
  let removed = 0;
  for (let start = 0; start < due.length; start += ABORTS_AT_A_TIME) {
    const some = due.slice(start, start + ABORTS_AT_A_TIME);
    const aborted = await Promise.all(some.map(({ entry }) => abort(store, bucket, entry)));
    removed += aborted.filter(Boolean).length;
  }
  return { removed, kept: due.length - removed, failed: 0 };
}

/** Resolves to whether it was still in progress. */
async function abort(
  store: RemovalParts["store"],
  bucket: BucketRecord,
  { key, uploadId = "" }: Pick<DueEntry, "key"> & { readonly uploadId: string | undefined },
): Promise<boolean> {
  try {
    await store.abortUpload(bucket, key, uploadId);
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchUpload") return false;
    throw error;
  }
}
