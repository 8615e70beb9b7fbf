// What the metadata can be asked and told, as typed operations, each one transaction. Implementations: SQLite, and a
// plain in-memory model that is the reference for tests; PostgreSQL later. Nothing outside src/metadata/ knows which.
//
// Invariants that every implementation keeps (test/contract/metadata-store.ts holds them to it):
// - A write resolves when it is durable; a read after that sees it; nobody reads what a crash could take back.
// - Conditions of conditional writes, and the existence of the bucket, are read and checked in the write's transaction.
// - Replacing or removing the last reference to a shard set puts the set into the trash in the same transaction.
// - Keys are ordered by their UTF-8 bytes.
//
// Refusals are S3Errors with the code that the client gets; anything else that rejects is a fault.

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../core/checksum.ts";
import type { AccountId, DriveId, Incarnation, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type { RetentionPermission } from "./object-lock.ts";
import type { Refusal } from "./refusal.ts";
import type {
  BucketLock,
  BucketRecord,
  Content,
  GivenLock,
  LayoutRecord,
  ObjectAttributes,
  ObjectRecord,
  ObjectSummary,
  PackRecord,
  PartRecord,
  ProcessRecord,
  Retention,
  ShardSetRecord,
  TrashRecord,
  UploadRecord,
  VersionRecord,
} from "./records.ts";

/** Conditions of a conditional write, tried on the current version inside the transaction. */
export interface WriteCondition {
  /** ETag without quotes. No object: NoSuchKey; another ETag: PreconditionFailed. `*`: any object. */
  readonly ifMatch?: string | undefined;
  /** `*`: PreconditionFailed when there is an object; an ETag: when the object has it. */
  readonly ifNoneMatch?: string | undefined;
}

/** Bytes on their way into the metadata: the bytes themselves, or the set that holds them. */
export type NewContent =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "set"; readonly set: ShardSetRecord }
  /** In a pack, from `offset` of each of its shard files on. `set.sizeBytes` is ignored: the pack is still growing. */
  | { readonly kind: "packed"; readonly set: ShardSetRecord; readonly offset: number }
  /**
   * Shares the set of another object: adds a reference to it. The source is read in the same transaction; when it no
   * longer is that version of that key the write fails with NoSuchKey and the caller copies bytes.
   */
  | {
      readonly kind: "share";
      readonly setId: SetId;
      readonly source: {
        readonly bucketId: number;
        readonly key: string;
        readonly sequence: number;
      };
    };

export interface PutObjectInput {
  readonly bucketId: number;
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAt: number;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly checksum: ObjectChecksum | undefined;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  /** See ObjectRecord. */
  readonly acl: string | undefined;
  readonly encryption: string | undefined;
  /** @throws S3Error InvalidRequest where something is given and the bucket has no object lock. */
  readonly lock: GivenLock;
  readonly content: NewContent;
  readonly condition?: WriteCondition | undefined;
}

/** A version by its id, "null" among them; undefined: the latest, which may be a delete marker. */
export interface VersionName {
  readonly bucketId: number;
  readonly key: string;
  readonly versionId: string | undefined;
}

/** One version by its id; or, without one, the key: a delete marker where there are versions, else the object. */
export interface DeleteRequest {
  readonly key: string;
  readonly versionId: string | undefined;
  /** What the version that is meant (without an id: the latest, be it a marker) must be like. */
  readonly condition?: DeleteCondition | undefined;
  /** Whether a retention in governance mode is passed over. */
  readonly mayBypassGovernance: boolean;
}

/** All that are given must hold. */
export interface DeleteCondition {
  /** ETag without quotes, or `*`. No object, or a delete marker: NoSuchKey. Another: PreconditionFailed. */
  readonly ifMatch?: string | undefined;
  /** Another size, a delete marker's being 0: PreconditionFailed. Nothing there: it holds. */
  readonly ifSizeBytes?: number | undefined;
  /** As the size; compared in whole seconds. */
  readonly ifModifiedAt?: number | undefined;
  /** For background work: still that very version, and, where no version id is given, still the latest. Else "changed". */
  readonly ifSequence?: number | undefined;
}

