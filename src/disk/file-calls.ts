// The calls that move bytes of open files, with the callbacks of node:fs, and who makes them. Node's pool wakes a thread for
// each, which costs several times a small read. So what cannot wait for a device is done on the calling thread:
// everything on a file system in memory, and reads of what the page cache has (cached-read.ts). All others,
// and what is beyond the share of one turn of the event loop, go to the pool: a hung drive must not hold the thread.

import * as fs from "node:fs";
import { TurnBudget } from "../util/turn-budget.ts";
import { CachedFile, CALL_BYTES } from "./cached-read.ts";
import type { Done } from "./call-gate.ts";

/** `done` may be called before the call returns. */
export type ReadCall = (
  descriptor: number,
  target: Uint8Array,
  offset: number,
  done: Done<number>,
) => void;

/** `done` as above. */
export interface FileCalls {
  /** Reads of one file that is open, and had that size when it was opened. */
  readsOf(sizeBytes: number): ReadCall;
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
/** Pages are made for what is written: some four times what a read of it costs. */
const WRITE_FACTOR = 4;
/** Copied in one to two milliseconds: so long others wait for their turn. */
const BYTES_PER_TURN = 8 * 1024 ** 2;
/** Larger writes are worth a thread, which writes beside this one. */
const WRITE_BYTES_MAX = 128 * 1024;

/** Of the thread, not of a drive: what waits for a turn are all its requests. */
const budget = new TurnBudget(BYTES_PER_TURN);

const readByPool: ReadCall = (descriptor, target, offset, done) =>
  fs.read(descriptor, target, 0, target.length, offset, done);

export const pooledCalls: FileCalls = {
  readsOf: () => readByPool,
  writev: (descriptor, chunks, offset, done) => fs.writev(descriptor, [...chunks], offset, done),
  fsync: (descriptor, done) => fs.fsync(descriptor, (error) => done(error, undefined)),
};

/** Whether `statfs` names a file system in memory. */
export function isInMemoryType(fileSystemType: number): boolean {
  return IN_MEMORY_TYPES.has(fileSystemType);
}

const readInMemory: ReadCall = (descriptor, target, offset, done) => {
  if (!budget.take(CALL_BYTES + target.length)) {
    readByPool(descriptor, target, offset, done);
    return;
  }
  answer(done, () => fs.readSync(descriptor, target, 0, target.length, offset));
};

export const inMemoryCalls: FileCalls = {
  readsOf: () => readInMemory,
  writev(descriptor, chunks, offset, done) {
    const sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (sizeBytes > WRITE_BYTES_MAX || !budget.take(CALL_BYTES + WRITE_FACTOR * sizeBytes)) {
      pooledCalls.writev(descriptor, chunks, offset, done);
      return;
    }
    answer(done, () => fs.writevSync(descriptor, [...chunks], offset));
  },
  fsync(descriptor, done) {
    if (budget.take(CALL_BYTES)) answer(done, () => fs.fsyncSync(descriptor));
    else pooledCalls.fsync(descriptor, done);
  },
};

/** Reads from the page cache where it has the bytes, everything else from the pool; for a device with that read-ahead. */
export function cachedCalls(aheadBytes: number): FileCalls {
  return {
    ...pooledCalls,
    readsOf(sizeBytes) {
      const file = new CachedFile(sizeBytes, aheadBytes, budget);
      return (descriptor, target, offset, done) => {
        const count = file.read(descriptor, target, offset);
        if (count === undefined) readByPool(descriptor, target, offset, done);
        else done(null, count);
      };
    },
  };
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
