// Memory that serves as a disk, made ready for a round. In a virtual machine the host takes back what lies free and gives
// it again page by page, at a fraction of the speed of memory: whoever writes pays for that, or does not, as it happens.
// So as much as a round may write is written and removed just before it, for each server alike.

import { randomBytes } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { isInMemory } from "./room.ts";

const PIECE_BYTES = 4 * 1024 ** 2;

/** Does nothing on a disk. */
export async function warmRoom(folder: string, sizeBytes: number): Promise<void> {
  if (sizeBytes === 0 || !isInMemory(folder)) return;
  const path = join(folder, "warm-up");
  const piece = randomBytes(PIECE_BYTES);
  const file = await open(path, "w");
  try {
    for (let at = 0; at < sizeBytes; at += piece.length) await file.write(piece);
  } finally {
    await file.close();
    await rm(path);
  }
}
