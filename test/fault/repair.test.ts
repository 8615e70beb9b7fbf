// Repair of one set: whatever has happened to as many of its shards as parity replaces, afterwards every shard file is what
// the writer had written, byte for byte. What cannot be repaired is left as it was, and says why.

import { expect, test } from "vitest";
import type { SetId } from "../../src/core/ids.ts";
import type { SimDrive } from "../../src/disk/sim-drive.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import { AT_ONCE } from "../../src/store/repair/pace.ts";
import type { SetRepair } from "../../src/store/repair/repair-set.ts";
import { givenPacks, packedOf, packFiles, type PackFile } from "../support/pack-lab.ts";
import { reopenStore } from "../support/reopen-store.ts";
import {
  bytesOf,
  callsOf,
  givenStore,
  HandClock,
  md5,
  setIdOf,
  type StoreLab,
} from "../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SHARDS = [0, 1, 2, 3, 4, 5] as const;
const OPTIONS = { pace: AT_ONCE };

/** Damages one file of a shard. */
type Damage = (disk: SimDrive, path: string, headerBytes: number) => Promise<void> | void;

const damages: Readonly<Record<string, Damage>> = {
  "F28 a flipped byte in a block": (disk, path, headerBytes) =>
    disk.corrupt(path, { kind: "flip", offset: headerBytes + 97 }),
  "F29 a flipped byte in the header": (disk, path) =>
    disk.corrupt(path, { kind: "flip", offset: 30 }),
  "F34 a shard that was cut off": (disk, path, headerBytes) =>
    disk.corrupt(path, { kind: "truncate", sizeBytes: headerBytes + 1_000 }),
  "F34 an empty shard": (disk, path) => disk.corrupt(path, { kind: "truncate", sizeBytes: 0 }),
  "F34 a shard with bytes behind its end": (disk, path) =>
    disk.corrupt(path, { kind: "extend", bytes: bytesOf(1_000, 1) }),
  "F36 a shard that is gone": (disk, path) => disk.unlink(path),
};

test.each(Object.entries(damages))(
  "%s, in any one or two of six, is repaired",
  async (_, damage) => {
    for (const size of [17 * KIB, MIB + 300 * KIB + 1]) {
      for (const indexes of [[5], [2], [0, 1], [1, 4], [4, 5]]) {
        const lab = await givenStore();
        const bytes = bytesOf(size, size);
        const object = await lab.put("key", bytes);
        const before = await contentsOf(lab, object);
        const { headerBytes } = setOf(object);
        for (const index of indexes) {
          const { disk, path } = await lab.shardOf(object, index);
          await damage(disk, path, headerBytes);
        }
        await lab.metadata.noteMissing(setIdOf(object), indexes);
        const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
        const told = `${size} bytes, shards ${indexes.join()}`;
        expect(repair, told).toMatchObject({ rebuilt: indexes, left: [], fault: undefined });
        expect(await contentsOf(lab, object), told).toEqual(before);
        expect(await lab.metadata.listDegradedSets(undefined, 9), told).toEqual([]);
        expect(await leftOvers(lab), told).toEqual([]);
      }
    }
  },
);

test.each(["sealed", "of a process that died"])(
  "F36 the shards of a pack, %s, are repaired",
  async (kind) => {
    for (const indexes of [[0], [4], [1, 3], [0, 5]]) {
      const lab = await givenPacks();
      const objects = await Promise.all(
        [17, 64, 300, 1_000, 20].map((kib, seed) =>
          lab.put(`key-${seed}`, bytesOf(kib * KIB, seed)),
        ),
      );
      await lab.store.deleteObjects(
        lab.bucket,
        [{ key: "key-1", versionId: undefined, mayBypassGovernance: false }],
        lab.bucket.ownerId,
      );
      const [first] = objects;
      if (first === undefined) throw new Error("no object");
      if (kind === "sealed") await lab.store.compactPacks({ deadShareMin: 1, sealsOpen: true });
      const store = kind === "sealed" ? lab.store : await reopenStore(lab);
      const { set } = packedOf(first);
      const before = await packContents(lab, first);
      const files = await packFiles(lab, first);
      for (const index of indexes) await files[index]?.disk.unlink(files[index].path);
      await lab.metadata.noteMissing(set.id, indexes);
      const repair = await store.repairSet(set.id, OPTIONS);
      expect(repair, indexes.join()).toMatchObject({
        rebuilt: indexes,
        left: [],
        fault: undefined,
      });
      expect(await packContents(lab, first)).toEqual(before);
      expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
    }
  },
);