export type DeleteOutcome =
  | {
      readonly kind: "deleted";
      /** Whether there was what was asked to go. */
      readonly wasThere: boolean;
      /** As asked for, or of the marker that was made; undefined in a bucket that never had versioning. */
      readonly versionId: string | undefined;
      /** Whether that is a delete marker: one that was made, or one that was removed. */
      readonly isDeleteMarker: boolean;
    }
  /** `ifSequence` no longer holds. */
  | { readonly kind: "changed" }
  /** By a condition or by a lock: the code and the words that the client gets. */
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface ListVersionsQuery {
  readonly bucketId: number;
  readonly prefix: string;
  readonly delimiter: string;
  /** As `after` of ListObjectsQuery, but without a version id marker the key itself is passed over whole. */
  readonly keyMarker: string | undefined;
  /** Versions of that key that come after (are older than) this one are listed too. */
  readonly versionIdMarker: string | undefined;
  readonly limit: number;
}

/** By key in UTF-8 order, those of one key from the newest to the oldest. */
export type ListedVersion =
  | { readonly kind: "prefix"; readonly prefix: string }
  | {
      readonly kind: "delete-marker" | "object";
      readonly isLatest: boolean;
      readonly versionId: string;
      /** Of a delete marker: size 0, ETag "". */
      readonly object: ObjectSummary;
    };

export interface VersionPage {
  readonly entries: readonly ListedVersion[];
  readonly isTruncated: boolean;
}

/** What is old enough for a rule of a lifecycle to look at; found by an index on time, oldest first. */
export interface DueQuery {
  readonly bucketId: number;
  /**
   * `current`: live objects by when they were written; `noncurrent`: older versions (markers too) by when they were followed;
   * `marker`: delete markers that are the only version of their key, by when they were made; `upload`: in progress, by
   * when they began.
   */
  readonly kind: "current" | "marker" | "noncurrent" | "upload";
  /** Only what is dated before that. */
  readonly before: number;
  /** The last one of the page before. */
  readonly after: { readonly at: number; readonly sequence: number } | undefined;
  readonly limit: number;
}

/** More than any rule of a lifecycle may keep. */
export const DUE_NEWER_MAX = 100;

export interface DueEntry {
  /** What it is dated with, and its sequence (an upload: its manifest id): where the next page begins. */
  readonly at: number;
  readonly sequence: number;
  readonly key: string;
  /** Of an upload: undefined. */
  readonly versionId: string | undefined;
  readonly uploadId: UploadId | undefined;
  readonly sizeBytes: number;
  readonly tags: readonly Tag[];
  /** Noncurrent versions of that key that are newer than this one, counted up to DUE_NEWER_MAX (of other kinds: 0). */
  readonly newerNoncurrent: number;
}

export interface CreateBucketInput {
  readonly name: string;
  readonly ownerId: AccountId;
  readonly region: string;
  readonly createdAt: number;
  /** With object lock, and so with versioning, from the beginning. */
  readonly hasLock: boolean;
}

export interface ListBucketsQuery {
  readonly ownerId: AccountId;
  readonly prefix: string;
  /** Names after this one only. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface ListObjectsQuery {
  readonly bucketId: number;
  readonly prefix: string;
  /** Empty: no roll-up. May have several characters. */
  readonly delimiter: string;
  /**
   * Keys after this one only. Where it is itself a common prefix of this listing, every key below it is passed over:
   * so the last entry of a page, key or prefix, is where the next page begins.
   */
  readonly after: string | undefined;
  /** Keys and common prefixes together; at least 1. */
  readonly limit: number;
}

/** Keys and common prefixes are merged in UTF-8 byte order. */
export type ListedObject =
  | { readonly kind: "object"; readonly object: ObjectSummary }
  | { readonly kind: "prefix"; readonly prefix: string };

export interface ObjectPage {
  readonly entries: readonly ListedObject[];
  /** Whether anything follows the last entry. */
  readonly isTruncated: boolean;
}

export interface ListUploadsQuery {
  readonly bucketId: number;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string | undefined;
  /**
   * With a key marker: uploads of exactly that key which come after this one are listed too; all of that key when it is
   * gone, for showing one again is better than passing one over.
   */
  readonly uploadIdMarker: string | undefined;
  readonly limit: number;
}

/** Uploads in progress by key, those of one key by the time they began. */
export type ListedUpload =
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "upload"; readonly upload: UploadRecord };

export interface UploadPage {
  readonly entries: readonly ListedUpload[];
  readonly isTruncated: boolean;
}

