// Drives that are gone after a crash: their folders are moved aside, and put back as they were. What stands there
// meanwhile is a link to itself, with which every call fails: an absent folder would be laid out as a new drive, and what
// was written to that would be lost when the old one is put back.

import { mkdir, readdir, rename, stat, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { Journal } from "./world.ts";

const DRIVES = 6;

export interface LostDrive {
  readonly folder: string;
  readonly aside: string;
}

/** In a quarter of the cycles the drive with the metadata, in a quarter two of all; else none. */
export async function loseDrives(
  base: string,
  random: SeededRandom,
  journal: Journal,
): Promise<readonly LostDrive[]> {
  const dice = random.below(4);
  if (dice > 1) return [];
  const data = join(base, "data");
  const numbers = dice === 0 ? [await driveOfMetadata(data)] : twoOf(random);
  journal.note(
    dice === 0 ? "checks without the drive of the metadata" : "checks without two drives",
  );
  const aside = `${base}-aside`;
  await mkdir(aside, { recursive: true });
  const lost = numbers.map((number) => ({
    folder: join(data, `drive-${number}`),
    aside: join(aside, `drive-${number}`),
  }));
  for (const drive of lost) {
    await rename(drive.folder, drive.aside);
    await symlink(drive.folder, drive.folder);
  }
  return lost;
}

export async function putBack(lost: readonly LostDrive[]): Promise<void> {
  for (const { folder, aside } of lost) {
    await unlink(folder);
    await rename(aside, folder);
  }
}

/** The one whose database was written to last: others may have one from when that was away. */
async function driveOfMetadata(data: string): Promise<number> {
  let found = { number: 1, at: 0 };
  for (let number = 1; number <= DRIVES; number += 1) {
    const folder = join(data, `drive-${number}`, "metadata");
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      if (!name.startsWith("metadata.db")) continue;
      const { mtimeMs } = await stat(join(folder, name));
      if (mtimeMs > found.at) found = { number, at: mtimeMs };
    }
  }
  return found.number;
}

function twoOf(random: SeededRandom): readonly number[] {
  const first = 1 + random.below(DRIVES);
  return [first, 1 + ((first + random.below(DRIVES - 1)) % DRIVES)];
}
