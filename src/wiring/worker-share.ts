// What each of several workers may hold of a memory, and ask of drives, that they share.

import { totalmem } from "node:os";
import { defaultBudget } from "../store/buffer-pools.ts";
import type { StoreLimits } from "../store/store-context.ts";

const PART_BYTES_MIN = 64 * 1024 * 1024;

/** Limits of the store of one of so many workers; what a process alone may have where there is one. */
export function shareOfWorker(workerCount: number): Partial<StoreLimits> {
  if (workerCount === 1) return {};
  const memoryBytes = Math.min(process.constrainedMemory() || Infinity, totalmem());
  // Their sum is what one alone would have, as far as each can do with its part.
  const partBytes = Math.floor(defaultBudget(memoryBytes) / workerCount);
  return { bufferBytesMax: Math.max(partBytes, PART_BYTES_MIN), processCount: workerCount };
}
