// Puts metadata that was made elsewhere in the place of what a stopped server had. Nothing is removed: what stood there is
// set aside under names that say when. The new database has no place in any chain, so the members' journals are set aside
// too, after it: a start that finds them still there goes on with them, and sets the new database aside.

import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { JOURNAL_FOLDER } from "../journal/promise-file.ts";
import { setAside } from "../metadata/sqlite/restore-database.ts";
import { syncFolder } from "../metadata/sqlite/sync-folder.ts";
import { errnoOf } from "./explain-failure.ts";
import type { DriveAt } from "./open-drives.ts";

export interface PlaceMetadataOptions {
  /** Whole, closed and durable, in the folder of `path`. */
  readonly draftPath: string;
  /** Of metadata.db. */
  readonly path: string;
  readonly places: readonly DriveAt[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Resolves to what was set aside. */
export async function placeMetadata({
  draftPath,
  path,
  places,
  nowMs,
}: PlaceMetadataOptions): Promise<readonly string[]> {
  const aside: string[] = [];
  if (await setAside(path)) aside.push(`${path}.aside-...`);
  await rename(draftPath, path);
  await syncFolder(dirname(path));
  for (const { path: drive } of places) {
    const name = `${JOURNAL_FOLDER}.aside-${nowMs}`;
    if (!(await renameIfThere(join(drive, JOURNAL_FOLDER), join(drive, name)))) continue;
    await syncFolder(drive);
    aside.push(join(drive, name));
  }
  return aside;
}

/** The folder that a database is made in. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await syncFolder(dirname(path));
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error)?.code === "ENOENT") return false;
    throw error;
  }
}
