// A folder whose file system is in memory, where this machine has one.

import { statfsSync } from "node:fs";
import { isInMemoryType } from "../../src/disk/file-calls.ts";

const SHARED_MEMORY = "/dev/shm";

export const IN_MEMORY_FOLDER = isInMemory(SHARED_MEMORY) ? SHARED_MEMORY : undefined;

export function isInMemory(folder: string): boolean {
  try {
    return isInMemoryType(statfsSync(folder).type);
  } catch {
    return false;
  }
}
