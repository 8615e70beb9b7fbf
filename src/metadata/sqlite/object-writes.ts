// Writes that make and remove versions of objects, within the writer's transaction.

import { S3Error } from "../../core/s3-error.ts";
import { deleteVerdict, type DeleteTarget } from "../delete-verdict.ts";
import type { DeleteOutcome, DeleteRequest, PutObjectInput } from "../metadata-store.ts";
import { lockOf } from "../object-lock.ts";
import { checkQuota } from "../quota.ts";
import type { ObjectRecord } from "../records.ts";
import { NULL_VERSION, newVersionId } from "../version-id.ts";
import { checkCondition } from "../write-condition.ts";
import type { DeleteObjectsInput, StoredObject } from "../write-operations.ts";
import type { BucketStateRow, BucketStates } from "./bucket-states.ts";
import { BULK_MIN, type BulkRemovals } from "./bulk-removals.ts";
import { tagsFrom } from "./column-text.ts";
import type { ContentWrites } from "./content-writes.ts";
import type { FoundVersion, KeyVersions } from "./key-versions.ts";
import type { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import { objectLockOf, recordValues, type ObjectName, type StandingRow } from "./object-rows.ts";
import { bucketLockOf } from "./rows.ts";
import { markerRow, type VersionRow } from "./version-rows.ts";

/** A key on its way to its next state: what stands there, in a bucket that exists. */
export interface ObjectPlace extends ObjectName {
  readonly bucket: BucketStateRow;
  /** The current live version. */
  readonly standing: StandingRow | undefined;
  /** What the next version does away with: it is the standing one, or an older version "null". */
  readonly replaced: FoundVersion | undefined;
}

/** A record of what is written, but for what the place decides. */
export type ObjectDraft = Omit<ObjectRecord, "versionId">;

type Marker = DeleteObjectsInput["marker"];

/** Of a key without versions that was there. */
const REMOVED: DeleteOutcome = {
  kind: "deleted",
  wasThere: true,
  versionId: undefined,
  isDeleteMarker: false,
};

export class ObjectWrites {
  readonly #contents: ContentWrites;
  readonly #manifests: ManifestWrites;
  readonly #numbering: Numbering;
  readonly #versions: KeyVersions;
  readonly #buckets: BucketStates;
  readonly #bulk: BulkRemovals;

  constructor(parts: {
    readonly bulk: BulkRemovals;
    readonly buckets: BucketStates;
    readonly contents: ContentWrites;
    readonly manifests: ManifestWrites;
    readonly numbering: Numbering;
    readonly versions: KeyVersions;
  }) {
    this.#buckets = parts.buckets;
    this.#bulk = parts.bulk;
    this.#contents = parts.contents;
    this.#manifests = parts.manifests;
    this.#numbering = parts.numbering;
    this.#versions = parts.versions;
  }

  putObject(input: PutObjectInput, nowMs: number): StoredObject {
    const place = this.findPlace(input.bucketId, input.key);
    checkCondition(input.key, place.standing?.etag, input.condition);
    const lock = lockOf(input.lock, bucketLockOf(place.bucket), input.modifiedAt);
    const sequence = this.#numbering.next();
    // The reference is taken before the old one goes: a copy onto itself shares the set that it replaces.
    const content = this.#contents.acquire(input.content, sequence, input.sizeBytes);
    const versionId = this.add(place, draftOf(input, { lock, sequence, content }), nowMs);
    return { sequence, versionId, lock, content };
  }

  /** @throws S3Error NoSuchBucket, DamagedRowError */
  findPlace(bucketId: number, key: string): ObjectPlace {
    const bucket = this.getBucket(bucketId);
    const name = { bucketId, key };
    const standing = this.#versions.findStanding(name);
    const replaced = this.#findReplaced(name, bucket, standing);
    return { bucketId, key, bucket, standing, replaced };
  }

  /** Makes a record the newest version of its key; returns the version's id. @throws S3Error QuotaExceeded */
  add(place: ObjectPlace, draft: ObjectDraft, nowMs: number): string {
    const { bucket, standing, replaced } = place;
    const versionId = versionIdFor(bucket, draft.sequence);
    const bytes = draft.sizeBytes - (replaced?.row.size_bytes ?? 0);
    checkQuota(bucket.quota_bytes, bucket.object_bytes, bytes);
    this.#retire(place, draft.modifiedAt);
    this.#versions.putStanding(recordValues(place.bucketId, draft, versionId));
    this.#buckets.count(place.bucketId, { objects: standing === undefined ? 1 : 0, bytes });
    if (replaced !== undefined) this.#release(replaced.row, nowMs);
    return versionId;
  }

  deleteObjects(
    { bucketId, requests, marker }: DeleteObjectsInput,
    nowMs: number,
  ): readonly DeleteOutcome[] {
    const { versioning } = this.getBucket(bucketId);
    const removed = versioning === "off" ? this.#removeInBulk(bucketId, requests, nowMs) : [];
    if (removed.length === requests.length) return requests.map(() => REMOVED);
    const isRemoved = new Set(removed);
    return requests.map((request) => {
      if (isRemoved.has(request.key)) return REMOVED;
      return request.versionId === undefined
        ? this.#deleteKey(bucketId, request, { marker, nowMs })
        : this.#deleteVersion(bucketId, request, request.versionId, { marker, nowMs });
    });
  }

  /** The keys of what could be removed together. */
  #removeInBulk(
    bucketId: number,
    requests: readonly DeleteRequest[],
    nowMs: number,
  ): readonly string[] {
    const bare = requests.length < BULK_MIN ? [] : bareKeys(requests);
    if (bare.length < BULK_MIN) return [];
    const { keys, bytes } = this.#bulk.remove(bucketId, bare, nowMs);
    if (keys.length > 0) this.#buckets.count(bucketId, { objects: -keys.length, bytes: -bytes });
    return keys;
  }

  /** @throws S3Error NoSuchBucket */
  getBucket(bucketId: number): BucketStateRow {
    const bucket = this.#buckets.find(bucketId);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    return bucket;
  }

  #deleteKey(
    bucketId: number,
    request: DeleteRequest,
    { marker, nowMs }: { readonly marker: Marker; readonly nowMs: number },
  ): DeleteOutcome {
    const { key } = request;
    const place = this.findPlace(bucketId, key);
    const { bucket, standing, replaced } = place;
    const needsLatest = request.condition !== undefined && bucket.versioning !== "off";
    const latest = needsLatest ? this.#versions.findLatest(place) : found(standing);
    const verdict = deleteVerdict(latest && targetOf(latest), request, marker.now);
    if (verdict !== undefined) return verdict;

    const wasThere = standing !== undefined;
    this.#retire(place, marker.now);
    if (wasThere) this.#versions.removeStanding(place);
    const versionId = this.#mark(place, marker);
    const bytes = -(replaced?.row.size_bytes ?? 0);
    if (wasThere || bytes !== 0)
      this.#buckets.count(bucketId, { objects: wasThere ? -1 : 0, bytes });
    if (replaced !== undefined) this.#release(replaced.row, nowMs);
    return { kind: "deleted", wasThere, versionId, isDeleteMarker: versionId !== undefined };
  }

  /** Makes a delete marker where there are versions; undefined where there are none. */
  #mark(place: ObjectPlace, { ownerId, now }: Marker): string | undefined {
    if (place.bucket.versioning === "off") return undefined;
    const sequence = this.#numbering.next();
    const versionId = versionIdFor(place.bucket, sequence);
    const isLone = this.#versions.findNewest(place).length === 0;
    const row = markerRow({ sequence, versionId, modifiedAt: now, ownerId, isLone });
    this.#versions.insert(place, row);
    return versionId;
  }

  #deleteVersion(
    bucketId: number,
    request: DeleteRequest,
    asked: string,
    { marker, nowMs }: { readonly marker: Marker; readonly nowMs: number },
  ): DeleteOutcome {
    const name = { bucketId, key: request.key };
    const version = this.#versions.findVersion(name, asked);
    const verdict = deleteVerdict(version && targetOf(version), request, marker.now);
    if (verdict !== undefined) return verdict;

    const isVersioned = this.getBucket(bucketId).versioning !== "off";
    const versionId = isVersioned ? asked : undefined;
    if (version === undefined) {
      return { kind: "deleted", wasThere: false, versionId, isDeleteMarker: false };
    }
    this.#removeVersion(name, version);
    this.#release(version.row, nowMs);
    const isDeleteMarker = version.table === "versions" && version.row.is_delete_marker === 1;
    return { kind: "deleted", wasThere: true, versionId, isDeleteMarker };
  }

  #removeVersion(name: ObjectName, version: FoundVersion): void {
    const isStanding = version.table === "objects";
    if (isStanding) this.#versions.removeStanding(name);
    else this.#versions.remove(name, version.row);
    const hasStanding = !isStanding && this.#versions.findStanding(name) !== undefined;
    const isPromoted = !hasStanding && this.#versions.promote(name);
    const objects = (isPromoted ? 1 : 0) - (isStanding ? 1 : 0);
    this.#buckets.count(name.bucketId, { objects, bytes: -version.row.size_bytes });
  }

  /** Clears the way for a new latest version: what it replaces goes, what it follows is kept as older, dated `at`. */
  #retire(place: ObjectPlace, at: number): void {
    const { bucket, standing, replaced } = place;
    if (bucket.versioning === "off") return;
    if (replaced?.table === "versions") this.#versions.remove(place, replaced.row);
    if (standing === undefined) this.#versions.follow(place, at);
    else if (replaced?.table !== "objects") this.#versions.keepOlder(place, standing, at);
  }

  #findReplaced(
    name: ObjectName,
    bucket: BucketStateRow,
    standing: StandingRow | undefined,
  ): FoundVersion | undefined {
    if (bucket.versioning === "off") return found(standing);
    if (bucket.versioning === "enabled") return undefined;
    if (standing?.version_id === null) return found(standing);
    const row = this.#versions.findOlderNull(name);
    return row && { table: "versions", row };
  }

  #release(row: StandingRow | VersionRow, nowMs: number): void {
    this.#contents.release(row, nowMs);
    if (row.manifest_id !== null) this.#manifests.remove(row.manifest_id, nowMs);
  }
}

