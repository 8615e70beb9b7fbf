// Waits for room on the file system that is measured. Deleted and overwritten objects keep theirs for a grace period,
// and where memory serves as a disk there is less of it than the file system says.

import { readFileSync, statfsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isInMemoryType } from "../src/disk/file-calls.ts";

/** MinIO removes what was overwritten every five minutes. */
const WAIT_SECONDS_MAX = 400;
/** Left to the servers themselves. */
const SPARE_BYTES = 2 * 1024 ** 3;

/** Whether memory serves as a disk there. */
export function isInMemory(folder: string): boolean {
  return isInMemoryType(statfsSync(folder).type);
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (!isInMemory(folder)) return free;
  const [, kib] = /^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  return kib === undefined ? free : Math.min(free, Number(kib) * 1024 - SPARE_BYTES);
}

/** @throws Error where it does not come back in time. */
export async function untilRoom(folder: string, neededBytes: number): Promise<void> {
  for (let waited = 0; freeBytes(folder) < neededBytes; waited += 1) {
    if (waited === 0) console.log(`  waiting for room in ${folder}`);
    if (waited >= WAIT_SECONDS_MAX) throw new Error(`no room in ${folder}`);
    await sleep(1_000);
  }
}