test("F14 what was being appended to a pack when its process died is nothing that a shard must have", async () => {
  const lab = await givenPacks();
  const first = await lab.put("key", bytesOf(100 * KIB, 1));
  const { set } = packedOf(first);
  const files = (await packFiles(lab, first)).filter((file) => file !== undefined);
  const sizes = await Promise.all(files.map(sizeOf));
  await lab.put("half", bytesOf(200 * KIB, 2));
  for (const [index, { disk, path }] of files.entries()) {
    // One drive has all of it, one a part, the others nothing.
    const more = [1_000_000, 9_000][index] ?? 0;
    disk.corrupt(path, { kind: "truncate", sizeBytes: (sizes[index] ?? 0) + more });
  }
  await lab.store.deleteObjects(
    lab.bucket,
    [{ key: "half", versionId: undefined, mayBypassGovernance: false }],
    lab.bucket.ownerId,
  );
  const store = await reopenStore(lab);
  expect(await store.scrubSet(set.id, OPTIONS)).toEqual({ lost: [], problem: undefined });
  const bytes = await contentOf(files[2]);
  await files[2]?.disk.unlink(files[2].path);
  expect(await store.scrubSet(set.id, OPTIONS)).toEqual({ lost: [2], problem: undefined });
  expect(await store.repairSet(set.id, OPTIONS)).toMatchObject({ rebuilt: [2], left: [] });
  expect(await contentOf(files[2])).toEqual(bytes);
  expect(await store.scrubSet(set.id, OPTIONS)).toEqual({ lost: [], problem: undefined });
});

test("a pack that still grows is left alone", async () => {
  const lab = await givenPacks();
  const object = await lab.put("key", bytesOf(100 * KIB, 1));
  const { set } = packedOf(object);
  await lab.metadata.noteMissing(set.id, [1]);
  const repair = await lab.store.repairSet(set.id, OPTIONS);
  expect(repair).toMatchObject({ rebuilt: [], left: [1], fault: { kind: "waits" } });
});

test("F28 bad blocks in more shards than parity replaces are repaired where no stripe lacks more", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(4 * MIB, 7));
  const before = await contentsOf(lab, object);
  const { headerBytes } = setOf(object);
  for (const index of SHARDS) {
    const { disk, path } = await lab.shardOf(object, index);
    disk.corrupt(path, { kind: "flip", offset: headerBytes + index * (64 * KIB + 4) + 5 });
  }
  await lab.metadata.noteMissing(setIdOf(object), [0, 1, 2]);
  for (let round = 0; round < 3; round += 1) await repairAll(lab);
  expect(await contentsOf(lab, object)).toEqual(before);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
});

test("F38 what fewer than k shards have is left as it is, and told of", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 7));
  for (const index of [0, 1, 2]) {
    const { disk, path } = await lab.shardOf(object, index);
    await disk.unlink(path);
  }
  const files = await lab.shardFiles();
  await lab.metadata.noteMissing(setIdOf(object), [0, 1, 2]);
  const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
  expect(repair).toMatchObject({ rebuilt: [], left: [0, 1, 2], fault: { kind: "lost" } });
  expect(await lab.shardFiles()).toEqual(files);
});

test("F40 a drive that is away waits and costs nothing; put back as it was, its shard is made anew", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 7));
  const { disk } = await lab.shardOf(object, 3);
  await lab.metadata.noteMissing(setIdOf(object), [3]);
  const heal = disk.inject({ effect: { kind: "error", code: "EIO" } });
  await lab.get("key");
  await lab.store.inspect();
  expect(await lab.store.repairSet(setIdOf(object), OPTIONS)).toMatchObject({
    left: [3],
    fault: undefined,
  });
  heal();
  await lab.store.inspect();
  const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
  expect(repair).toMatchObject({ rebuilt: [3], left: [] });
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
});

test("F40 a drive that goes while its shard is made anew, and answers again, has its shard tried later and not at once", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 7));
  const { disk } = await lab.shardOf(object, 3);
  await lab.metadata.noteMissing(setIdOf(object), [3]);
  const heal = disk.inject({
    calls: ["open"],
    pathPrefix: "shards/",
    effect: { kind: "error", code: "OTHER" },
  });
  const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
  expect(repair).toMatchObject({ rebuilt: [], left: [3], fault: { kind: "waits" } });
  heal();
  await lab.store.inspect();
  expect(await lab.store.repairSet(setIdOf(object), OPTIONS)).toMatchObject({ rebuilt: [3] });
});

