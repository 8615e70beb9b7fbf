// Counts of a verification, and how far it is.

import type { WalkEntry } from "../metadata/metadata-store.ts";
import { RECORD_NUMBER } from "../metadata/write-inputs.ts";
import type { Clock } from "../util/clock.ts";
import type { ReadCounts } from "./verify-entry.ts";
import type {
  FindingKind,
  VerifyFinding,
  VerifyProgress,
  VerifyReport,
  VerifyWatcher,
} from "./verify-report.ts";

const PROGRESS_EVERY_MS = 1_000;

/** How much there is to do. */
export interface VerifyTotals {
  readonly objects: number;
  readonly bytes: number;
}

export interface VerifyTallyOptions {
  readonly clock: Clock;
  readonly totals: VerifyTotals | undefined;
  readonly watcher: VerifyWatcher;
}

export class VerifyTally {
  readonly #options: VerifyTallyOptions;
  readonly #startedAt: number;
  readonly #findings: Record<FindingKind, number> = {
    "below-redundancy": 0,
    "damaged-bytes": 0,
    "damaged-copy": 0,
    "damaged-row": 0,
    disagrees: 0,
    unreadable: 0,
  };
  #toldAt: number;
  #toldBytes = 0;
  #bytesPerSecond = 0;
  #objects = 0;
  #deleteMarkers = 0;
  #parts = 0;
  #bytes = 0;
  #sets = 0;
  #shardsRead = 0;
  #shardBytesRead = 0;
  #belowRedundancy = 0;

  constructor(options: VerifyTallyOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#toldAt = this.#startedAt;
  }

  noteEntry(entry: WalkEntry, read: ReadCounts): void {
    const { kind, content, sizeBytes } = entry;
    const isRecord = isCompletionRecord(entry);
    if (kind === "part") this.#parts += isRecord ? 0 : 1;
    else if (kind === "object") this.#objects += 1;
    else this.#deleteMarkers += 1;
    // The bytes of an object of parts are counted with its parts.
    if (content !== undefined && !isRecord) this.#bytes += sizeBytes;
    this.#sets += read.sets;
    this.#shardsRead += read.shards;
    this.#shardBytesRead += read.bytes;
    if (this.#options.clock.monotonic() - this.#toldAt >= PROGRESS_EVERY_MS) this.#tell();
  }

  noteFinding({ kind, shards }: VerifyFinding): void {
    this.#findings[kind] += 1;
    if (shards.length > 0 || kind === "unreadable") this.#belowRedundancy += 1;
  }

  /** Tells the last of the progress. */
  report(end: Pick<VerifyReport, "isComplete" | "query" | "unnamed">): VerifyReport {
    this.#tell();
    return {
      ...end,
      objects: this.#objects,
      deleteMarkers: this.#deleteMarkers,
      parts: this.#parts,
      bytes: this.#bytes,
      sets: this.#sets,
      shardsRead: this.#shardsRead,
      shardBytesRead: this.#shardBytesRead,
      findings: { ...this.#findings },
      belowRedundancy: this.#belowRedundancy,
      elapsedMs: Math.round(this.#options.clock.monotonic() - this.#startedAt),
    };
  }

  #tell(): void {
    const { clock, watcher, totals } = this.#options;
    const now = clock.monotonic();
    const sinceMs = Math.max(now - this.#toldAt, 1);
    this.#bytesPerSecond = ((this.#shardBytesRead - this.#toldBytes) * 1_000) / sinceMs;
    this.#toldAt = now;
    this.#toldBytes = this.#shardBytesRead;
    watcher.onProgress?.(this.#progress(now, totals));
  }

  #progress(now: number, totals: VerifyTotals | undefined): VerifyProgress {
    return {
      objectsDone: this.#objects + this.#deleteMarkers,
      partsDone: this.#parts,
      bytesDone: this.#bytes,
      objectsTotal: totals?.objects,
      bytesTotal: totals?.bytes,
      findings: Object.values(this.#findings).reduce((sum, count) => sum + count, 0),
      bytesPerSecond: Math.round(this.#bytesPerSecond),
      secondsLeft: this.#secondsLeft(now, totals),
    };
  }

  /** By bytes where there are many, else by objects: small ones cost more than their bytes. */
  #secondsLeft(now: number, totals: VerifyTotals | undefined): number | undefined {
    if (totals === undefined) return undefined;
    const shares = [share(this.#bytes, totals.bytes), share(this.#objects, totals.objects)];
    const done = Math.min(...shares);
    if (done <= 0) return undefined;
    return Math.round((((now - this.#startedAt) / 1_000) * (1 - done)) / done);
  }
}

/** 1 where there is nothing to do, or more was done than was there at the start. */
function share(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, done / total);
}

/** It is read like any other part, and is none that a client knows of. */
function isCompletionRecord({ kind, position }: WalkEntry): boolean {
  return kind === "part" && position.detail.at(-1) === RECORD_NUMBER;
}
