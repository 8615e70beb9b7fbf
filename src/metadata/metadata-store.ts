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

import type { AccountId, Incarnation, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type { RetentionPermission } from "./object-lock.ts";
import type {
  BucketLock,
  BucketRecord,
  LayoutRecord,
  ObjectRecord,
  PackRecord,
  PartRecord,
  ProcessRecord,
  Retention,
  ShardSetRecord,
  TrashRecord,
  UploadRecord,
  VersionRecord,
} from "./records.ts";
import type {
  PutObjectInput,
  SeenVersion,
  VersionName,
  DeleteRequest,
  DeleteOutcome,
  CreateBucketInput,
  CreateUploadInput,
  PutPartInput,
  CompleteUploadInput,
  MovePackedInput,
  ReplaceSetInput,
} from "./write-inputs.ts";
import type {
  ListVersionsQuery,
  VersionPage,
  DueQuery,
  DueEntry,
  ListBucketsQuery,
  ListObjectsQuery,
  ObjectPage,
  ObjectWithBytes,
  ListUploadsQuery,
  UploadPage,
  PartPage,
  WalkQuery,
  WalkEntry,
  MetadataTotals,
  JournalReport,
  MetadataComparison,
} from "./read-queries.ts";

export { DUE_NEWER_MAX } from "./read-queries.ts";
export type {
  DueEntry,
  DueQuery,
  JournalReport,
  ListBucketsQuery,
  ListObjectsQuery,
  ListUploadsQuery,
  ListVersionsQuery,
  ListedObject,
  ListedUpload,
  ListedVersion,
  MemberReport,
  MetadataComparison,
  MetadataTotals,
  ObjectPage,
  ObjectWithBytes,
  PartPage,
  UploadPage,
  VersionPage,
  WalkEntry,
  WalkPosition,
  WalkQuery,
} from "./read-queries.ts";
export type {
  CompleteUploadInput,
  CompletionRecord,
  CreateBucketInput,
  CreateUploadInput,
  DeleteCondition,
  DeleteOutcome,
  DeleteRequest,
  MovePackedInput,
  NewContent,
  PutObjectInput,
  PutPartInput,
  ReplaceSetInput,
  SeenVersion,
  VersionName,
  WriteCondition,
} from "./write-inputs.ts";

/** Shards that were noted as missing, and are whole. */
export interface FoundShards {
  /** All notes of the set when it was looked at. */
  readonly noted: readonly number[];
  readonly found: readonly number[];
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
  /** Replaces whatever stands. */
  putSetting(name: string, value: string): Promise<void>;

  // Processes that write shard sets.
  beginIncarnation(process: { incarnation: Incarnation; startedAt: number }): Promise<void>;
  /** Ends it, and seals the packs that it left open: from then on nothing that it writes can be named. */
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
  /** From now on new sets are written by it; `isAlone`: and those of all layouts before it lie where it says. */
  useLayout(version: number, isAlone: boolean): Promise<void>;

  // Buckets.
  findBucket(name: string): Promise<BucketRecord | undefined>;
  findBucketById(bucketId: number): Promise<BucketRecord | undefined>;
  listBuckets(query: ListBucketsQuery): Promise<readonly BucketRecord[]>;
  /** @throws S3Error BucketAlreadyOwnedByYou, BucketAlreadyExists */
  createBucket(input: CreateBucketInput): Promise<BucketRecord>;
  /**
   * Removes an empty bucket and the uploads in progress in it; where those are very many, in steps: an object that comes
   * between them keeps the bucket, and not the uploads.
   * @throws S3Error NoSuchBucket, BucketNotEmpty
   */
  deleteBucket(bucketId: number): Promise<void>;
  /** A named document of a bucket ("tagging", later "policy", "cors", ...). */
  findBucketConfig(bucketId: number, name: string): Promise<string | undefined>;
  /** `undefined` removes it. @throws S3Error NoSuchBucket */
  putBucketConfig(bucketId: number, name: string, value: string | undefined): Promise<void>;
  /** Buckets that have a document of that name, by id: those behind `after` only. */
  listConfigured(name: string, after: number, limit: number): Promise<readonly BucketRecord[]>;
  /** @throws S3Error NoSuchBucket, InvalidBucketState (suspending it where there is object lock) */
  setVersioning(bucketId: number, versioning: "enabled" | "suspended"): Promise<void>;
  /** @throws S3Error NoSuchBucket, InvalidBucketState (without versioning) */
  putBucketLock(bucketId: number, lock: BucketLock): Promise<void>;
  /** Writes beyond it are refused within their transaction: QuotaExceeded. `undefined` removes it. @throws S3Error NoSuchBucket */
  putBucketQuota(bucketId: number, quotaBytes: number | undefined): Promise<void>;
  /** The buckets that have a quota, of whichever account, the fullest first. */
  listQuotas(limit: number): Promise<readonly BucketRecord[]>;

  // Objects.
  /** The latest version, where that is an object. */
  findObject(bucketId: number, key: string): Promise<ObjectRecord | undefined>;
  /** As `findObject`, with its inline bytes: of one state, so that nobody can have replaced them in between. */
  findObjectWithBytes(bucketId: number, key: string): Promise<ObjectWithBytes | undefined>;
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
  /**
   * Replaces the tags.
   * @throws S3Error NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker), ServiceUnavailable (no
   *   longer the version that was seen)
   */
  putObjectTags(name: SeenVersion, tags: readonly Tag[]): Promise<void>;
  /** @throws as `putObjectTags`. */
  putObjectAcl(name: SeenVersion, acl: string | undefined): Promise<void>;
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
  /** Takes such notes away, where they still are those that were seen. */
  noteFound(setId: SetId, shards: FoundShards): Promise<void>;
  /** The oldest sets in the trash: those behind `after` only, while that one is in it. */
  listTrash(limit: number, after?: SetId): Promise<readonly TrashRecord[]>;
  /** Forgets sets whose shards are gone from all drives. */
  dropTrash(setIds: readonly SetId[]): Promise<void>;

  /** Those of these sets that are named: by an object, a part, or the trash. */
  findNamedSets(setIds: readonly SetId[]): Promise<ReadonlySet<SetId>>;
  /** All sets, packs that still grow among them, by id. */
  listSets(after: SetId | undefined, limit: number): Promise<readonly ShardSetRecord[]>;
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
  /** The version of a key whose bytes are at that place, latest or not. */
  findPacked(
    bucketId: number,
    key: string,
    from: MovePackedInput["from"],
  ): Promise<ObjectRecord | undefined>;
  /** Names a copy of packed bytes instead of the bytes themselves. False when they are no longer what is named. */
  movePacked(input: MovePackedInput): Promise<boolean>;
  /**
   * Names a copy of a set's bytes in the place of the set, which goes to the trash with its last reference. False when it is
   * no longer what is named. @throws S3Error NoSuchKey when the source of a shared copy has changed.
   */
  replaceSet(input: ReplaceSetInput): Promise<boolean>;

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
