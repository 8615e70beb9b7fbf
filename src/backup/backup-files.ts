// Backups in a folder: each a copy of the database, and a file beside it that describes it, written last: without it the copy
// is nothing. Copies are never written over.
//
//   metadata-<UTC time>-<sequence>.db      metadata-<UTC time>-<sequence>.json

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  ContentError,
  countOf,
  parseChecked,
  positionIn,
  renderChecked,
  textOf,
  type Content,
} from "../journal/checked-json.ts";
import { copyDatabase, type DatabaseCopy } from "../metadata/sqlite/rebuild/copy-database.ts";
import { syncFolder } from "../metadata/sqlite/sync-folder.ts";
import { crashPoint } from "../util/crash-point.ts";
import { BackupError } from "./backup-error.ts";
import { makingName, removeLeftovers } from "./leftovers.ts";
import { writeDurably } from "./write-durably.ts";

export interface Backup extends DatabaseCopy {
  /** When it was made, in milliseconds since 1970. */
  readonly at: number;
  /** The copy. */
  readonly path: string;
}

/** Names of descriptions. */
export const DESCRIPTION = /^metadata-\d{8}T\d{6}Z-\d+\.json$/;

/**
 * @param to A folder, made where there is none.
 * @throws when the database cannot be read, or the folder takes it not.
 */
export async function makeBackup(options: {
  readonly databasePath: string;
  readonly to: string;
  readonly clusterSetting: string;
  readonly nowMs: number;
}): Promise<Backup> {
  const { databasePath, to, clusterSetting, nowMs } = options;
  // Whoever reads the metadata knows of all objects, and of who may do what.
  await mkdir(to, { recursive: true, mode: 0o700 });
  await removeLeftovers(to, nowMs);
  const making = join(to, makingName("metadata"));
  try {
    const copy = await copyDatabase(databasePath, making, clusterSetting);
    const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const name = `metadata-${stamp}-${copy.sequence}`;
    const path = join(to, `${name}.db`);
    // Some file systems know no owners, and refuse.
    await chmod(making, 0o600).catch(() => undefined);
    const { clusterId = "", ...rest } = copy;
    const text = renderChecked({ ...rest, clusterId, at: nowMs, file: basename(path) });
    const place = async (): Promise<void> => {
      crashPoint("backup.described");
      // Never over one that is there: that one's description would not be its own any more.
      await (await open(path, "wx", 0o600)).close();
      crashPoint("backup.begun");
      await rename(making, path);
      await syncFolder(to);
      crashPoint("backup.copied");
    };
    await writeDurably(join(to, `${name}.json`), join(to, makingName(`${name}.json`)), text, place);
    return { ...copy, at: nowMs, path };
  } finally {
    await rm(making, { force: true });
  }
}

/**
 * The newest backup in a folder that is not younger than `until`, or the one that a description names; its bytes checked.
 * @throws BackupError in words
 */
export async function findBackup(from: string, until: number | undefined): Promise<Backup> {
  if (from.endsWith(".json")) return checked(await readDescription(from));
  const names = await readdir(from).catch((error: unknown) => {
    throw new BackupError(`${from} cannot be read: ${String(error)}`);
  });
  const found: Backup[] = [];
  for (const name of names.filter((each) => DESCRIPTION.test(each))) {
    found.push(await readDescription(join(from, name)));
  }
  if (found.length === 0) throw new BackupError(`${from} holds no backup of metadata`);
  const early = found.filter(({ at }) => until === undefined || at <= until);
  const [best] = early.toSorted((a, b) => b.at - a.at || b.sequence - a.sequence);
  if (best !== undefined) return checked(best);
  const oldest = new Date(Math.min(...found.map(({ at }) => at))).toISOString();
  throw new BackupError(
    `the oldest backup in ${from} is from ${oldest}: there is none from before that time`,
  );
}

/** @throws BackupError */
export async function readDescription(path: string): Promise<Backup> {
  try {
    const content = parseChecked(await readFile(path), path);
    return backupOf(content, path);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new BackupError(`${path} cannot be read: ${words}`, { cause: error });
  }
}

function backupOf(content: Content, path: string): Backup {
  const file = textOf(content, "file");
  if (basename(file) !== file) throw new ContentError("it names a file elsewhere");
  const clusterId = textOf(content, "clusterId");
  return {
    ...positionIn(content),
    sizeBytes: countOf(content, "sizeBytes"),
    fileDigest: textOf(content, "fileDigest"),
    schemaVersion: countOf(content, "schemaVersion"),
    clusterId: clusterId === "" ? undefined : clusterId,
    at: countOf(content, "at"),
    path: join(dirname(path), file),
  };
}

async function checked(backup: Backup): Promise<Backup> {
  const digest = createHash("sha256");
  try {
    for await (const chunk of createReadStream(backup.path)) digest.update(chunk as Buffer);
  } catch (error) {
    throw new BackupError(`${backup.path} cannot be read: ${String(error)}`, { cause: error });
  }
  if (digest.digest("hex") === backup.fileDigest) return backup;
  throw new BackupError(`${backup.path} is not what was written: its digest is another one`);
}
