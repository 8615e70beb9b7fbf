// From the folders that are named on the command line to the folders of drives.

import { access, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { readIdentity, type DriveIdentity } from "../datanode/drive-identity.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import { checkMayMake } from "./check-access.ts";
import { newestOf } from "./drive-slots.ts";
import { errnoOf } from "./explain-failure.ts";
import { StartError } from "./start-error.ts";

const DRIVE_FOLDER = /^drive-[1-9]\d{0,3}$/;
const LOOK_DEADLINE_MS = 10_000;

export interface DrivePaths {
  readonly paths: readonly string[];
  /** What does not fit the settings, in sentences. */
  readonly remarks: readonly string[];
}

export interface DriveCount {
  readonly count: number;
  /** Whether somebody asked for that many: then a layout of another number is worth a remark. */
  readonly isGiven: boolean;
}

/**
 * Several folders are a drive each; one folder holds `drive-1`, `drive-2`, ...: as many as were laid out in it, or
 * as many as are wanted where there are none yet.
 * Drives that were added since are where they were then, and those that were taken out are left away.
 * Folders that are to be avoided are not touched.
 * @throws StartError when a folder is named twice.
 */
export async function resolveDrivePaths(
  folders: readonly string[],
  wanted: DriveCount,
  avoidDrives: readonly string[] = [],
): Promise<DrivePaths> {
  const [first = "./data", ...more] = folders;
  if (more.length > 0) {
    const given = distinct(folders.map((each) => resolve(each)));
    return { paths: await withRecorded(given, avoidDrives), remarks: [] };
  }
  const base = resolve(first);
  if (avoidDrives.includes(base)) return { paths: [base], remarks: [] };
  // One drive of several: the others are away, which is told when the drives are placed.
  if ((await identityAt(base)) !== undefined) {
    return { paths: await withRecorded([base], avoidDrives), remarks: [] };
  }
  const laidOut = await laidOutIn(base, avoidDrives);
  if (laidOut === undefined) await checkMayMake(base);
  if (laidOut !== undefined && laidOut.newest.changes !== undefined) {
    return { paths: await pathsNow(base, laidOut, avoidDrives), remarks: [] };
  }
  const count = laidOut?.newest.slots.length ?? wanted.count;
  const paths = Array.from({ length: count }, (_, index) => join(base, `drive-${index + 1}`));
  const remarks =
    wanted.isGiven && count !== wanted.count
      ? [`${base} was laid out with ${count} drives, not ${wanted.count}: it stays so`]
      : [];
  return { paths, remarks };
}

/** Whether a start with these folders looks at that one before it knows of any drive: without such a one it begins anew. */
export function leadsTo(folders: readonly string[], path: string): boolean {
  const [first = "./data", ...more] = folders;
  if (more.length > 0) return folders.some((each) => resolve(each) === path);
  const base = resolve(first);
  return path === base || (dirname(path) === base && DRIVE_FOLDER.test(basename(path)));
}

interface LaidOut {
  /** What the drive says that has seen the most changes. */
  readonly newest: DriveIdentity;
  /** Where each drive was found. */
  readonly found: ReadonlyMap<string, string>;
}

/** The drives that are in a folder; undefined when there are none. */
async function laidOutIn(
  base: string,
  avoidDrives: readonly string[],
): Promise<LaidOut | undefined> {
  const names = (await namesIn(base)).filter((name) => DRIVE_FOLDER.test(name));
  const paths = names.map((name) => join(base, name)).filter((path) => !avoidDrives.includes(path));
  return lookAt(paths);
}

async function lookAt(paths: readonly string[]): Promise<LaidOut | undefined> {
  const seen = await Promise.all(
    paths.map(async (path) => ({ path, identity: await identityAt(path) })),
  );
  const newest = newestOf(seen.flatMap(({ identity }) => identity ?? []));
  if (newest === undefined) return undefined;
  const found = new Map<string, string>();
  for (const { path, identity } of seen) if (identity) found.set(identity.driveId, path);
  return { newest, found };
}

/** The drives of a folder that drives were added to, or taken from, since it was laid out. */
async function pathsNow(
  base: string,
  { newest, found }: LaidOut,
  avoidDrives: readonly string[],
): Promise<readonly string[]> {
  const paths = newest.slots.map(async ({ driveId, path = "" }) => {
    const known = found.get(driveId);
    // What is here may be what another folder has taken the place of: both are looked at.
    if (avoidDrives.includes(path)) return [path];
    const isAtPath = (await identityAt(path))?.driveId === driveId;
    if (known !== undefined) return isAtPath ? [path, known] : [known];
    // All of it may have been moved, and this one lost.
    const isMoved = DRIVE_FOLDER.test(basename(path)) && !(await isThere(dirname(path)));
    return [isMoved ? join(base, basename(path)) : path];
  });
  return [...new Set((await Promise.all(paths)).flat())];
}

/** Drives that were added by command are found though nobody names them. */
async function withRecorded(
  paths: readonly string[],
  avoidDrives: readonly string[],
): Promise<readonly string[]> {
  const seen = await lookAt(paths.filter((path) => !avoidDrives.includes(path)));
  const recorded = (seen?.newest.slots ?? []).map(async ({ driveId, path }) => {
    if (path === undefined || avoidDrives.includes(path)) return [];
    const isWanted = seen?.found.has(driveId) !== true;
    return isWanted || (await identityAt(path))?.driveId === driveId ? [path] : [];
  });
  return [...new Set([...paths, ...(await Promise.all(recorded)).flat()])];
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A folder that cannot be read, or holds something else, is judged later, with all others. */
async function identityAt(path: string): Promise<DriveIdentity | undefined> {
  const disk = openRealDisk({ root: path, deadlineMs: LOOK_DEADLINE_MS, maxInFlight: 1 });
  return readIdentity(disk).catch(() => undefined);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error)?.code === "ENOENT") return [];
    throw error;
  }
}

function distinct(paths: readonly string[]): readonly string[] {
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice === undefined) return paths;
  throw new StartError(`${twice} is named twice: each folder is one drive`);
}
