// A small disk that fills up: a tmpfs, which only root may mount.

import { spawnSync } from "node:child_process";
import { atEnd } from "./at-end.ts";

/** Mounts one on a folder that is there, until the test is over. False where none can be mounted. */
export function mountSmallDisk(folder: string, sizeBytes: number): boolean {
  const mount = ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", folder];
  if (!succeeds("mount", mount)) return false;
  atEnd(() => void succeeds("umount", ["-l", folder]));
  return true;
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args).status === 0;
}
