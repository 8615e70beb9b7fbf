// When the next group for a pack goes. A group has its cost, six appends however small it is; so where several writes are
// under way, a group waits for as many as are likely to come in a moment, and for no longer than a moment. Clients that
// send slowly are not waited for.

import { gatheringMs } from "../util/gathering.ts";

/** Of those under way: the others are being named by the metadata meanwhile. */
const WANTED_SHARE = 1 / 2;
/** Of larger groups the cost is next to nothing for each. */
const WANTED_MAX = 16;
/** Whose bytes have been coming for longer, at most twice as long, is no longer expected at any moment. */
const EXPECTED_MS = 100;

export class PackGathering {
  readonly #onOver: () => void;
  /** Whose bytes are still being received: those who began lately, and those a while before them. */
  #coming = new Set<object>();
  #comingBefore = new Set<object>();
  #turnedAt = performance.now();
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
    this.#turn();
    const mark = {};
    this.#coming.add(mark);
    return () => {
      if (!this.#coming.delete(mark)) this.#comingBefore.delete(mark);
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
    if (this.#isOver || waitingCount >= this.#wantedCount()) return false;
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

  #wantedCount(): number {
    this.#turn();
    const underWay = this.#coming.size + this.#comingBefore.size + this.#enteredCount;
    return Math.min(Math.floor(underWay * WANTED_SHARE), WANTED_MAX);
  }

  #turn(): void {
    const now = performance.now();
    const passedMs = now - this.#turnedAt;
    if (passedMs < EXPECTED_MS) return;
    this.#comingBefore = passedMs < 2 * EXPECTED_MS ? this.#coming : new Set();
    this.#coming = new Set();
    this.#turnedAt = now;
  }
}
