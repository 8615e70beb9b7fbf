// The rows as the rest of the program sees them: plain, readonly, free of SQL. Times are milliseconds since 1970.

import type { ObjectChecksum, ChecksumAlgorithm, ChecksumType } from "../core/checksum.ts";
import type { AccountId, DriveId, Incarnation, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";

export type Versioning = "enabled" | "off" | "suspended";

export interface BucketRecord {
  readonly id: number;
  readonly name: string;
  readonly ownerId: AccountId;
  readonly region: string;
  readonly createdAt: number;
  readonly versioning: Versioning;
  /** Undefined: the bucket has no object lock. One that has it keeps it, and versioning with it. */
  readonly lock: BucketLock | undefined;
  /** Bytes of all versions together that the bucket may hold; undefined: any number. */
  readonly quotaBytes: number | undefined;
  /** Raised by every change of the bucket's settings: the key of caches. */
  readonly settingsVersion: number;
  readonly objectCount: number;
  readonly objectBytes: number;
}

export type LockMode = "COMPLIANCE" | "GOVERNANCE";

export interface BucketLock {
  /** What new versions are given that bring no retention of their own. */
  readonly defaultRetention: DefaultRetention | undefined;
}

export interface DefaultRetention {
  readonly mode: LockMode;
  readonly unit: "days" | "years";
  readonly count: number;
}

/** Until then a version is not deleted: in compliance mode by nobody, in governance mode by who may bypass it. */
export interface Retention {
  readonly mode: LockMode;
  readonly until: number;
}

export interface ObjectLock {
  readonly retention: Retention | undefined;
  /** Keeps the version for as long as it stands, whatever the retention says. Undefined: there never was one. */
  readonly legalHold: boolean | undefined;
}

/** What a client asks for; without a retention the bucket's default is taken, within the transaction. */
export interface GivenLock {
  readonly retention: Retention | undefined;
  readonly legalHold: boolean | undefined;
}

/** What a client said of an object beside its bytes. */
export interface ObjectAttributes {
  /** System metadata by lower-case header name: content-type, cache-control, expires, ... as sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata by lower-case name without `x-amz-meta-`, as sent (Latin-1). */
  readonly userMetadata: Readonly<Record<string, string>>;
}

export interface ShardSetRecord {
  readonly id: SetId;
  readonly dataShards: number;
  readonly parityShards: number;
  readonly unitBytes: number;
  readonly layoutVersion: number;
  /** Bytes of object data in it. */
  readonly sizeBytes: number;
  /** Bytes of the header that each of its shard files begins with. */
  readonly headerBytes: number;
  /** Indexes of shards that were not written, or found broken: for repair. */
  readonly missing: readonly number[];
}

/** A set that several objects share. */
export interface PackRecord {
  readonly set: ShardSetRecord;
  /** Bytes of objects that are still named. */
  readonly liveBytes: number;
  /** Objects and parts that name it. */
  readonly referenceCount: number;
}

/** Where an object's, or a part's, bytes are. */
export type Content =
  | { readonly kind: "inline"; readonly dataId: number }
  | { readonly kind: "set"; readonly set: ShardSetRecord }
  /** In a pack: the bytes begin at `offset` of each of its shard files. */
  | { readonly kind: "packed"; readonly set: ShardSetRecord; readonly offset: number };

/** An object whose bytes are the parts of a completed upload. */
export interface ManifestContent {
  readonly kind: "manifest";
  readonly manifestId: number;
  readonly partCount: number;
}

export interface ObjectRecord {
  readonly key: string;
  /** "null" in a bucket that never had versioning. */
  readonly versionId: string;
  /** Grows with every version written anywhere: orders versions, never a clock. */
  readonly sequence: number;
  readonly sizeBytes: number;
  /** Without quotes; `md5-N` for an upload of N parts. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly checksum: ObjectChecksum | undefined;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  /** The access control list as text, in the form of whoever wrote it; undefined: the owner's alone. */
  readonly acl: string | undefined;
  /** How the bytes are sealed, as text, in the form of whoever sealed them; undefined: not at all. */
  readonly encryption: string | undefined;
  readonly lock: ObjectLock;
  readonly content: Content | ManifestContent;
}

/** A version of a key: an object, or the mark that it was deleted. */
export type VersionRecord =
  | { readonly kind: "delete-marker"; readonly marker: DeleteMarker; readonly isLatest: boolean }
  | { readonly kind: "object"; readonly object: ObjectRecord; readonly isLatest: boolean };

export interface DeleteMarker {
  readonly key: string;
  /** "null" where versioning was suspended. */
  readonly versionId: string;
  readonly sequence: number;
  readonly modifiedAt: number;
  readonly ownerId: AccountId;
}

/** What LIST shows of an object. */
export interface ObjectSummary {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAt: number;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
}

export interface UploadRecord {
  readonly uploadId: UploadId;
  /** Becomes the object's manifest when the upload is completed. */
  readonly manifestId: number;
  readonly key: string;
  readonly initiatedAt: number;
  readonly initiatorId: AccountId;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly attributes: ObjectAttributes;
  readonly tags: readonly Tag[];
  /** As of an object. */
  readonly acl: string | undefined;
  readonly encryption: string | undefined;
  readonly lock: GivenLock;
  /** Set once the upload has been completed, so that a repeated Complete gets the same answer. */
  readonly completed:
    | { readonly etag: string; readonly sequence: number; readonly versionId: string }
    | undefined;
}

export interface PartRecord {
  /** Names this very upload of the part; a re-upload of the number gets another. */
  readonly partId: number;
  readonly number: number;
  readonly sizeBytes: number;
  /** MD5 in hex, without quotes. */
  readonly etag: string;
  readonly uploadedAt: number;
  readonly checksums: readonly ObjectChecksum[];
  readonly encryption: string | undefined;
  readonly content: Content;
  /** Where the part begins in the object; undefined until the upload is completed. */
  readonly startOffset: number | undefined;
}

/** Which drives hold which partition. A set's id picks a partition; its first k+m drives hold the set. */
export interface LayoutRecord {
  readonly version: number;
  readonly drives: readonly DriveId[];
  /** For each partition the order of drives, as positions in `drives`. */
  readonly partitions: readonly (readonly number[])[];
  /** How its sets are cut; undefined: as the number of its drives says. */
  readonly geometry?: { readonly dataShards: number; readonly parityShards: number } | undefined;
  /** Whether new sets are written by it, or by one after it; before that it is only known. */
  readonly isWritten: boolean;
  /** The layout that has taken its place: sets written by this one lie where that one says. */
  readonly retiredInto: number | undefined;
}

export interface ProcessRecord {
  readonly incarnation: Incarnation;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
}

export interface TrashRecord {
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly shardCount: number;
  readonly trashedAt: number;
}
