// The calls that move bytes of open files, with the callbacks of node:fs, and who makes them. Node's pool wakes a thread for
// each, which costs several times a small read. So what cannot wait for a device is done on the calling thread:
// everything on a file system in memory, and reads of what the page cache has (cached-read.ts). All others
// go to the pool: a hung drive must not hold the thread. So do reads that are beyond the share of one turn of the event
// loop; writes in memory wait for the next.

import * as fs from "node:fs";
import { TurnBudget } from "../util/turn-budget.ts";
import { CachedFile, CALL_BYTES } from "./cached-read.ts";
import type { Done } from "./call-gate.ts";
import { answer, MemoryWrites, pooledWrites, type FileWrites } from "./memory-writes.ts";

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
  /** Of a file that is being made; whether it stays open for long. */
  writes(staysOpen: boolean): FileWrites;
  fsync(descriptor: number, done: Done<void>): void;
}

/** `f_type` of tmpfs and ramfs: nothing is behind them that could hang. */
const IN_MEMORY_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** Copied in one to two milliseconds: so long others wait for their turn. */
const BYTES_PER_TURN = 8 * 1024 ** 2;
/** Of the thread, not of a drive: what waits for a turn are all its requests. */
const budget = new TurnBudget(BYTES_PER_TURN);

const readByPool: ReadCall = (descriptor, target, offset, done) =>
  fs.read(descriptor, target, 0, target.length, offset, done);

export const pooledCalls: FileCalls = {
  readsOf: () => readByPool,
  writes: () => pooledWrites,
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
  writes: (staysOpen) => new MemoryWrites(budget, staysOpen),
  fsync(descriptor, done) {
    budget.spend(CALL_BYTES, () => answer(done, () => fs.fsyncSync(descriptor)));
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
