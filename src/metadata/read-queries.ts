// What the reads of MetadataStore are asked, and the pages and reports that they answer. Part of metadata-store.ts, where
// callers find it.

import type { AccountId, DriveId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type { Content, ObjectRecord, ObjectSummary, PartRecord, UploadRecord } from "./records.ts";

export interface ObjectWithBytes {
  readonly object: ObjectRecord;
  /** Of inline content; undefined for what lies elsewhere, and where they are lost. */
  readonly bytes: Uint8Array | undefined;
}

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

export interface ListBucketsQuery {
  /** Undefined: of all. */
  readonly ownerId: AccountId | undefined;
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
