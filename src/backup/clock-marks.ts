// Notes in the metadata, and so in the members' chain, what time it is: a restore to a point in time plays the chain up to
// the last note before it. A note is made while something changes, and not oftener than its interval.

import type { MetadataStore } from "../metadata/metadata-store.ts";
import { CLOCK_JOB } from "../metadata/sqlite/rebuild/play-until.ts";
import type { Clock } from "../util/clock.ts";

/** How exactly a restore can be told a time, in milliseconds. */
export const MARK_EVERY_MS = 10_000;

export class ClockMarks {
  readonly #metadata: MetadataStore;
  readonly #clock: Clock;
  /** The last change that was seen to be there after a note. */
  #sequence = -1;

  constructor(metadata: MetadataStore, clock: Clock) {
    this.#metadata = metadata;
    this.#clock = clock;
  }

  /** One look; does nothing where nothing has changed, or there is no chain. */
  async step(): Promise<"idle"> {
    const report = this.#metadata.journalReport();
    if (report === undefined || !this.#metadata.isWritable()) return "idle";
    if (report.sequence <= this.#sequence) return "idle";
    // The first look after a start notes, too: else what is changed until the second one has no time.
    this.#sequence = report.sequence;
    try {
      await this.#metadata.putProgress(CLOCK_JOB, String(this.#clock.now()));
      // The note is a change of its own; what came between it and the report counts at the next look.
      this.#sequence += 1;
    } catch {
      // Why nothing can be written is told by who has to write; the next look tries again.
      this.#sequence -= 1;
    }
    return "idle";
  }
}