export interface PartPage {
  readonly parts: readonly PartRecord[];
  readonly isTruncated: boolean;
}

export interface CreateUploadInput {
  readonly bucketId: number;
  readonly key: string;
  readonly uploadId: UploadId;
  readonly initiatedAt: number;
  readonly initiatorId: AccountId;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  /** Of the object to be. */
  readonly acl: string | undefined;
  readonly encryption: string | undefined;
  readonly lock: GivenLock;
}

export interface PutPartInput {
  readonly bucketId: number;
  readonly key: string;
  readonly uploadId: UploadId;
  readonly number: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly uploadedAt: number;
  readonly checksums: readonly ObjectChecksum[];
  readonly encryption: string | undefined;
  readonly content: NewContent;
}

export interface CompleteUploadInput {
  readonly bucketId: number;
  readonly key: string;
  readonly uploadId: UploadId;
  /** The chosen parts in order. A part that is no longer that very upload of it fails with InvalidPart. */
  readonly parts: readonly { readonly number: number; readonly partId: number }[];
  readonly sizeBytes: number;
  readonly etag: string;
  readonly completedAt: number;
  readonly checksum: ObjectChecksum | undefined;
  readonly condition?: WriteCondition | undefined;
}

/** Where a packed object's, or part's, bytes were, and where a copy of them is now. */
export interface MovePackedInput {
  readonly bucketId: number;
  readonly key: string;
  /** Of a part: its upload and number; undefined for an object. */
  readonly part: { readonly uploadId: UploadId; readonly number: number } | undefined;
  readonly from: { readonly setId: SetId; readonly offset: number };
  readonly to: NewContent;
}

/** A position in the walk over everything that holds bytes; undefined: the beginning. */
export interface WalkPosition {
  readonly bucketId: number;
  readonly key: string;
  /** Orders what stands under one key: the version's sequence, the manifest's id and the part's number. */
  readonly detail: readonly number[];
}

export interface WalkQuery {
  /** One bucket only; undefined: all. */
  readonly bucketId: number | undefined;
  readonly prefix: string;
  readonly after: WalkPosition | undefined;
  readonly limit: number;
}

/** A version, a delete marker, or a part (of an upload in progress or of a completed one). */
export interface WalkEntry {
  readonly position: WalkPosition;
  readonly kind: "delete-marker" | "object" | "part";
  readonly sizeBytes: number;
  readonly etag: string;
  /** Undefined for delete markers, for objects whose bytes are their parts, and where the row is damaged. */
  readonly content: Content | undefined;
  /** Of the object or part; undefined where `content` is. */
  readonly encryption: string | undefined;
  /** The row does not match its own check: what it says is not to be believed. */
  readonly isDamaged: boolean;
}

export interface MetadataTotals {
  readonly buckets: number;
  readonly objects: number;
  readonly objectBytes: number;
  readonly openUploads: number;
  /** Shard sets in use, packs among them. */
  readonly sets: number;
  readonly packs: number;
  /** Sets of which shards are missing or broken. */
  readonly degradedSets: number;
  readonly trashedSets: number;
}

/** How the copies of the metadata on the members are doing. */
export interface MemberReport {
  readonly driveId: DriveId;
  readonly label: string;
  /** "behind": it answers, and is being brought up to date; it counts for nothing until then. */
  readonly state: "away" | "behind" | "good";
  /** The last change that it is known to hold. */
  readonly sequence: number;
  readonly problem: string | undefined;
}

export interface JournalReport {
  readonly epoch: number;
  readonly sequence: number;
  /** How many must hold a change before it is acknowledged. */
  readonly quorum: number;
  readonly members: readonly MemberReport[];
}

/** What the metadata in use has otherwise than its copies on the members. */
export interface MetadataComparison {
  readonly rowCount: number;
  readonly differenceCount: number;
  /** Some of them, each in words: the table and the row. */
  readonly differences: readonly string[];
}

export interface MetadataStore {
  /** False once the writer is gone for good: every write is refused until the process is started anew. */
  isWritable(): boolean;
  /** How long the oldest write has been with the writer, in milliseconds; 0 when there is none. */
  writeWaitMs(): number;

  // Settings of the cluster: the generated credentials, the cluster id.
  findSetting(name: string): Promise<string | undefined>;
  /** Stores a value if there is none; resolves to the one that stands now. */
  ensureSetting(name: string, value: string): Promise<string>;

