// The versions of a key in the in-memory model: one list, the newest first. The first is the latest; where that is an
// object, it is what LIST shows.

import { S3Error } from "../../core/s3-error.ts";
import { deleteVerdict, type DeleteTarget } from "../delete-verdict.ts";
import type { DeleteOutcome, DeleteRequest, VersionName } from "../metadata-store.ts";
import { NO_LOCK } from "../object-lock.ts";
import { checkQuota } from "../quota.ts";
import type { DeleteMarker, ObjectRecord, VersionRecord } from "../records.ts";
import { NULL_VERSION, newVersionId } from "../version-id.ts";
import type { DeleteObjectsInput } from "../write-operations.ts";
import type { MemoryBucket, MemoryState } from "./memory-state.ts";

export type MemoryVersion = (
  | { readonly kind: "delete-marker"; readonly record: DeleteMarker }
  | { readonly kind: "object"; readonly record: ObjectRecord }
) & {
  /** Undefined: it is the latest. */
  readonly noncurrentSince: number | undefined;
};

/** The newest first. */
export function versionsOf(
  bucket: MemoryBucket | undefined,
  key: string,
): readonly MemoryVersion[] {
  return bucket?.versions.get(key) ?? [];
}

/** The latest version, where that is an object. */
export function currentObject(
  bucket: MemoryBucket | undefined,
  key: string,
): ObjectRecord | undefined {
  const [latest] = versionsOf(bucket, key);
  return latest?.kind === "object" ? latest.record : undefined;
}

export function currentObjects({ versions }: MemoryBucket): readonly ObjectRecord[] {
  return [...versions.values()].flatMap(([latest]) =>
    latest?.kind === "object" ? [latest.record] : [],
  );
}

/** By its id; without one the latest. */
export function findVersionOf(
  bucket: MemoryBucket | undefined,
  { key, versionId }: Pick<VersionName, "key" | "versionId">,
): MemoryVersion | undefined {
  const versions = versionsOf(bucket, key);
  if (versionId === undefined) return versions[0];
  return versions.find(({ record }) => record.versionId === versionId);
}

export function recordOfVersion(state: MemoryState, version: MemoryVersion): VersionRecord {
  const isLatest = version.noncurrentSince === undefined;
  if (version.kind === "object") {
    return { kind: "object", object: state.current(version.record), isLatest };
  }
  return { kind: "delete-marker", marker: version.record, isLatest };
}

export function versionIdIn({ record }: MemoryBucket, sequence: number): string {
  return record.versioning === "enabled" ? newVersionId(sequence) : NULL_VERSION;
}

/** Before anything has changed. @throws S3Error QuotaExceeded */
export function checkRoom(bucket: MemoryBucket, key: string, sizeBytes: number): void {
  const { quotaBytes, objectBytes } = bucket.record;
  checkQuota(quotaBytes, objectBytes, sizeBytes - sizeOf(replacedBy(bucket, key)));
}

/** Makes an object the latest version; what it replaces goes. */
export function addObject(
  state: MemoryState,
  bucket: MemoryBucket,
  { object, nowMs }: { readonly object: ObjectRecord; readonly nowMs: number },
): void {
  const version = { kind: "object", record: object, noncurrentSince: undefined } as const;
  const replaced = replacedBy(bucket, object.key);
  change(bucket, object.key, (versions) => [
    version,
    ...followed(without(versions, replaced), object.modifiedAt),
  ]);
  release(state, replaced, nowMs);
}

/** Puts another record in the place of one that stands. */
export function setVersion(bucket: MemoryBucket, before: ObjectRecord, record: ObjectRecord): void {
  change(bucket, record.key, (versions) =>
    versions.map((version) =>
      version.kind === "object" && version.record === before ? { ...version, record } : version,
    ),
  );
}

export function deleteOne(
  state: MemoryState,
  bucket: MemoryBucket,
  request: DeleteRequest,
  { marker, nowMs }: Pick<DeleteObjectsInput, "marker"> & { readonly nowMs: number },
): DeleteOutcome {
  const { key, versionId } = request;
  const target = findVersionOf(bucket, request);
  const verdict = deleteVerdict(target && targetOf(target), request, marker.now);
  if (verdict !== undefined) return verdict;
  const isVersioned = bucket.record.versioning !== "off";
  if (versionId === undefined && isVersioned) {
    const wasThere = target?.kind === "object";
    const made = addMarker(state, bucket, { key, marker, nowMs });
    return { kind: "deleted", wasThere, versionId: made.versionId, isDeleteMarker: true };
  }
  change(bucket, key, (versions) => promoted(without(versions, target)));
  release(state, target, nowMs);
  return {
    kind: "deleted",
    wasThere: target !== undefined,
    versionId: isVersioned ? versionId : undefined,
    isDeleteMarker: target?.kind === "delete-marker",
  };
}

