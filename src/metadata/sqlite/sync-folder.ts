// Makes the names in a folder durable: SQLite syncs what is in its files, not what is renamed and made around them.

import { open } from "node:fs/promises";

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
