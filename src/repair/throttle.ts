// How fast repair writes: so many bytes a second while nothing else goes on, fewer while requests are under way, and never
// none, so that it comes to its end beside a server that is never idle.

import { setTimeout as sleep } from "node:timers/promises";
import type { Pace } from "../store/repair/pace.ts";

export interface ThrottleLimits {
  /** Bytes a second while no request is under way. */
  readonly idleBytes: number;
  /** Bytes a second beside requests. */
  readonly busyBytes: number;
}

/** An idle server does so many times as much. */
const IDLE_FACTOR = 16 / 3;

/** What is usual where so many bytes a second are written beside requests. */
export function limitsBeside(busyBytes: number): ThrottleLimits {
  return { busyBytes, idleBytes: busyBytes * IDLE_FACTOR };
}

export interface ThrottleOptions extends ThrottleLimits {
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
}

/** What was not used is not saved for longer. */
const SAVED_MS_MAX = 250;
/** Over so long the rate is measured. */
const RATE_OVER_MS = 10_000;

export class Throttle {
  readonly #options: ThrottleOptions;
  #freeAt = 0;
  #isOff = false;
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Whether it holds nothing back, since somebody asked for that. */
  get isOff(): boolean {
    return this.#isOff;
  }

  setOff(isOff: boolean): void {
    this.#isOff = isOff;
  }

  /** Bytes a second of late. */
  get rate(): number {
    const since = performance.now() - RATE_OVER_MS;
    this.#samples = this.#samples.filter(({ at }) => at >= since);
    const [first] = this.#samples;
    if (first === undefined) return 0;
    const overMs = Math.max(performance.now() - first.at, 1_000);
    return (this.#samples.reduce((sum, { bytes }) => sum + bytes, 0) / overMs) * 1_000;
  }

  /** What is asked before each piece of work; ends its wait when the signal aborts. */
  pace(signal: AbortSignal): Pace {
    return async (bytes) => {
      this.#samples.push({ at: performance.now(), bytes });
      if (this.#isOff) return;
      const { busyBytes, idleBytes, isBusy } = this.#options;
      const now = performance.now();
      const costMs = (bytes / (isBusy() ? busyBytes : idleBytes)) * 1_000;
      this.#freeAt = Math.max(this.#freeAt, now - SAVED_MS_MAX) + costMs;
      const waitMs = this.#freeAt - now;
      if (waitMs < 1 || signal.aborted) return;
      // Cut off, the work ends by its own look at the signal.
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    };
  }
}
