// How much of an object is read at a time, by how its client takes it: nothing is gained by more than it takes in a moment, and
// whatever lies ready for one that does not read is memory that others lack. The kernel takes the first megabytes of
// every answer at once, so that only a client that took more than those has shown that it is quick.

import type { Clock } from "../util/clock.ts";
import type { BufferPools } from "./buffer-pools.ts";
import { STRIPES_PER_WINDOW } from "./store-context.ts";

/** A unit of one shard; all units of a stripe; as many stripes as a window has. */
export type WindowSize = "stripe" | "unit" | "window";

/** What is not taken in so long was too much, in milliseconds. */
const SLOW_MS = 250;
/** More than the buffers of both ends' kernels hold on common systems. */
const QUICK_BYTES_MIN = 8 * 1024 * 1024;

/** With a window as much as a data node is asked for at a time. */
const AHEAD_STRIPES = 3 * STRIPES_PER_WINDOW;

export class ReadingPace {
  readonly #clock: Clock;
  readonly #pools: BufferPools;
  #givenAt = 0;
  #givenBytes = 0;
  /** Since the client was slow last, or began. */
  #quickBytes = 0;
  #wasSlow = false;

  constructor({ clock, pools }: { readonly clock: Clock; readonly pools: BufferPools }) {
    this.#clock = clock;
    this.#pools = pools;
  }

  /** What the next window should be. */
  get size(): WindowSize {
    const isQuick = this.#quickBytes >= QUICK_BYTES_MIN;
    if (!isQuick && (this.#wasSlow || this.#pools.isTight)) return "unit";
    return this.#pools.isBusy ? "stripe" : "window";
  }

  /** How many stripes after the next window are likely to be wanted soon: none for a client that is slow, or where memory is scarce. */
  get aheadStripes(): number {
    return this.size === "window" ? AHEAD_STRIPES : 0;
  }

  /** So many bytes are on their way to the client. */
  give(sizeBytes: number): void {
    this.#givenAt = this.#clock.monotonic();
    this.#givenBytes = sizeBytes;
  }

  /** The client has room for more. */
  noteTaken(): void {
    if (this.#clock.monotonic() - this.#givenAt < SLOW_MS) {
      this.#quickBytes += this.#givenBytes;
      return;
    }
    this.#wasSlow = true;
    this.#quickBytes = 0;
  }
}
