// Which readings are open, so that no shard is removed under one. A reading begins before its metadata row is read: what
// was deleted before it began can never be in it.

import type { Clock } from "../util/clock.ts";

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

  /** When the oldest open reading began (monotonic); undefined when there is none. */
  get oldestStartedAt(): number | undefined {
    for (const entry of this.#open) return entry.startedAt;
    return undefined;
  }

  /** Cuts off readings that began before a (monotonic) time. */
  cutOffBefore(time: number): void {
    for (const entry of this.#open) {
      if (entry.startedAt >= time) return;
      entry.isCutOff = true;
      this.#open.delete(entry);
    }
  }

  get count(): number {
    return this.#open.size;
  }
}
