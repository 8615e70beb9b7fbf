// What the writes of MetadataStore are told: plain data, safe for structured clone. Part of metadata-store.ts, where
// callers find it.

import type { ObjectChecksum } from "../core/checksum.ts";
import type { AccountId, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type { Refusal } from "./refusal.ts";
import type { GivenLock, ObjectAttributes, ShardSetRecord, UploadRecord } from "./records.ts";

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

/** A version that was looked at, in a bucket where another may have its id, "null", by now. */
export interface SeenVersion extends VersionName {
  /** The version is changed while it is still this one; undefined: whichever has the id. */
  readonly sequence?: number | undefined;
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
  /** As `ifSequence`: it was followed by another version at that very time, and has not been the latest since. */
  readonly ifNoncurrentSince?: number | undefined;
  /** As `ifSequence`: it has just these tags, in this order. */
  readonly ifTags?: readonly Tag[] | undefined;
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
  /** `ifSequence`, `ifNoncurrentSince` or `ifTags` no longer holds. */
  | { readonly kind: "changed" }
  /** By a condition or by a lock: the code and the words that the client gets. */
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface CreateBucketInput {
  readonly name: string;
  readonly ownerId: AccountId;
  readonly region: string;
  readonly createdAt: number;
  /** With object lock, and so with versioning, from the beginning. */
  readonly hasLock: boolean;
  /** Documents by name that it has from the beginning. */
  readonly documents?: Readonly<Record<string, string>> | undefined;
}

/** What an upload's record says of it from the beginning. */
export type CreateUploadInput = Omit<UploadRecord, "completed" | "manifestId"> & {
  readonly bucketId: number;
};

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
  readonly record?: CompletionRecord | undefined;
}

/** Stands where the number of a part would. */
export const RECORD_NUMBER = 0;

/**
 * What the drives say of a completion, for making the metadata anew: kept with the parts of the upload, as their number 0,
 * and let go with them. No listing of parts shows it.
 */
export interface CompletionRecord {
  readonly content: NewContent;
  readonly sizeBytes: number;
  /** MD5 in hex. */
  readonly etag: string;
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

/** A row that names a set of its own, and the copy of the same bytes that it is to name instead. */
export interface ReplaceSetInput {
  readonly bucketId: number;
  readonly key: string;
  /** As in WalkPosition: of a version its sequence; of a part its manifest's id and its number. */
  readonly detail: readonly number[];
  readonly from: SetId;
  readonly to: Extract<NewContent, { readonly kind: "set" | "share" }>;
}
