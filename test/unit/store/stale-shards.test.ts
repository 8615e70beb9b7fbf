// A shard that another process has mended, or made anew, while this one had the file before it open: what is read is what
// stands there now, and nothing is noted as lost.

import { expect, test } from "vitest";
import type { SimDrive } from "../../../src/disk/sim-drive.ts";
import { bytesOf, givenStore } from "../../support/store-lab.ts";

const SIZE_BYTES = 300_000;
const DRIVES = 6;

test("shards that were mended beside an open file are read anew before they are called rotten", async () => {
  const { put, get, shardOf } = await givenStore({ driveCount: DRIVES });
  const bytes = bytesOf(SIZE_BYTES, 1);
  const object = await put("key", bytes);
  expect((await get("key")).equals(bytes)).toBe(true);
  // More than parity could make up for.
  for (let index = 0; index < DRIVES; index += 1) {
    const { disk, path } = await shardOf(object, index);
    await rotAndMend(disk, path);
  }
  expect((await get("key")).equals(bytes)).toBe(true);
});

test("what is rotten in the file that stands there stays so", async () => {
  const { put, get, shardOf } = await givenStore({ driveCount: DRIVES });
  const object = await put("key", bytesOf(SIZE_BYTES, 1));
  await get("key");
  for (let index = 0; index < DRIVES; index += 1) {
    const { disk, path } = await shardOf(object, index);
    rot(disk, path, (await contentOf(disk, path)).length);
  }
  await expect(get("key")).rejects.toBeInstanceOf(Error);
});

/** As repair does it in another process: whole, under another name, then in its place. */
async function rotAndMend(disk: SimDrive, path: string): Promise<void> {
  const content = await contentOf(disk, path);
  rot(disk, path, content.length);
  const mended = `${path}.mended`;
  const file = await disk.create(mended);
  await file.append([content]);
  await file.close();
  await disk.rename(mended, path);
}

/** In every kilobyte: so in every block. */
function rot(disk: SimDrive, path: string, sizeBytes: number): void {
  for (let offset = 0; offset < sizeBytes; offset += 1024) {
    disk.corrupt(path, { kind: "flip", offset });
  }
}

async function contentOf(disk: SimDrive, path: string): Promise<Buffer> {
  const file = await disk.open(path);
  const content = Buffer.alloc(file.sizeBytes);
  await file.read(content, 0);
  await file.close();
  return content;
}
