// Judges whether a worker hangs, from its beats. Counts its own turns rather than time, so that a machine that slept, or a
// supervisor that was stopped itself, blames nobody: what was said meanwhile is heard before the next turn.

/** Turns of a second without a beat after which a worker is given up. */
export const SILENT_TURNS_MAX = 10;
/** Turns without a beat after which its folders are asked, so that the answers are there in time. */
const SUSPECT_TURNS = 6;
/** How long a write of metadata may be under way before the metadata's drive is asked, in milliseconds. */
const WRITE_MS_SUSPECT = 6_000;
const WRITE_MS_MAX = 10_000;

export type Verdict = "fine" | "hangs" | "suspect" | "write-hangs";

export class BeatWatch {
  #silentTurns = 0;
  #writeWaitMs = 0;

  beat(writeWaitMs: number): void {
    this.#silentTurns = 0;
    this.#writeWaitMs = writeWaitMs;
  }

  /** Called once a second. `write-hangs` still needs a drive that does not answer: long writes are no fault. */
  turn(): Verdict {
    this.#silentTurns += 1;
    if (this.#silentTurns >= SILENT_TURNS_MAX) return "hangs";
    if (this.#writeWaitMs >= WRITE_MS_MAX) return "write-hangs";
    if (this.#silentTurns > SUSPECT_TURNS || this.#writeWaitMs >= WRITE_MS_SUSPECT)
      return "suspect";
    return "fine";
  }
}
