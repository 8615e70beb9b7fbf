// Writes to a file on a file system in memory. Small ones are made on the calling thread: waking another costs more. A large
// one is worth a thread, which writes beside this one, as long as few files are written: with many this thread has
// other work anyway, and others would only take its core.

import * as fs from "node:fs";
import type { TurnBudget } from "../util/turn-budget.ts";
import { CALL_BYTES } from "./cached-read.ts";
import type { Done } from "./call-gate.ts";

/** Writes of one file that is being made. */
export interface FileWrites {
  /** `done` may be called before the call returns. */
  writev(
    descriptor: number,
    chunks: readonly Uint8Array[],
    offset: number,
    done: Done<number>,
  ): void;
  /** No more of them come. Calling it twice is nothing. */
  end(): void;
}

/** Larger writes are worth a thread. */
const SMALL_BYTES_MAX = 128 * 1024;
/** Files that uploads of their own are written to, at a time: two uploads to six drives. */
const LARGE_FILES_MAX = 12;
/** Pages are made for what is written: some four times what a read of it costs. */
const WRITE_FACTOR = 4;

/** Of the thread: those that are open and took a large write. */
let largeFileCount = 0;

export const pooledWrites: FileWrites = {
  writev: (descriptor, chunks, offset, done) => fs.writev(descriptor, [...chunks], offset, done),
  end: () => undefined,
};

export class MemoryWrites implements FileWrites {
  readonly #budget: TurnBudget;
  #isCounted: boolean;
  #isLarge = false;

  /** @param staysOpen It is open for long, and mostly nobody writes to it, as that of a pack. */
  constructor(budget: TurnBudget, staysOpen: boolean) {
    this.#budget = budget;
    this.#isCounted = !staysOpen;
  }

  writev(
    descriptor: number,
    chunks: readonly Uint8Array[],
    offset: number,
    done: Done<number>,
  ): void {
    const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (sizeBytes > SMALL_BYTES_MAX) {
      this.#noteLarge();
      if (largeFileCount <= LARGE_FILES_MAX) {
        pooledWrites.writev(descriptor, chunks, offset, done);
        return;
      }
    }
    this.#budget.spend(CALL_BYTES + WRITE_FACTOR * sizeBytes, () =>
      answer(done, () => fs.writevSync(descriptor, [...chunks], offset)),
    );
  }

  end(): void {
    if (this.#isLarge) largeFileCount -= 1;
    this.#isLarge = false;
    // A write that waited for the drive may come still.
    this.#isCounted = false;
  }

  #noteLarge(): void {
    if (this.#isLarge || !this.#isCounted) return;
    this.#isLarge = true;
    largeFileCount += 1;
  }
}

/** Makes a call and calls back with what came of it. */
export function answer<Value>(done: Done<Value>, call: () => Value): void {
  let value: Value;
  try {
    value = call();
  } catch (error) {
    // What node:fs throws is what it would have called back with.
    done(error as NodeJS.ErrnoException, undefined as Value);
    return;
  }
  done(null, value);
}
