// Puts metadata that was made elsewhere in the place of what a stopped server had. Nothing is removed: what stood there is
// set aside under names that say when. The new database has no place in any chain, so the members' journals are set aside
// with it.
//
// What is to be done is noted durably before it is begun, beside the database: whoever opens the drives next, be it a server
// or a command, finishes what a kill has interrupted. So there is the old state, or the new one, and nothing between.

import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  ContentError,
  countOf,
  parseChecked,
  renderChecked,
  textOf,
} from "../journal/checked-json.ts";
import { JOURNAL_FOLDER } from "../journal/promise-file.ts";
import { syncFolder } from "../metadata/sqlite/sync-folder.ts";
import { writeDurably } from "../backup/write-durably.ts";
import { crashPoint } from "../util/crash-point.ts";
import { errnoOf } from "./explain-failure.ts";
import type { DriveAt } from "./open-drives.ts";
import { METADATA_FOLDER } from "./open-metadata.ts";
import { StartError } from "./start-error.ts";

const DATABASE = "metadata.db";
/** What is to be put in place: beside the database. */
const NOTE = "placing.json";
/** The names of databases that are being made begin so. */
const DRAFTS = [`${DATABASE}.rebuilt`, `${DATABASE}.restored`, `.${NOTE}`] as const;
const SUFFIXES = ["", "-wal", "-shm"] as const;

export interface PlaceMetadataOptions {
  /** Whole, closed and durable, in the folder of the database. */
  readonly draftPath: string;
  /** The drive whose folder holds the database. */
  readonly home: DriveAt;
  /** All drives that are there. */
  readonly places: readonly DriveAt[];
  /** Whether the members' journals go on with the new database. */
  readonly keepsJournals: boolean;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

interface Placing {
  /** A name in the folder of the database. */
  readonly draft: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly keepsJournals: boolean;
}

/** Resolves to what was set aside. */
export async function placeMetadata(options: PlaceMetadataOptions): Promise<readonly string[]> {
  const { draftPath, home, places, keepsJournals, nowMs } = options;
  crashPoint("rebuild.drafted");
  const placing = { draft: basename(draftPath), at: nowMs, keepsJournals };
  const folder = join(home.path, METADATA_FOLDER);
  const text = renderChecked({ ...placing, keepsJournals: Number(keepsJournals) });
  await writeDurably(join(folder, NOTE), join(folder, `.${NOTE}.making`), text);
  crashPoint("rebuild.noted");
  return carryOut(folder, placing, places);
}

/**
 * Finishes what an interrupted command has begun to put in place, and removes what others have left unfinished. To be called
 * by whoever has locked the drives, before anything on them is opened. Resolves to sentences about what was done.
 * @throws StartError in words where a note cannot be read
 */
export async function finishPlacing(places: readonly DriveAt[]): Promise<readonly string[]> {
  const remarks: string[] = [];
  for (const { path } of places) {
    const folder = join(path, METADATA_FOLDER);
    // A drive that cannot be read, or written to, is told of by whoever opens it; it is no reason not to start.
    const names = await namesIn(folder).catch((): readonly string[] => []);
    if (names.includes(NOTE)) {
      const aside = await carryOut(folder, await readNote(join(folder, NOTE)), places);
      remarks.push(
        `a rebuild or restore was interrupted while its result was put in place: that is done now, and ${aside.join(", ")} set aside`,
      );
    }
    for (const name of names) {
      if (!DRAFTS.some((draft) => name.startsWith(draft))) continue;
      await rm(join(folder, name), { force: true }).catch(() => undefined);
    }
  }
  return remarks;
}

/** Begins where it was interrupted. */
async function carryOut(
  folder: string,
  { draft, at, keepsJournals }: Placing,
  places: readonly DriveAt[],
): Promise<readonly string[]> {
  const aside: string[] = [];
  const path = join(folder, DATABASE);
  if ((await namesIn(folder)).includes(draft)) {
    // The last of them goes last: so what is left behind is never taken for a part of the new one.
    for (const suffix of SUFFIXES.toReversed()) {
      const isThere = await renameIfThere(`${path}${suffix}`, `${path}.aside-${at}${suffix}`);
      if (isThere && suffix === "") aside.push(`${path}.aside-${at}`);
    }
    crashPoint("rebuild.aside");
    await rename(join(folder, draft), path);
    await syncFolder(folder);
  }
  crashPoint("rebuild.placed");
  for (const { path: drive } of keepsJournals ? [] : places) {
    const name = `${JOURNAL_FOLDER}.aside-${at}`;
    if (!(await renameIfThere(join(drive, JOURNAL_FOLDER), join(drive, name)))) continue;
    await syncFolder(drive);
    aside.push(join(drive, name));
    crashPoint("rebuild.some-journals");
  }
  await rm(join(folder, NOTE), { force: true });
  await syncFolder(folder);
  return aside;
}

async function readNote(path: string): Promise<Placing> {
  try {
    const content = parseChecked(await readFile(path), path);
    const draft = textOf(content, "draft");
    if (!DRAFTS.some((name) => draft === name)) throw new ContentError("it names another file");
    const keepsJournals = countOf(content, "keepsJournals") === 1;
    return { draft, at: countOf(content, "at"), keepsJournals };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StartError(`${path} cannot be read: ${words}`, { cause: error });
  }
}

/** The folder that a database is made in. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await syncFolder(dirname(path));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error)?.code === "ENOENT") return [];
    throw error;
  }
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
