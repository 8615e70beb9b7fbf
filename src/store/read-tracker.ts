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

/** Linked to those that began before and after it: a set's table would be made anew all the time, and V8 keeps for long what the former ones led to. */
class Entry implements OpenReading {
  readonly startedAt: number;
  isCutOff = false;
  before: Entry | undefined;
  after: Entry | undefined;
  readonly #tracker: ReadTracker;
  #isOpen = true;

  constructor(tracker: ReadTracker, startedAt: number) {
    this.#tracker = tracker;
    this.startedAt = startedAt;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#tracker.forget(this);
  }
}

export class ReadTracker {
  readonly #clock: Clock;
  #oldest: Entry | undefined;
  #youngest: Entry | undefined;
  #count = 0;
  /** By process: no reading of it that is open began before, in monotonic milliseconds of this one. */
  readonly #elsewhere = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): OpenReading {
    const entry = new Entry(this, this.#clock.monotonic());
    entry.before = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = entry;
    else this.#youngest.after = entry;
    this.#youngest = entry;
    this.#count += 1;
    return entry;
  }

  /** What an entry calls, once. */
  forget(entry: Entry): void {
    const { before, after } = entry;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#youngest = before;
    else after.before = before;
    // What is over leads nowhere.
    entry.before = undefined;
    entry.after = undefined;
    this.#count -= 1;
  }

  /** When the oldest open reading of this process began (monotonic); undefined when there is none. */
  get oldestStartedAt(): number | undefined {
    return this.#oldest?.startedAt;
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
    let entry = this.#oldest;
    while (entry !== undefined && entry.startedAt < time) {
      entry.isCutOff = true;
      entry.close();
      entry = this.#oldest;
    }
  }

  /** Of this process. */
  get count(): number {
    return this.#count;
  }
}
