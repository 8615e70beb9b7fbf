// The calls that move bytes of open files, with the callbacks of node:fs, and who makes them. Node's pool wakes a thread for
// each, which costs several times a small read. So what cannot wait for a device is done on the calling thread:
// everything on a file system in memory, and reads of what the kernel holds already (cached-read.ts). All others,
// and what is beyond the share of one turn of the event loop, go to the pool: a hung drive must not hold the thread.

import * as fs from "node:fs";
import { TurnBudget } from "../util/turn-budget.ts";
import { readCached } from "./cached-read.ts";
import type { Done } from "./call-gate.ts";

/** A view of a file's calls; `done` may be called before the call returns. */
export interface FileCalls {
  read(descriptor: number, target: Uint8Array, offset: number, done: Done<number>): void;
  writev(
    descriptor: number,
    chunks: readonly Uint8Array[],
    offset: number,
    done: Done<number>,
  ): void;
  fsync(descriptor: number, done: Done<void>): void;
}

/** `f_type` of tmpfs and ramfs: nothing is behind them that could hang. */
const IN_MEMORY_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** A direct call, in bytes that could have been copied meanwhile. */
const CALL_BYTES = 16 * 1024;
/** Pages are made for what is written: some four times what a read of it costs. */
const WRITE_FACTOR = 4;
/** Copied in one to two milliseconds: so long others wait for their turn. */
const BYTES_PER_TURN = 8 * 1024 ** 2;
/** Larger writes are worth a thread, which writes beside this one. */
const WRITE_BYTES_MAX = 128 * 1024;

/** Of the thread, not of a drive: what waits for a turn are all its requests. */
const budget = new TurnBudget(BYTES_PER_TURN);

export const pooledCalls: FileCalls = {
  read: (descriptor, target, offset, done) =>
    fs.read(descriptor, target, 0, target.length, offset, done),
  writev: (descriptor, chunks, offset, done) => fs.writev(descriptor, [...chunks], offset, done),
  fsync: (descriptor, done) => fs.fsync(descriptor, (error) => done(error, undefined)),
};

/** For files on a file system of that type, as `statfs` names it. */
export function fileCallsFor(fileSystemType: number): FileCalls {
  return IN_MEMORY_TYPES.has(fileSystemType) ? inMemoryCalls : new CachedCalls();
}

const inMemoryCalls: FileCalls = {
  read(descriptor, target, offset, done) {
    if (!budget.take(CALL_BYTES + target.length)) {
      pooledCalls.read(descriptor, target, offset, done);
      return;
    }
    answer(done, () => fs.readSync(descriptor, target, 0, target.length, offset));
  },
  writev(descriptor, chunks, offset, done) {
    const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (sizeBytes > WRITE_BYTES_MAX || !budget.take(CALL_BYTES + WRITE_FACTOR * sizeBytes)) {
      pooledCalls.writev(descriptor, chunks, offset, done);
      return;
    }
    answer(done, () => fs.writevSync(descriptor, [...chunks], offset));
  },
  fsync(descriptor, done) {
    answer(done, () => fs.fsyncSync(descriptor));
  },
};

/** Reads from the page cache where it has the bytes; everything else from the pool. */
class CachedCalls implements FileCalls {
  #isSupported = true;

  read(descriptor: number, target: Uint8Array, offset: number, done: Done<number>): void {
    const count = this.#tryCached(descriptor, target, offset);
    if (count === undefined) pooledCalls.read(descriptor, target, offset, done);
    else done(null, count);
  }

  writev(
    descriptor: number,
    chunks: readonly Uint8Array[],
    offset: number,
    done: Done<number>,
  ): void {
    pooledCalls.writev(descriptor, chunks, offset, done);
  }

  fsync(descriptor: number, done: Done<void>): void {
    pooledCalls.fsync(descriptor, done);
  }

  /** Undefined when the pool has to read. */
  #tryCached(descriptor: number, target: Uint8Array, offset: number): number | undefined {
    if (!this.#isSupported || !budget.take(CALL_BYTES + target.length)) return undefined;
    const found = readCached(descriptor, target, offset);
    if (typeof found === "number") return found;
    if (found === "unsupported") this.#isSupported = false;
    return undefined;
  }
}

function answer<Value>(done: Done<Value>, call: () => Value): void {
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
