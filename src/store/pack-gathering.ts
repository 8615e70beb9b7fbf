// When the next group for a pack goes. A group has its cost, six appends however small it is; so where several writes are
// under way, a group waits for as many as are likely to come in a moment, and for no longer than a moment.

import { gatheringMs } from "../util/gathering.ts";

/** Of those under way: the others are being named by the metadata meanwhile. */
const WANTED_SHARE = 1 / 2;

export class PackGathering {
  readonly #onOver: () => void;
  /** Whose bytes are still being received. */
  #comingCount = 0;
  /** Who waits for a group, is in one, or is being named. */
  #enteredCount = 0;
  #tookMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** `onOver`: those who wait have waited long enough. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Bytes begin to come that are for a pack; what is returned is to be called when they no longer do. */
  announce(): () => void {
    this.#comingCount += 1;
    let isComing = true;
    return () => {
      if (isComing) this.#comingCount -= 1;
      isComing = false;
    };
  }

  enter(): void {
    this.#enteredCount += 1;
  }

  /** It has been named, or refused, or could not be stored. */
  leave(): void {
    this.#enteredCount -= 1;
  }

  /** Whether so many are to wait for others. */
  holds(waitingCount: number): boolean {
    const wantedCount = Math.floor((this.#comingCount + this.#enteredCount) * WANTED_SHARE);
    if (this.#isOver || waitingCount >= wantedCount) return false;
    this.#timer ??= setTimeout(() => {
      this.#isOver = true;
      this.#onOver();
    }, gatheringMs(this.#tookMs));
    return true;
  }

  /** A group goes, or nobody is to wait any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOver = false;
  }

  /** How long the group took, which says how long the next one may wait. */
  note(tookMs: number): void {
    this.#tookMs = tookMs;
  }
}
