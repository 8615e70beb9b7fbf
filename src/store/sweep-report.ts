// What a sweep was asked, and what it found and did: plain data, safe for JSON.

import type { SetId } from "../core/ids.ts";

export interface SweepOptions {
  /** How long an orphan must have been known as one before it goes; that of the trash when not given. */
  readonly graceMs?: number | undefined;
  /** Only looks. */
  readonly isDryRun?: boolean | undefined;
  /** Rest after each of the 256 folders, as a multiple of the time that it took; none when not given. */
  readonly restFactor?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After each of the 256 folders. */
  readonly onProgress?: ((progress: SweepProgress) => void) | undefined;
}

export interface SweepProgress {
  readonly foldersDone: number;
  readonly foldersTotal: number;
  readonly removedShards: number;
}

export interface SweepReport {
  /** Why it did nothing, in a sentence; undefined when it ran. */
  readonly refusal: string | undefined;
  /** False when it was cut short by its signal. */
  readonly isComplete: boolean;
  readonly shardsSeen: number;
  /** Sets that no metadata names, of processes that have ended. */
  readonly orphanSets: number;
  readonly removedShards: number;
  /** Shards of orphans that are still there: for the grace, an open reading, or an error of their drive. */
  readonly waitingShards: number;
  /** Sets of this process that no metadata names: under way, or waiting to be removed as litter. */
  readonly ownSets: number;
  /** Such sets of other processes that have not ended. */
  readonly livingSets: number;
  /** Sets of processes that the metadata does not know. They are kept. */
  readonly unknownSets: number;
  /** A few of the unknown ones. */
  readonly unknownExamples: readonly SetId[];
  /** Drives that were away, or whose copy of the metadata is not up to date: swept when they are well again. */
  readonly skippedDrives: readonly string[];
}

export interface OrphanSet {
  readonly setId: SetId;
  readonly shards: readonly { readonly index: number; readonly drive: string }[];
}