  // Processes that write shard sets.
  beginIncarnation(process: { incarnation: Incarnation; startedAt: number }): Promise<void>;
  endIncarnation(incarnation: Incarnation, endedAt: number): Promise<void>;
  listProcesses(): Promise<readonly ProcessRecord[]>;
  /**
   * Ends every other incarnation, and seals the packs that they left open: called by who holds the cluster for itself
   * (locks on the drives, or the members' promise).
   */
  endOtherIncarnations(own: Incarnation, endedAt: number): Promise<void>;

  // Layout.
  findLayouts(): Promise<readonly LayoutRecord[]>;
  /** @throws when that version exists. */
  addLayout(layout: LayoutRecord): Promise<void>;

  // Buckets.
  findBucket(name: string): Promise<BucketRecord | undefined>;
  findBucketById(bucketId: number): Promise<BucketRecord | undefined>;
  listBuckets(query: ListBucketsQuery): Promise<readonly BucketRecord[]>;
  /** @throws S3Error BucketAlreadyOwnedByYou, BucketAlreadyExists */
  createBucket(input: CreateBucketInput): Promise<BucketRecord>;
  /** Removes an empty bucket and the uploads in progress in it. @throws S3Error NoSuchBucket, BucketNotEmpty */
  deleteBucket(bucketId: number): Promise<void>;
  /** A named document of a bucket ("tagging", later "policy", "cors", ...). */
  findBucketConfig(bucketId: number, name: string): Promise<string | undefined>;
  /** `undefined` removes it. @throws S3Error NoSuchBucket */
  putBucketConfig(bucketId: number, name: string, value: string | undefined): Promise<void>;
  /** @throws S3Error NoSuchBucket, InvalidBucketState (suspending it where there is object lock) */
  setVersioning(bucketId: number, versioning: "enabled" | "suspended"): Promise<void>;
  /** @throws S3Error NoSuchBucket, InvalidBucketState (without versioning) */
  putBucketLock(bucketId: number, lock: BucketLock): Promise<void>;
  /** Writes beyond it are refused within their transaction: QuotaExceeded. `undefined` removes it. @throws S3Error NoSuchBucket */
  putBucketQuota(bucketId: number, quotaBytes: number | undefined): Promise<void>;

  // Objects.
  /** The latest version, where that is an object. */
  findObject(bucketId: number, key: string): Promise<ObjectRecord | undefined>;
  listObjects(query: ListObjectsQuery): Promise<ObjectPage>;
  /** The bytes of inline content; undefined when it is gone (the object was replaced meanwhile). */
  readInline(dataId: number): Promise<Uint8Array | undefined>;
  /** A version by its id; without one the latest, be it an object or a delete marker. */
  findVersion(name: VersionName): Promise<VersionRecord | undefined>;
  listVersions(query: ListVersionsQuery): Promise<VersionPage>;
  /**
   * Makes the newest version: replaces the object where versioning was never on, the null version where it is suspended.
   * @throws S3Error NoSuchBucket, NoSuchKey, PreconditionFailed, QuotaExceeded, InvalidRequest
   */
  putObject(input: PutObjectInput): Promise<ObjectRecord>;
  /**
   * Removes keys or versions, each atomically; absent ones are no error. Outcomes in the order asked. What is locked stays.
   * `marker.ownerId` owns the delete markers that are made, dated `marker.now`: locks too are judged by that time.
   * @throws S3Error NoSuchBucket
   */
  deleteObjects(
    bucketId: number,
    requests: readonly DeleteRequest[],
    marker: { readonly ownerId: AccountId; readonly now: number },
  ): Promise<readonly DeleteOutcome[]>;
  /** Replaces the tags. @throws S3Error NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker) */
  putObjectTags(name: VersionName, tags: readonly Tag[]): Promise<void>;
  /** @throws as `putObjectTags`. */
  putObjectAcl(name: VersionName, acl: string | undefined): Promise<void>;
  /**
   * Undefined removes it. What stands may be made stricter by anybody, in governance mode weaker by who may bypass it, in
   * compliance mode weaker by nobody.
   * @throws as `putObjectTags`, and AccessDenied, InvalidRequest (the bucket has no object lock)
   */
  putRetention(
    name: VersionName,
    retention: Retention | undefined,
    permission: RetentionPermission,
  ): Promise<void>;
  /** @throws as `putRetention`. */
  putLegalHold(name: VersionName, isOn: boolean): Promise<void>;
  /** Candidates for a lifecycle. */
  listDue(query: DueQuery): Promise<readonly DueEntry[]>;