function addMarker(
  state: MemoryState,
  bucket: MemoryBucket,
  input: Pick<DeleteObjectsInput, "marker"> & { readonly key: string; readonly nowMs: number },
): DeleteMarker {
  const { key, marker, nowMs } = input;
  const sequence = state.nextNumber();
  const versionId = versionIdIn(bucket, sequence);
  const dated = { modifiedAt: marker.now, ownerId: marker.ownerId };
  const record: DeleteMarker = { key, versionId, sequence, ...dated };
  const version = { kind: "delete-marker", record, noncurrentSince: undefined } as const;
  const replaced = replacedBy(bucket, key);
  change(bucket, key, (versions) => [
    version,
    ...followed(without(versions, replaced), marker.now),
  ]);
  release(state, replaced, nowMs);
  return record;
}

/** An object by its name. @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed */
export function getObjectVersion(bucket: MemoryBucket, name: VersionName): ObjectRecord {
  const { key, versionId } = name;
  const version = findVersionOf(bucket, name);
  if (version?.kind === "object") return version.record;
  if (versionId === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
  if (version !== undefined) throw new S3Error("MethodNotAllowed");
  throw new S3Error("NoSuchVersion", { detail: { Key: key, VersionId: versionId } });
}

/** What the next version does away with. */
function replacedBy(bucket: MemoryBucket, key: string): MemoryVersion | undefined {
  const { versioning } = bucket.record;
  if (versioning === "enabled") return undefined;
  return findVersionOf(bucket, { key, versionId: NULL_VERSION });
}

function without(
  versions: readonly MemoryVersion[],
  gone: MemoryVersion | undefined,
): readonly MemoryVersion[] {
  return versions.filter((version) => version !== gone);
}

/** As they are once another one comes before them. */
function followed(versions: readonly MemoryVersion[], at: number): readonly MemoryVersion[] {
  return versions.map((version) => ({
    ...version,
    noncurrentSince: version.noncurrentSince ?? at,
  }));
}

/** As they are once the first of them is the latest. */
function promoted([latest, ...older]: readonly MemoryVersion[]): readonly MemoryVersion[] {
  return latest === undefined ? [] : [{ ...latest, noncurrentSince: undefined }, ...older];
}

/** Changes the versions of a key, and counts what that makes of its bucket. */
function change(
  bucket: MemoryBucket,
  key: string,
  changed: (versions: readonly MemoryVersion[]) => readonly MemoryVersion[],
): void {
  const before = versionsOf(bucket, key);
  const after = changed(before);
  if (after.length === 0) bucket.versions.delete(key);
  else bucket.versions.set(key, after);
  const { objectCount, objectBytes } = bucket.record;
  bucket.record = {
    ...bucket.record,
    objectCount: objectCount + shownCount(after) - shownCount(before),
    objectBytes: objectBytes + sumOf(after) - sumOf(before),
  };
}

function shownCount([latest]: readonly MemoryVersion[]): number {
  return latest?.kind === "object" ? 1 : 0;
}

function sumOf(versions: readonly MemoryVersion[]): number {
  return versions.reduce((sum, version) => sum + sizeOf(version), 0);
}

function sizeOf(version: MemoryVersion | undefined): number {
  return version?.kind === "object" ? version.record.sizeBytes : 0;
}

function release(state: MemoryState, version: MemoryVersion | undefined, nowMs: number): void {
  if (version?.kind === "object") state.release(version.record, nowMs);
}

function targetOf({ kind, record, noncurrentSince }: MemoryVersion): DeleteTarget {
  const { sequence, modifiedAt } = record;
  const dates = { sequence, modifiedAt, noncurrentSince };
  if (kind === "delete-marker") {
    return { ...dates, sizeBytes: 0, etag: undefined, lock: NO_LOCK, tags: [] };
  }
  const { sizeBytes, etag, lock, tags } = record;
  return { ...dates, sizeBytes, etag, lock, tags };
}
