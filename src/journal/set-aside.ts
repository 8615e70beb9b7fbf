// What of a journal may still tell somebody something is not removed at once: it goes to journal/aside, under a name that
// begins with a number, so that names do not collide. When more is put there, the oldest of what was there goes.

import type { Disk } from "../disk/disk.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import { ASIDE_NAME } from "./scan-journal.ts";
import { hex } from "./segment-header.ts";
import type { Segment } from "./segment.ts";

const ASIDE_FOLDER = `${JOURNAL_FOLDER}/${ASIDE_NAME}`;
const COPY_BYTES = 1024 * 1024;
/** So much of what was put aside before is kept when more is put there, and at most so many files. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;
const KEPT_FILES_MAX = 100;

/** Durable when it resolves. @throws DiskError */
export async function setAside(disk: Disk, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  let number = await prepare(disk);
  for (const name of names) {
    number += 1;
    await disk.rename(`${JOURNAL_FOLDER}/${name}`, `${ASIDE_FOLDER}/${hex(number, 8)}-${name}`);
  }
  // The new names first: a power cut may leave a file under both, not under none.
  await disk.syncDirectory(ASIDE_FOLDER);
  await disk.syncDirectory(JOURNAL_FOLDER);
}

/** Keeps what stands in a segment behind its last record, when there is anything. Durable when it resolves. */
export async function keepTail(disk: Disk, { name, end }: Segment): Promise<void> {
  const source = await disk.open(`${JOURNAL_FOLDER}/${name}`);
  try {
    if (source.sizeBytes <= end.offset) return;
    const number = await prepare(disk);
    const file = await disk.create(`${ASIDE_FOLDER}/${hex(number + 1, 8)}-${name}.tail`);
    try {
      const chunk = Buffer.allocUnsafe(COPY_BYTES);
      for (let offset = end.offset; offset < source.sizeBytes; offset += chunk.length) {
        await file.append([chunk.subarray(0, await source.read(chunk, offset))]);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.syncDirectory(ASIDE_FOLDER);
  } finally {
    await source.close();
  }
}

/** Makes the folder, and room in it; resolves to the highest number in it. */
async function prepare(disk: Disk): Promise<number> {
  await disk.makeDirectory(ASIDE_FOLDER);
  await disk.syncDirectory(JOURNAL_FOLDER);
  const entries = await disk.list(ASIDE_FOLDER);
  const names = entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name);
  const ours = names.filter((name) => !Number.isNaN(numberOf(name)));
  ours.sort((one, two) => numberOf(two) - numberOf(one));
  let keptBytes = 0;
  for (const [index, name] of ours.entries()) {
    keptBytes += await sizeOf(disk, name);
    // A power cut may bring one back: it goes the next time.
    if (keptBytes > KEPT_BYTES_MAX || index >= KEPT_FILES_MAX) {
      await disk.unlink(`${ASIDE_FOLDER}/${name}`);
    }
  }
  return Math.max(0, ...ours.slice(0, 1).map(numberOf));
}

function numberOf(name: string): number {
  return Number.parseInt(name.slice(0, 8), 16);
}

async function sizeOf(disk: Disk, name: string): Promise<number> {
  const file = await disk.open(`${ASIDE_FOLDER}/${name}`);
  await file.close();
  return file.sizeBytes;
}
