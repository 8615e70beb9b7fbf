// What is left on the disk of a folder that is no drive.

import type { SpaceInfo } from "../disk/disk.ts";
import { openRealDisk } from "../disk/real-disk.ts";

/** After so long a question to the disk counts as failed. */
const DISK_DEADLINE_MS = 10_000;

export function spaceOf(folder: string): () => Promise<SpaceInfo> {
  const disk = openRealDisk({ root: folder, deadlineMs: DISK_DEADLINE_MS, maxInFlight: 1 });
  return () => disk.space();
}
