// Repair that meets rot in shards that nobody has noted while it makes another anew: what is bad is found out, other shards are
// asked, and in the end everything is as it was written.

import { expect, test } from "vitest";
import { AT_ONCE } from "../../src/store/repair/pace.ts";
import { givenPacks, packedOf, packFiles } from "../support/pack-lab.ts";
import { bytesOf, givenStore, md5, setIdOf, type StoreLab } from "../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const OPTIONS = { pace: AT_ONCE };

async function repairAll({ metadata, store }: StoreLab): Promise<void> {
  for (const { id } of await metadata.listDegradedSets(undefined, 100)) {
    await store.repairSet(id, OPTIONS);
  }
}

/** Every file of a shard, by its drive. */
async function bytesOnDrives({ disks }: StoreLab): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [nth, disk] of disks.entries()) {
    for (const folder of await disk.list("shards")) {
      for (const { name } of await disk.list(`shards/${folder.name}`)) {
        const bytes = await disk.readFile(`shards/${folder.name}/${name}`);
        found.push(`${nth} ${name} ${md5(bytes)}`);
      }
    }
  }
  return found.toSorted();
}

test("F28 a bad block that is met while another shard is made anew is made up for, and repaired itself", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(4 * MIB + 5, 7));
  if (object.content.kind !== "set") throw new Error("the object has no set of its own");
  const before = await bytesOnDrives(lab);
  const { headerBytes } = object.content.set;
  const [lost, rotten] = [await lab.shardOf(object, 0), await lab.shardOf(object, 1)];
  await lost.disk.unlink(lost.path);
  // In the middle of a window: what comes before it is computed already.
  const offset = headerBytes + 5 * (64 * KIB + 4) + 7;
  rotten.disk.corrupt(rotten.path, { kind: "flip", offset });
  await lab.metadata.noteMissing(setIdOf(object), [0]);
  expect(await lab.store.repairSet(setIdOf(object), OPTIONS)).toMatchObject({ rebuilt: [0] });
  await repairAll(lab);
  expect(await bytesOnDrives(lab)).toEqual(before);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
});

test("F28 a bad block in a pack is made up for while another of its shards is made anew, and repaired itself", async () => {
  const lab = await givenPacks();
  const objects = await Promise.all(
    Array.from({ length: 60 }, (_, seed) =>
      lab.put(`key-${seed}`, bytesOf((20 + seed) * KIB, seed)),
    ),
  );
  await lab.store.endPacks();
  const before = await bytesOnDrives(lab);
  const [, , third] = objects;
  if (third === undefined) throw new Error("no object");
  const { set, offset } = packedOf(third);
  const files = await packFiles(lab, third);
  files[1]?.disk.corrupt(files[1].path, { kind: "flip", offset: offset + 3 });
  await files[4]?.disk.unlink(files[4].path);
  await lab.metadata.noteMissing(set.id, [4]);
  expect(await lab.store.repairSet(set.id, OPTIONS)).toMatchObject({ rebuilt: [4] });
  await repairAll(lab);
  expect(await bytesOnDrives(lab)).toEqual(before);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
});
