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
  ListBucketsQuery,
  ListObjectsQuery,
  ListUploadsQuery,
  ObjectPage,
  UploadPage,
  WriteCondition,
} from "../metadata/metadata-store.ts";
import type {
  ObjectAttributes,
  ObjectRecord,
  PartRecord,
  UploadRecord,
} from "../metadata/records.ts";
import type { BucketView } from "./bucket-view.ts";
import type { ByteWindows } from "./byte-window.ts";
import type { UploadBody } from "./upload-body.ts";

/** What a new object is given beside its bytes. */
export interface NewObject {
  readonly bucket: BucketView;
  readonly key: string;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  readonly condition?: WriteCondition | undefined;
}

/** A version that was found, and the means to read it. Its shards stay until the reading is closed or read to its end. */
export interface ObjectReading {
  readonly object: ObjectRecord;
  /** Bytes from `start` (0-based) to `end` (exclusive) of the object. May be called once. */
  readonly read: (start: number, end: number) => ByteWindows;
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
  createBucket(name: string, owner: Account, region: string): Promise<BucketView>;
  /** @throws S3Error BucketNotEmpty */
  deleteBucket(bucket: BucketView): Promise<void>;
  findBucketConfig(bucket: BucketView, name: string): Promise<string | undefined>;
  putBucketConfig(bucket: BucketView, name: string, value: string | undefined): Promise<void>;

  // Objects.
  /** Metadata alone. */
  findObject(bucket: BucketView, key: string): Promise<ObjectRecord | undefined>;
  openObject(bucket: BucketView, key: string): Promise<ObjectReading | undefined>;
  listObjects(query: ListObjectsQuery): Promise<ObjectPage>;
  /** @throws S3Error of the body's checks, PreconditionFailed, NoSuchKey, ServiceUnavailable, BadDigest, ... */
  putObject(target: NewObject, body: UploadBody): Promise<ObjectRecord>;
  /**
   * Makes `target` from a version that `openObject` found (which is closed by it). Shares its shard set, or copies its bytes.
   * `checksum`: compute this algorithm for the copy; undefined keeps the source's full-object one.
   */
  copyObject(
    source: { readonly bucket: BucketView; readonly reading: ObjectReading },
    target: NewObject,
    checksum: ChecksumAlgorithm | undefined,
  ): Promise<ObjectRecord>;
  /** Resolves to what stood there before, in the order asked. */
  deleteObjects(bucket: BucketView, keys: readonly string[]): Promise<readonly boolean[]>;
  putObjectTags(bucket: BucketView, key: string, tags: readonly Tag[]): Promise<void>;

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

export interface UploadHandle {
  readonly bucket: BucketView;
  readonly upload: UploadRecord;
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
}