test("F33 shards that say something else than the metadata are not made to agree", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 7));
  const other = await lab.put("other", bytesOf(2 * MIB, 8));
  // Whole shards of another set under these names: no header fits its name.
  for (const index of SHARDS) {
    const [to, from] = [await lab.shardOf(object, index), await lab.shardOf(other, index)];
    await to.disk.writeFile(to.path, (await from.disk.readFile(from.path)).subarray(0, MIB));
  }
  const before = await contentsOf(lab, object);
  await lab.metadata.noteMissing(setIdOf(object), [0]);
  const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
  expect(repair).toMatchObject({ rebuilt: [], fault: { kind: "lost" } });
  expect(await contentsOf(lab, object)).toEqual(before);
});

test("F14 F25 a repair whose drive fails it at any call leaves the old file, and is done by the next", async () => {
  for (const call of ["create", "append", "sync", "rename", "syncDirectory"] as const) {
    const lab = await givenStore();
    const object = await lab.put("key", bytesOf(MIB, 7));
    const before = await contentsOf(lab, object);
    const { disk, path } = await lab.shardOf(object, 2);
    const flip = { kind: "flip", offset: setOf(object).headerBytes + 9 } as const;
    // Once without a fault: the folder that new files begin in is there.
    disk.corrupt(path, flip);
    await lab.metadata.noteMissing(setIdOf(object), [2]);
    await repairAll(lab);
    disk.corrupt(path, flip);
    const rotten = md5(await disk.readFile(path));
    await lab.metadata.noteMissing(setIdOf(object), [2]);
    const heal = disk.inject({ calls: [call], effect: { kind: "error", code: "EIO" } });
    const repair = await lab.store.repairSet(setIdOf(object), OPTIONS);
    expect(repair, call).toMatchObject({ rebuilt: [], left: [2], fault: { kind: "refused" } });
    heal();
    // After the rename it stands there already; a sync that failed does not undo it.
    const isNamed = call === "syncDirectory";
    expect(md5(await disk.readFile(path)) === rotten, call).toBe(!isNamed);
    await lab.store.inspect();
    await repairAll(lab);
    // What reads as whole may never have become durable.
    disk.crash("lost");
    expect(await contentsOf(lab, object), call).toEqual(before);
    expect(await lab.metadata.listDegradedSets(undefined, 9), call).toEqual([]);
  }
});

test("F14 F20 power that is lost at any moment of a repair costs no shard, and the next life ends it", async () => {
  for (const unsynced of ["lost", "torn"] as const) {
    for (let moment = 0; moment < 24; moment += 3) {
      const lab = await givenStore();
      const bytes = bytesOf(700 * KIB, moment);
      const object = await lab.put("key", bytes);
      const before = await contentsOf(lab, object);
      const [a, b] = [await lab.shardOf(object, 1), await lab.shardOf(object, 4)];
      a.disk.corrupt(a.path, { kind: "flip", offset: setOf(object).headerBytes + 3 });
      await b.disk.unlink(b.path);
      await b.disk.syncDirectory(b.path.slice(0, b.path.lastIndexOf("/")));
      await lab.metadata.noteMissing(setIdOf(object), [1, 4]);
      let left = moment;
      const pace = async (): Promise<void> => {
        left -= 1;
      };
      const repairing = lab.store.repairSet(setIdOf(object), { pace }).catch(() => undefined);
      for (let turn = 0; turn < moment * 3; turn += 1) await Promise.resolve();
      for (const disk of lab.disks) disk.crash(unsynced);
      await repairing;
      for (const disk of lab.disks) disk.crash(unsynced);
      const store = await reopenStore(lab);
      const told = `seed ${moment}, ${unsynced}, ${left}`;
      expect((await lab.get("key").catch(() => bytes)).equals(bytes), told).toBe(true);
      // Undefined where the old life has come to the end of it.
      const repair = await store.repairSet(setIdOf(object), OPTIONS);
      expect(repair ?? { left: [], fault: undefined }, told).toMatchObject({
        left: [],
        fault: undefined,
      });
      expect(await lab.metadata.listDegradedSets(undefined, 9), told).toEqual([]);
      // Power goes once more after it was noted.
      for (const disk of lab.disks) disk.crash(unsynced);
      expect(await contentsOf(lab, object), told).toEqual(before);
    }
  }
});

