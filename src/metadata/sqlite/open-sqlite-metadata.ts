// MetadataStore over SQLite: one file, one writer in a thread of its own, reads in the calling thread.

import { mkdir, open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Database } from "better-sqlite3";
import { realClock, type Clock } from "../../util/clock.ts";
import { EngineStore } from "../engine-store.ts";
import type { MetadataStore } from "../metadata-store.ts";
import type { WritePort } from "../write-operations.ts";
import { lockFolder } from "./folder-lock.ts";
import { openForReading } from "./open-database.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import { startWriter } from "./writer-client.ts";

/** It holds small objects and secrets. */
const FOLDER_MODE = 0o700;

export interface SqliteMetadataOptions {
  /** Holds metadata.db and lock.db; made when absent. */
  readonly folder: string;
  /** Dates what goes to the trash. */
  readonly clock?: Clock | undefined;
  /** Processes that were killed and may not be gone: see `lockFolder`. */
  readonly replacedPids?: readonly number[];
}

/** @throws when another process holds the folder, or a newer version wrote the database. */
export async function openSqliteMetadata(options: SqliteMetadataOptions): Promise<MetadataStore> {
  const { folder, clock = realClock } = options;
  await makeFolder(resolve(folder));
  const path = join(folder, "metadata.db");
  const lock = await lockFolder(folder, options);
  try {
    const writer = await startWriter({ path, clock });
    const database = await openReader(path, writer);
    return new EngineStore({
      reader: sqliteReads(database),
      writer,
      closeReader: () => void database.close(),
      release: () => lock.release(),
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Others have no business in it, and its name is durable: SQLite syncs what is in a folder, not the folder's own name. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  // A folder that stands already may have been made by a process that died before this.
  const top = dirname(first ?? folder);
  for (let path = folder; path !== top; path = dirname(path)) await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function openReader(path: string, writer: WritePort): Promise<Database> {
  try {
    return openForReading(path);
  } catch (error) {
    await writer.close();
    throw error;
  }
}
