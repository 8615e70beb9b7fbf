// From the folders that are named on the command line to the folders of drives.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readIdentity } from "../datanode/drive-identity.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import { checkMayMake } from "./check-access.ts";
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
 * Folders that are to be avoided are not touched.
 * @throws StartError when a folder is named twice.
 */
export async function resolveDrivePaths(
  folders: readonly string[],
  wanted: DriveCount,
  avoidDrives: readonly string[] = [],
): Promise<DrivePaths> {
  const [first = "./data", ...more] = folders;
  if (more.length > 0)
    return { paths: distinct(folders.map((each) => resolve(each))), remarks: [] };
  const base = resolve(first);
  if (avoidDrives.includes(base)) return { paths: [base], remarks: [] };
  const own = await slotCountAt(base);
  // One drive of several: the others are away, which is told when the drives are placed.
  if (own !== undefined) return { paths: [base], remarks: [] };
  const laidOut = await laidOutIn(base, avoidDrives);
  if (laidOut === undefined) await checkMayMake(base);
  const count = laidOut ?? wanted.count;
  const paths = Array.from({ length: count }, (_, index) => join(base, `drive-${index + 1}`));
  const remarks =
    wanted.isGiven && count !== wanted.count
      ? [`${base} was laid out with ${count} drives, not ${wanted.count}: it stays so`]
      : [];
  return { paths, remarks };
}

/** How many drives the layout in a folder has; undefined when there is none. */
async function laidOutIn(
  base: string,
  avoidDrives: readonly string[],
): Promise<number | undefined> {
  for (const name of await namesIn(base)) {
    const path = join(base, name);
    if (!DRIVE_FOLDER.test(name) || avoidDrives.includes(path)) continue;
    const count = await slotCountAt(path);
    if (count !== undefined) return count;
  }
  return undefined;
}

/** A folder that cannot be read, or holds something else, is judged later, with all others. */
async function slotCountAt(path: string): Promise<number | undefined> {
  const disk = openRealDisk({ root: path, deadlineMs: LOOK_DEADLINE_MS, maxInFlight: 1 });
  const identity = await readIdentity(disk).catch(() => undefined);
  return identity?.slots.length;
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
