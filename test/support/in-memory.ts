// A folder whose file system is in memory, where this machine has one.

import { statfsSync } from "node:fs";

const SHARED_MEMORY = "/dev/shm";
const TMPFS = 0x01021994;

export const IN_MEMORY_FOLDER = isInMemory(SHARED_MEMORY) ? SHARED_MEMORY : undefined;

export function isInMemory(folder: string): boolean {
  try {
    return statfsSync(folder).type === TMPFS;
  } catch {
    return false;
  }
}
