// Keeps a second process off a metadata folder: a small database held exclusively for as long as the process lives.
// The kernel gives the lock up at death, so nothing stale is ever left behind.

import { join } from "node:path";
import Database from "better-sqlite3";

export interface FolderLock {
  release(): void;
}

/** @throws when another process, or this one, holds the folder. */
export function lockFolder(folder: string): FolderLock {
  const database = new Database(join(folder, "lock.db"), { timeout: 0 });
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw new Error(`${folder} is in use by another process`, { cause: error });
    }
    throw error;
  }
  return { release: () => void database.close() };
}
