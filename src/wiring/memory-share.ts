// What each of several workers may hold of a memory that they share.

import { totalmem } from "node:os";
import { defaultBudget } from "../store/buffer-pools.ts";
import type { StoreLimits } from "../store/store-context.ts";

/** Limits of the store of one of so many workers; what a process alone may have where there is one. */
export function shareOfMemory(workerCount: number): Partial<StoreLimits> {
  if (workerCount === 1) return {};
  const memoryBytes = Math.min(process.constrainedMemory() || Infinity, totalmem());
  return { bufferBytesMax: defaultBudget(memoryBytes / workerCount) };
}