  // How far background work has come, as text of its own.
  findProgress(job: string): Promise<string | undefined>;
  /** `undefined` removes it. */
  putProgress(job: string, text: string | undefined): Promise<void>;

  // Multipart uploads. An upload of another bucket or key does not exist.
  /** Finds uploads in progress and completed ones whose object still stands. */
  findUpload(bucketId: number, key: string, uploadId: UploadId): Promise<UploadRecord | undefined>;
  listUploads(query: ListUploadsQuery): Promise<UploadPage>;
  /** @throws S3Error NoSuchBucket */
  createUpload(input: CreateUploadInput): Promise<UploadRecord>;
  /** Replaces a part of the same number. @throws S3Error NoSuchUpload */
  putPart(input: PutPartInput): Promise<PartRecord>;
  /** Parts by number, of an upload in progress or of a manifest. */
  listParts(manifestId: number, after: number, limit: number): Promise<PartPage>;
  /** The part that holds a byte of a completed upload, found with one seek. */
  findPartAt(manifestId: number, offset: number): Promise<PartRecord | undefined>;
  /** The part of that number. */
  findPart(manifestId: number, number: number): Promise<PartRecord | undefined>;
  /**
   * Turns the upload into the object: moves no part, gives each its start, trashes those not named.
   * @throws S3Error NoSuchUpload (also once it is completed), InvalidPartOrder, InvalidPart, NoSuchKey,
   * PreconditionFailed
   */
  completeUpload(input: CompleteUploadInput): Promise<ObjectRecord>;
  /** @throws S3Error NoSuchUpload */
  abortUpload(bucketId: number, key: string, uploadId: UploadId): Promise<void>;

  // Shard sets.
  /** Notes shards found missing or broken, for repair. Sets that are gone are passed over. */
  noteMissing(setId: SetId, indexes: readonly number[]): Promise<void>;
  /** The oldest sets in the trash: those behind `after` only, while that one is in it. */
  listTrash(limit: number, after?: SetId): Promise<readonly TrashRecord[]>;
  /** Forgets sets whose shards are gone from all drives. */
  dropTrash(setIds: readonly SetId[]): Promise<void>;

  /** Those of these sets that are named: by an object, a part, or the trash. */
  findNamedSets(setIds: readonly SetId[]): Promise<ReadonlySet<SetId>>;
  /** Sets with missing or broken shards, by id. */
  listDegradedSets(after: SetId | undefined, limit: number): Promise<readonly ShardSetRecord[]>;

  // Packs: sets that several objects share, each with a place of its own.
  /**
   * No more is appended; called once every commit into the pack has been answered. Resolves to whether anything refers
   * to it: if not, it is in the trash now, or, when nothing ever did, unknown and for the caller to remove.
   */
  sealPack(setId: SetId, fileBytes: number): Promise<"kept" | "trashed" | "unknown">;
  /** Sealed packs of which at least that share of the bytes is dead, by id. */
  listSparsePacks(
    deadShareMin: number,
    after: SetId | undefined,
    limit: number,
  ): Promise<readonly PackRecord[]>;
  /** Names a copy of packed bytes instead of the bytes themselves. False when they are no longer what is named. */
  movePacked(input: MovePackedInput): Promise<boolean>;

  // Looking at everything.
  /** Every version, delete marker and part, in the order of buckets, keys and details. */
  walk(query: WalkQuery): Promise<readonly WalkEntry[]>;
  totals(): Promise<MetadataTotals>;
  /** Undefined where the engine keeps no copies of its own. */
  journalReport(): JournalReport | undefined;
  /**
   * Makes the metadata anew from the members, beside the one in use, and compares the two. Undefined where there are no members.
   * @throws when they cannot be read now.
   */
  compareWithMembers(signal?: AbortSignal): Promise<MetadataComparison | undefined>;
  /** Sets the metadata in use aside, and goes on with one made anew from the members. Writes are refused meanwhile. */
  restoreFromMembers(): Promise<void>;

  /** Removes every bucket, object and upload; sets go to the trash. Settings, layout and processes stay. */
  reset(): Promise<void>;
  close(): Promise<void>;
}
