// What a verification finds and says: plain data, safe for JSON. Findings are handed out as they are found, since a
// broken drive may be behind a million of them; the report counts them.

import type { SetId } from "../core/ids.ts";

export interface VerifyQuery {
  /** One bucket only; undefined: all of them, and then unnamed shards on the drives are counted too. */
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
}

/**
 * What is wrong. From the mildest on:
 * - `below-redundancy`: readable, but shards are lost, damaged, or on drives that are away;
 * - `disagrees`: the drives say something else of the object than its row (size, ETag, geometry);
 * - `damaged-copy`: a copy of the metadata is not what it should be; it concerns no single object;
 * - `damaged-row`: the row does not match its checksum, so that what it says is not to be relied on;
 * - `damaged-bytes`: the bytes are there and are not those of the ETag;
 * - `unreadable`: fewer shards are good than it takes.
 */
export type FindingKind =
  | "below-redundancy"
  | "damaged-bytes"
  | "damaged-copy"
  | "damaged-row"
  | "disagrees"
  | "unreadable";

export interface ShardFinding {
  readonly index: number;
  /** The label of its drive; undefined where the drive was never there since the start. */
  readonly drive: string | undefined;
  /** "away": its drive does not answer, so that nothing is known of it. "wrong": whole, but not what belongs there. */
  readonly state: "away" | "damaged" | "missing" | "wrong";
  readonly problem: string;
}

export interface VerifyFinding {
  readonly kind: FindingKind;
  /** The bucket's name; undefined for what belongs to no bucket. */
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** What kind of row it is. */
  readonly entry: "delete-marker" | "object" | "part" | undefined;
  /** What the metadata orders versions and parts of one key by: the version's number; or upload and part number. */
  readonly detail: readonly number[];
  readonly sizeBytes: number;
  readonly setId: SetId | undefined;
  /** Only those that are not good. */
  readonly shards: readonly ShardFinding[];
  /** In a sentence. */
  readonly problem: string;
}

export interface VerifyProgress {
  /** Versions and delete markers, parts, and the bytes of both. */
  readonly objectsDone: number;
  readonly partsDone: number;
  readonly bytesDone: number;
  /** Undefined where the counters do not tell (below a prefix). */
  readonly objectsTotal: number | undefined;
  readonly bytesTotal: number | undefined;
  readonly findings: number;
  /** Bytes read from drives in a second, of late. */
  readonly bytesPerSecond: number;
  /** By the rate so far; undefined while nothing can be said. */
  readonly secondsLeft: number | undefined;
}

/** What is on the drives and in no row. */
export interface UnnamedShards {
  /** Sets of processes that have ended: the sweep removes them. */
  readonly orphanSets: number;
  /** Sets of this very process: uploads under way, or failures that wait to be removed. */
  readonly ownSets: number;
  /** Sets of processes that the metadata does not know: kept. */
  readonly unknownSets: number;
  readonly examples: readonly SetId[];
  /** Drives that could not be looked at. */
  readonly skippedDrives: readonly string[];
}

export interface VerifyReport {
  /** False when it was cut short by its signal: nothing is known of the rest. */
  readonly isComplete: boolean;
  readonly query: VerifyQuery;
  readonly objects: number;
  readonly deleteMarkers: number;
  readonly parts: number;
  /** Bytes of the objects and parts looked at, as clients see them. */
  readonly bytes: number;
  /** Sets that were read, packs among them counted once an object. */
  readonly sets: number;
  readonly shardsRead: number;
  readonly shardBytesRead: number;
  readonly findings: Readonly<Record<FindingKind, number>>;
  /** Objects and parts of which shards are lost or away, the unreadable ones among them. */
  readonly belowRedundancy: number;
  /** Undefined where only a part of the store was verified, or it was cut short. */
  readonly unnamed: UnnamedShards | undefined;
  readonly elapsedMs: number;
}

export interface VerifyWatcher {
  /** About once a second, and at the end. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** For each finding; the verification waits for it, so that a slow receiver is not flooded. */
  readonly onFinding?: ((finding: VerifyFinding) => Promise<void> | void) | undefined;
  /** Ends it early: it then resolves with `isComplete: false`. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether there is anything that somebody should look at. */
export function isClean(report: VerifyReport): boolean {
  return report.isComplete && Object.values(report.findings).every((count) => count === 0);
}
