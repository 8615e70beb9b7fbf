// A small file that is whole under its name, or not there.

import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../metadata/sqlite/sync-folder.ts";

/**
 * Durable when it resolves. `making`: its path before it is whole, in the same folder; what a kill leaves is found there.
 * `beforePlaced`: what is to be done once the bytes are durable and before they have their name.
 */
export async function writeDurably(
  path: string,
  making: string,
  bytes: Uint8Array,
  beforePlaced: () => Promise<void> = async () => undefined,
): Promise<void> {
  try {
    const file = await open(making, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await beforePlaced();
    await rename(making, path);
  } finally {
    await rm(making, { force: true });
  }
  await syncFolder(dirname(path));
}
