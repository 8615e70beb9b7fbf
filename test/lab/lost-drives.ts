// Drives that are gone after a crash: their folders are moved aside, and put back as they were. What stands there
// meanwhile is a link to itself, with which every call fails: an absent folder would be laid out as a new drive, and what
// was written to that would be lost when the old one is put back.

import { mkdir, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { Journal } from "./world.ts";

export interface LostDrive {
  readonly folder: string;
  readonly aside: string;
}

export interface Losing {
  /** Where they are put. */
  readonly aside: string;
  /** Those that there are. */
  readonly folders: readonly string[];
  /** How many may be gone: 0 to 2. */
  readonly most: number;
  readonly random: SeededRandom;
  readonly journal: Journal;
}

/** In a quarter of the cycles the drive with the metadata, in a quarter two of all; else none. */
export async function loseDrives(losing: Losing): Promise<readonly LostDrive[]> {
  const { aside, folders, journal, most, random } = losing;
  const dice = random.below(4);
  if (dice > 1 || most === 0) return [];
  const chosen = dice === 0 ? [await driveOfMetadata(folders)] : someOf(folders, most, random);
  const kind = chosen.length === 2 ? "two drives" : "a drive";
  journal.note(`checks without ${dice === 0 ? "the drive of the metadata" : kind}`);
  await mkdir(aside, { recursive: true });
  const lost = chosen.map((folder) => ({ folder, aside: join(aside, basename(folder)) }));
  for (const drive of lost) {
    await rename(drive.folder, drive.aside);
    await symlink(drive.folder, drive.folder);
  }
  return lost;
}

export async function putBack(lost: readonly LostDrive[]): Promise<void> {
  for (const { folder, aside } of lost) {
    await removeLink(folder);
    await rename(aside, folder);
  }
}

/** It is gone where the drive was taken out meanwhile, and its folder thrown away. */
function removeLink(folder: string): Promise<void> {
  return rm(folder, { force: true });
}

/** They never come back. */
export async function throwAway(lost: readonly LostDrive[]): Promise<void> {
  for (const { folder, aside } of lost) {
    await removeLink(folder);
    await rm(aside, { recursive: true });
  }
}

/** The one whose database was written to last: others may have one from when that was away. */
async function driveOfMetadata(folders: readonly string[]): Promise<string> {
  let found = { folder: folders[0] ?? "", at: 0 };
  for (const folder of folders) {
    const metadata = join(folder, "metadata");
    const names = await readdir(metadata).catch(() => []);
    for (const name of names) {
      if (!name.startsWith("metadata.db")) continue;
      const { mtimeMs } = await stat(join(metadata, name));
      if (mtimeMs > found.at) found = { folder, at: mtimeMs };
    }
  }
  return found.folder;
}

function someOf(
  folders: readonly string[],
  count: number,
  random: SeededRandom,
): readonly string[] {
  const first = random.below(folders.length);
  const second = (first + 1 + random.below(folders.length - 1)) % folders.length;
  return [first, second].slice(0, count).flatMap((index) => folders[index] ?? []);
}