test("F66 a set that is deleted amid its repair leaves nothing behind", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  const object = await lab.put("key", bytesOf(4 * MIB, 7));
  const { disk, path } = await lab.shardOf(object, 2);
  await disk.unlink(path);
  await lab.metadata.noteMissing(setIdOf(object), [2]);
  let isDeleted = false;
  const pace = async (): Promise<void> => {
    if (isDeleted) return;
    isDeleted = true;
    await lab.store.deleteObjects(
      lab.bucket,
      [{ key: "key", versionId: undefined, mayBypassGovernance: false }],
      lab.bucket.ownerId,
    );
    await lab.store.collectTrash();
    clock.nowMs += 120_000;
    // The repair is a reading: nothing goes under it.
    expect(await lab.store.collectTrash()).toMatchObject({ removedCount: 0 });
  };
  await lab.store.repairSet(setIdOf(object), { pace });
  expect(isDeleted).toBe(true);
  expect(await lab.store.collectTrash()).toMatchObject({ removedCount: 1 });
  expect(await lab.shardFiles()).toEqual([]);
  expect(await leftOvers(lab)).toEqual([]);
});

test("a scrub finds what nobody has read, and what it finds is repaired", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 7));
  const before = await contentsOf(lab, object);
  expect(await lab.store.scrubSet(setIdOf(object), OPTIONS)).toEqual({
    lost: [],
    problem: undefined,
  });
  const { disk, path } = await lab.shardOf(object, 5);
  disk.corrupt(path, { kind: "flip", offset: setOf(object).headerBytes + 9 });
  expect(await lab.store.scrubSet(setIdOf(object), OPTIONS)).toMatchObject({ lost: [5] });
  await repairAll(lab);
  expect(await contentsOf(lab, object)).toEqual(before);
});

test("a thousand reads of the same bad shard note it once", async () => {
  let noteCount = 0;
  const lab = await givenStore({
    wrap: (drive) => callsOf(drive),
    wrapMetadata: (metadata) =>
      new Proxy(metadata, {
        get: (target, name) => {
          if (name === "noteMissing") noteCount += 1;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
  });
  const object = await lab.put("key", bytesOf(300 * KIB, 7));
  const { disk, path } = await lab.shardOf(object, 0);
  disk.corrupt(path, { kind: "flip", offset: setOf(object).headerBytes + 9 });
  await Promise.all(Array.from({ length: 50 }, () => lab.get("key")));
  expect(noteCount).toBeLessThan(5);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toMatchObject([{ missing: [0] }]);
});

async function sizeOf({ disk, path }: PackFile): Promise<number> {
  const file = await disk.open(path);
  await file.close();
  return file.sizeBytes;
}

async function contentOf(file: PackFile | undefined): Promise<string> {
  if (file === undefined) throw new Error("no such shard");
  return md5(await file.disk.readFile(file.path));
}

function setOf(object: ObjectRecord): { readonly headerBytes: number } {
  if (object.content.kind !== "set") throw new Error("the object has no set of its own");
  return object.content.set;
}

async function repairAll({
  metadata,
  store,
}: StoreLab): Promise<readonly (SetRepair | undefined)[]> {
  const sets = await metadata.listDegradedSets(undefined, 100);
  const repairs: (SetRepair | undefined)[] = [];
  for (const { id } of sets) repairs.push(await store.repairSet(id, OPTIONS));
  return repairs;
}

async function contentsOf(lab: StoreLab, object: ObjectRecord): Promise<readonly string[]> {
  return filesOf(lab, setIdOf(object));
}

function packContents(lab: StoreLab, object: ObjectRecord): Promise<readonly string[]> {
  return filesOf(lab, packedOf(object).set.id);
}

/** The digest of every shard file of a set, by index. */
async function filesOf(lab: StoreLab, setId: SetId): Promise<readonly string[]> {
  const files: string[] = [];
  for (const index of SHARDS) {
    const path = `shards/${setId.slice(-2)}/${setId}.${index}`;
    for (const disk of lab.disks) {
      const file = await disk.open(path).catch(() => undefined);
      if (file === undefined) continue;
      const bytes = Buffer.alloc(file.sizeBytes);
      await file.read(bytes, 0);
      await file.close();
      files[index] = `${bytes.length} ${md5(bytes)}`;
    }
  }
  return files;
}

/** What was begun and did not take its place. */
async function leftOvers({ disks }: StoreLab): Promise<readonly string[]> {
  const lists = await Promise.all(disks.map((disk) => disk.list("rebuilt").catch(() => [])));
  return lists.flat().map(({ name }) => name);
}
