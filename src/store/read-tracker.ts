// Which readings are open, so that no shard is removed under one. A reading begins before its metadata row is read: what
// was deleted before it began can never be in it. Of other processes that read the same shards it is known since when at
// the earliest theirs are open (side-workers.ts).

import type { Clock } from "../util/clock.ts";

const READING_MS_MAX = 24 * 60 * 60 * 1000;

export interface OpenReading {
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Set when the reading has been cut off: its shards may be gone. */
  readonly isCutOff: boolean;
  /** Harmless when repeated. */
  close(): void;
}

interface Entry extends OpenReading {
  isCutOff: boolean;
}

export class ReadTracker {
  readonly #clock: Clock;
  // Insertion order is the order of beginnings, so the oldest comes first.
  readonly #open = new Set<Entry>();
  /** By process: no reading of it that is open began before, in monotonic milliseconds of this one. */
  readonly #elsewhere = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): OpenReading {
    const entry: Entry = {
      startedAt: this.#clock.monotonic(),
      isCutOff: false,
      close: () => void this.#open.delete(entry),
    };
    this.#open.add(entry);
    return entry;
  }

  /** When the oldest open reading of this process began (monotonic); undefined when there is none. */
  get oldestStartedAt(): number | undefined {
    for (const entry of this.#open) return entry.startedAt;
    return undefined;
  }

  /** No reading of any process began before (monotonic); undefined when there is none, and no other process. */
  get oldestAnywhere(): number | undefined {
    let oldest = this.oldestStartedAt;
    for (const time of this.#elsewhere.values()) oldest = Math.min(oldest ?? time, time);
    return oldest;
  }

  /** Of another process all open readings, and all that it will begin, are younger than this. */
  noteElsewhere(name: string, notBefore: number): void {
    this.#elsewhere.set(name, notBefore);
  }

  /** Another process is gone. */
  forgetElsewhere(name: string): void {
    this.#elsewhere.delete(name);
  }

  /** A reading that is so old is cut off: one stalled client must not keep deleted bytes for ever. */
  cutOffOld(): void {
    const time = this.#clock.monotonic() - READING_MS_MAX;
    for (const entry of this.#open) {
      if (entry.startedAt >= time) return;
      entry.isCutOff = true;
      this.#open.delete(entry);
    }
  }

  /** Of this process. */
  get count(): number {
    return this.#open.size;
  }
}
