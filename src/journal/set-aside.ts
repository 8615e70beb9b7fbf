// Nothing of a journal that may still tell somebody something is removed: it goes to journal/aside, under a name that
// begins with a number, so that names do not collide.

import type { Disk } from "../disk/disk.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import { ASIDE_NAME } from "./scan-journal.ts";
import { hex } from "./segment-header.ts";
import type { Segment } from "./segment.ts";

const ASIDE_FOLDER = `${JOURNAL_FOLDER}/${ASIDE_NAME}`;
const COPY_BYTES = 1024 * 1024;

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

/** Makes the folder; resolves to the highest number in it. */
async function prepare(disk: Disk): Promise<number> {
  await disk.makeDirectory(ASIDE_FOLDER);
  await disk.syncDirectory(JOURNAL_FOLDER);
  const entries = await disk.list(ASIDE_FOLDER);
  return entries.reduce((highest, { name }) => {
    const number = Number.parseInt(name.slice(0, 8), 16);
    return Number.isNaN(number) ? highest : Math.max(highest, number);
  }, 0);
}
