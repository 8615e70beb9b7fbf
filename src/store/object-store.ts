// The object service: where metadata, erasure coding and drives meet. Knows neither HTTP nor XML.
// Everything a client does passes through this class; the work itself is in the files beside it.
//
// A write: bytes stream through hashes into shards on k+m drives, all synced; then one metadata transaction makes the
// object visible; then the caller answers. A write that fails leaves what was there before, and removes its shards.
// Refusals are S3Errors.

import type { Account } from "../core/account.ts";
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../core/checksum.ts";
import type { AccountId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type {
  DeleteOutcome,
  DeleteRequest,
  ListBucketsQuery,
  ListObjectsQuery,
  ListUploadsQuery,
  ListVersionsQuery,
  ObjectPage,
  UploadPage,
  VersionPage,
  WriteCondition,
} from "../metadata/metadata-store.ts";
import type {
  BucketLock,
  GivenLock,
  ObjectAttributes,
  ObjectRecord,
  PartRecord,
  Retention,
  UploadRecord,
  VersionRecord,
} from "../metadata/records.ts";
import type { BucketView } from "./bucket-view.ts";
import type { ByteWindows } from "./byte-window.ts";
import type { CustomerKey, EncryptionRequest } from "./encryption/encryption-request.ts";
import type { UploadBody } from "./upload-body.ts";

/** What a new object is given beside its bytes. */
export interface NewObject {
  readonly bucket: BucketView;
  readonly key: string;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  /** The access control list as text; undefined: the owner's alone. */
  readonly acl: string | undefined;
  /** What the request says of retention and legal hold; the bucket's default fills in, within the transaction. */
  readonly lock: GivenLock;
  /** How its bytes are to be sealed; undefined: not at all. The bucket's default is for the caller to know. */
  readonly encryption: EncryptionRequest | undefined;
  readonly condition?: WriteCondition | undefined;
}

/** A version of a key by its id, "null" among them; undefined: the latest. */
export interface ObjectVersion {
  readonly bucket: BucketView;
  readonly key: string;
  readonly versionId: string | undefined;
}

/** A version that was looked at: it is changed while it is still this one, whose id another may have by now. */
export interface SeenVersion extends ObjectVersion {
  readonly sequence?: number | undefined;
}

/** A version that was found, and the means to read it. Its shards stay until the reading is closed or read to its end. */
export interface ObjectReading {
  readonly object: ObjectRecord;
  /**
   * Finds the key of an encrypted object, which must be done before it is read; of another it checks that none was given.
   * @throws S3Error InvalidRequest, AccessDenied (another key), ServiceUnavailable (the master key is not here)
   */
  readonly unlock: (key: CustomerKey | undefined) => Promise<void>;
  /**
   * Bytes from `start` (0-based) to `end` (exclusive) of the object. May be called once.
   * @throws S3Error SlowDown where memory is short, InternalError where nobody has unlocked what is encrypted
   */
  readonly read: (start: number, end: number) => ByteWindows;
  /** The same of what is in memory already, instead of `read`; undefined of what is not. Needs nothing held any more. */
  readonly readAtOnce: (start: number, end: number) => Uint8Array | undefined;
  /** For a multipart object: where part `number` lies; undefined when there is no such part. */
  readonly findPart: (number: number) => Promise<PartRecord | undefined>;
  /** Frees the hold on the shards where no byte was asked for, be it that `read` was called; else harmless. */
  readonly close: () => void;
}

export interface CompletedPart {
  readonly number: number;
  /** Without quotes. */
  readonly etag: string;
  /** What the client says the part's checksum is. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

/** @see ObjectStore for what each function may throw. */
export interface ObjectStore {
  // Buckets.
  findBucket(name: string): Promise<BucketView | undefined>;
  listBuckets(query: ListBucketsQuery): Promise<readonly BucketView[]>;
  /** @throws S3Error BucketAlreadyOwnedByYou, BucketAlreadyExists */
  createBucket(input: NewBucket): Promise<BucketView>;
  /** @throws S3Error BucketNotEmpty */
  deleteBucket(bucket: BucketView): Promise<void>;
  findBucketConfig(bucket: BucketView, name: string): Promise<string | undefined>;
  putBucketConfig(bucket: BucketView, name: string, value: string | undefined): Promise<void>;
  /** @throws S3Error InvalidBucketState (suspending it where there is object lock) */
  setVersioning(bucket: BucketView, versioning: "enabled" | "suspended"): Promise<void>;
  /** @throws S3Error InvalidBucketState (without versioning) */
  putBucketLock(bucket: BucketView, lock: BucketLock): Promise<void>;
  /** What would make the bucket hold more is refused: QuotaExceeded. `undefined`: no quota. */
  putBucketQuota(bucket: BucketView, quotaBytes: number | undefined): Promise<void>;

  // Objects.
  /** Metadata alone: the latest version, where that is an object. */
  findObject(bucket: BucketView, key: string): Promise<ObjectRecord | undefined>;
  /** Metadata alone: a version, which may be a delete marker. */
  findVersion(version: ObjectVersion): Promise<VersionRecord | undefined>;
  /** The latest version, or the one of that id. Undefined where there is none, and where it is a delete marker. */
  openObject(
    bucket: BucketView,
    key: string,
    versionId?: string,
  ): Promise<ObjectReading | undefined>;
  listObjects(query: ListObjectsQuery): Promise<ObjectPage>;
  listVersions(query: ListVersionsQuery): Promise<VersionPage>;
  /** @throws S3Error of the body's checks, PreconditionFailed, NoSuchKey, ServiceUnavailable, BadDigest, ... */
  putObject(target: NewObject, body: UploadBody): Promise<ObjectRecord>;
  /**
   * Whether a client with this key, or none, may learn what HEAD tells of the object.
   * @throws S3Error InvalidRequest, AccessDenied (another key)
   */
  checkCustomerKey(bucket: BucketView, object: ObjectRecord, key: CustomerKey | undefined): void;
  /**
   * Resolves where SSE-S3 can be had, or SSE-KMS with this key.
   * @throws S3Error InvalidRequest, in words for whoever runs the server; NotImplemented, KMS.NotFoundException for a key
   */
  requireManagedKeys(kmsKeyId?: string): Promise<void>;
  /**
   * Makes `target` from a version that `openObject` found (which is closed by it). Shares its shard set, or copies its bytes.
   * `checksum`: compute this algorithm for the copy; undefined keeps the source's full-object one.
   */
  copyObject(
    source: CopySource,
    target: NewObject,
    checksum: ChecksumAlgorithm | undefined,
  ): Promise<ObjectRecord>;
  /** Outcomes in the order asked. Delete markers that are made belong to `markerOwner`. */
  deleteObjects(
    bucket: BucketView,
    requests: readonly DeleteRequest[],
    markerOwner: AccountId,
  ): Promise<readonly DeleteOutcome[]>;
  /** @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker), ServiceUnavailable (replaced) */
  putObjectTags(version: SeenVersion, tags: readonly Tag[]): Promise<void>;
  /** @throws S3Error as `putObjectTags` */
  putObjectAcl(version: SeenVersion, acl: string | undefined): Promise<void>;
  /** @throws S3Error as `putObjectTags`, AccessDenied, InvalidRequest (no object lock) */
  putRetention(
    version: ObjectVersion,
    retention: Retention | undefined,
    mayBypassGovernance: boolean,
  ): Promise<void>;
  /** @throws S3Error as `putObjectTags`, InvalidRequest (no object lock) */
  putLegalHold(version: ObjectVersion, isOn: boolean): Promise<void>;

  // Multipart.
  createUpload(
    target: NewObject,
    initiator: Account,
    checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | undefined,
  ): Promise<UploadRecord>;
  /** @throws S3Error NoSuchUpload for an unknown, aborted or completed upload. */
  getUpload(bucket: BucketView, key: string, uploadId: string): Promise<UploadRecord>;
  listUploads(query: ListUploadsQuery): Promise<UploadPage>;
  putPart(upload: UploadHandle, number: number, body: UploadBody): Promise<PartRecord>;
  /** A part from a range of an object that `openObject` found (closed by it). */
  copyPart(upload: UploadHandle, number: number, source: PartSource): Promise<PartRecord>;
  listParts(
    upload: UploadRecord,
    after: number,
    limit: number,
  ): Promise<{ readonly parts: readonly PartRecord[]; readonly isTruncated: boolean }>;
  /** The parts of a completed multipart object. */
  listObjectParts(
    object: ObjectRecord,
    after: number,
    limit: number,
  ): Promise<{ readonly parts: readonly PartRecord[]; readonly isTruncated: boolean }>;
  /**
   * Checks order, ETags, sizes and checksums, and makes the object. The same list again gets the same answer.
   * @throws S3Error NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest, PreconditionFailed, InvalidRequest
   */
  completeUpload(request: CompleteRequest): Promise<ObjectRecord>;
  abortUpload(bucket: BucketView, key: string, uploadId: string): Promise<void>;
}

export interface NewBucket {
  readonly name: string;
  readonly owner: Account;
  readonly region: string;
  /** With object lock, and so with versioning, from the beginning. */
  readonly hasLock?: boolean;
  /** Documents by name that it has from the beginning. */
  readonly documents?: Readonly<Record<string, string>>;
}

/** Closed by whoever copies it. */
export interface CopySource {
  readonly bucket: BucketView;
  /** Unlocked. */
  readonly reading: ObjectReading;
  /** That it was unlocked with. */
  readonly customerKey?: CustomerKey | undefined;
}

export interface UploadHandle {
  readonly bucket: BucketView;
  readonly upload: UploadRecord;
  /** The client's, where the upload was begun with one. */
  readonly customerKey?: CustomerKey | undefined;
}

export interface PartSource {
  readonly reading: ObjectReading;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface CompleteRequest {
  readonly bucket: BucketView;
  readonly key: string;
  readonly uploadId: UploadId;
  readonly parts: readonly CompletedPart[];
  /** The whole object's checksum, where the client gave one (`x-amz-checksum-*`), and its declared type. */
  readonly checksum: ObjectChecksum | undefined;
  readonly checksumType: ChecksumType | undefined;
  /** `x-amz-mp-object-size`. */
  readonly expectedBytes: number | undefined;
  readonly condition: WriteCondition | undefined;
  /** As of the upload's parts; checked where it is given, and must be where parts have checksums that tell of them. */
  readonly customerKey?: CustomerKey | undefined;
}