/** The keys that are asked for once, and without a version or a condition. */
function bareKeys(requests: readonly DeleteRequest[]): readonly string[] {
  const keys = new Set<string>();
  const others = new Set<string>();
  for (const { key, versionId, condition } of requests) {
    const isBare = versionId === undefined && condition === undefined && !keys.has(key);
    (isBare ? keys : others).add(key);
  }
  for (const key of others) keys.delete(key);
  return [...keys];
}

/** Field by field: this is made for every object, and a copy by spreading costs several times as much. */
function draftOf(
  input: PutObjectInput,
  { lock, sequence, content }: Pick<ObjectDraft, "content" | "lock" | "sequence">,
): ObjectDraft {
  return {
    key: input.key,
    sequence,
    sizeBytes: input.sizeBytes,
    etag: input.etag,
    modifiedAt: input.modifiedAt,
    ownerId: input.ownerId,
    storageClass: input.storageClass,
    checksum: input.checksum,
    attributes: input.attributes,
    tags: input.tags,
    acl: input.acl,
    encryption: input.encryption,
    lock,
    content,
  };
}

function found(row: StandingRow | undefined): FoundVersion | undefined {
  return row && { table: "objects", row };
}

function targetOf({ table, row }: FoundVersion): DeleteTarget {
  const isMarker = table === "versions" && row.is_delete_marker === 1;
  return {
    sequence: row.sequence,
    modifiedAt: row.modified_at,
    sizeBytes: row.size_bytes,
    etag: isMarker ? undefined : row.etag,
    lock: objectLockOf(row),
    tags: tagsFrom(row.tags),
    noncurrentSince: table === "versions" ? (row.noncurrent_since ?? undefined) : undefined,
  };
}

function versionIdFor({ versioning }: BucketStateRow, sequence: number): string {
  return versioning === "enabled" ? newVersionId(sequence) : NULL_VERSION;
}
