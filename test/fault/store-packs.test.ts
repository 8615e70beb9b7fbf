// Packs through faults: drives that fail while a group is written, damage of every byte of a pack, rows that lie, power
// cuts. What was acknowledged stays, and no byte is ever another's.

import { expect, test } from "vitest";
import { readIdentity } from "../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../src/datanode/local-drive.ts";
import { ShardError, type ShardStore } from "../../src/datanode/shard-store.ts";
import type { DiskCall, SimEffect } from "../../src/disk/sim-fault.ts";
import type { SimDrive } from "../../src/disk/sim-drive.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { givenPacks, packedOf, packFiles } from "../support/pack-lab.ts";
import { reopenStore } from "../support/reopen-store.ts";
import {
  bodyOf,
  bytesOf,
  callsOf,
  collect,
  HandClock,
  type StoreLab,
} from "../support/store-lab.ts";

const KIB = 1024;
const EFFECTS: Readonly<Record<string, SimEffect>> = {
  EIO: { kind: "error", code: "EIO" },
  ENOSPC: { kind: "error", code: "ENOSPC" },
  hangs: { kind: "hang" },
};
const CALLS: readonly DiskCall[] = ["create", "append", "sync", "syncDirectory"];
const CASES = CALLS.flatMap((call) =>
  Object.keys(EFFECTS).map((effect) => [call, effect] as const),
);

function fail(disk: SimDrive | undefined, call: DiskCall, effect: string): void {
  const chosen = EFFECTS[effect];
  if (disk === undefined || chosen === undefined) throw new Error("no case");
  disk.inject({ calls: [call], effect: chosen });
}

async function putMany(
  lab: StoreLab,
  name: string,
  count: number,
): Promise<readonly ObjectRecord[]> {
  return Promise.all(
    Array.from({ length: count }, (_, seed) => lab.put(`${name}-${seed}`, bytesOf(20_000, seed))),
  );
}

/** Those of the objects of `putMany` that do not come back as they were put. */
async function wrongOnes(lab: StoreLab, name: string, count: number): Promise<readonly number[]> {
  const wrong: number[] = [];
  for (let seed = 0; seed < count; seed += 1) {
    const bytes = await lab.get(`${name}-${seed}`);
    if (!bytes.equals(bytesOf(20_000, seed))) wrong.push(seed);
  }
  return wrong;
}

test.each(CASES)(
  "F25 F27 F36 one drive fails at %s (%s): all of a new pack's group is stored",
  async (...at) => {
    const lab = await givenPacks({ limits: { writeDeadlineMs: 500 } });
    fail(lab.disks[2], ...at);
    const objects = await putMany(lab, "key", 8);
    expect(objects.filter((object) => packedOf(object).set.missing.length > 0)).not.toEqual([]);
    // Any one drive more may go.
    lab.disks[2]?.setOffline(true);
    lab.disks[5]?.setOffline(true);
    expect(await wrongOnes(lab, "key", 8)).toEqual([]);
  },
);

test.each(CASES.filter(([call]) => call === "append" || call === "sync"))(
  "F25 F27 F36 one drive fails at %s (%s): the pack ends, and all is stored",
  async (...at) => {
    const lab = await givenPacks({ limits: { writeDeadlineMs: 500 } });
    await lab.put("warm-0", bytesOf(20_000, 0));
    fail(lab.disks[2], ...at);
    const [object] = await putMany(lab, "key", 8);
    const next = await lab.put("next-0", bytesOf(20_000, 0));
    expect(object && packedOf(object).set.missing).toHaveLength(1);
    expect(object && packedOf(object).set.id).not.toBe(packedOf(next).set.id);
    lab.disks[2]?.setOffline(true);
    lab.disks[5]?.setOffline(true);
    for (const [name, count] of [["warm", 1] as const, ["key", 8] as const, ["next", 1] as const]) {
      expect(await wrongOnes(lab, name, count)).toEqual([]);
    }
  },
);

test.each(CASES)(
  "F37 two drives fail at %s (%s): refused, and what was there stands",
  async (...at) => {
    const lab = await givenPacks({ clock: new HandClock(), limits: { writeDeadlineMs: 500 } });
    await putMany(lab, "old", 4);
    await lab.store.compactPacks({ deadShareMin: 0.5, sealsOpen: true });
    const filesBefore = await lab.shardFiles();
    fail(lab.disks[1], ...at);
    fail(lab.disks[4], ...at);
    const code = at[1] === "ENOSPC" ? "InsufficientStorage" : "ServiceUnavailable";
    await expect(lab.put("old-1", bytesOf(30_000, 9))).rejects.toMatchObject({ code });
    expect(await wrongOnes(lab, "old", 4)).toEqual([]);
    for (const disk of lab.disks) disk.heal();
    await settle(lab);
    expect((await lab.shardFiles()).toSorted()).toEqual(filesBefore.toSorted());
    await lab.put("old-1", bytesOf(30_000, 9));
    expect((await lab.get("old-1")).equals(bytesOf(30_000, 9))).toBe(true);
  },
);

test("F36 a pack that had to do without a drive is ended when the drive is back", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock });
  lab.disks[0]?.setOffline(true);
  const without = packedOf(await lab.put("without", bytesOf(20_000, 1)));
  expect(without.set.missing).toHaveLength(1);
  lab.disks[0]?.setOffline(false);
  clock.nowMs += 120_000;
  await expect.poll(async () => (await lab.store.isWritable()) && lab.store.awayCount()).toBe(0);
  const withAll = packedOf(await lab.put("with", bytesOf(20_000, 2)));
  expect(withAll.set.id).not.toBe(without.set.id);
  expect(withAll.set.missing).toEqual([]);
});

test("F36 a pack begun while a drive was absent is ended when the drive is attached", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock });
  const drives = await Promise.all(lab.disks.map(openDrive));
  const limits = { packBytesMax: 1024 * KIB };
  const store = await reopenStore(lab, { drives: drives.slice(1), limits });
  const put = async (key: string) => {
    return packedOf(await store.putObject(lab.target(key), bodyOf(bytesOf(20_000, 1))));
  };
  const without = await put("without");
  expect(without.set.missing).toHaveLength(1);
  const [absent] = drives;
  expect(absent && store.attachDrive(absent)).toBe(true);
  expect((await put("soon")).set.id).toBe(without.set.id);
  clock.nowMs += 10_000;
  expect((await put("later")).set.missing).toEqual([]);
});

test("F37 F38 any two drives may be lost; with three a read fails and says so", async () => {
  const lab = await givenPacks();
  await putMany(lab, "key", 3);
  for (let a = 0; a < 6; a += 1) {
    for (let b = a + 1; b < 6; b += 1) {
      for (const position of [a, b]) lab.disks[position]?.setOffline(true);
      expect(await wrongOnes(lab, "key", 3)).toEqual([]);
      for (const position of [a, b]) lab.disks[position]?.setOffline(false);
    }
  }
  for (const disk of lab.disks.slice(0, 3)) disk.setOffline(true);
  await expect(lab.get("key-0")).rejects.toMatchObject({ code: "ServiceUnavailable" });
});

test("F28 F29 a flip at any byte of a pack changes nothing that is read", async () => {
  const lab = await givenPacks({ driveCount: 3 });
  const sizes = [17 * KIB, 17 * KIB + 1, 40 * KIB];
  const objects: ObjectRecord[] = [];
  for (const [seed, size] of sizes.entries())
    objects.push(await lab.put(`key-${seed}`, bytesOf(size, seed)));
  const [first] = objects;
  if (first === undefined) throw new Error("there are objects");
  await lab.store.compactPacks({ deadShareMin: 1, sealsOpen: true });
  const files = await packFiles(lab, first);
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  for (let flip = 0; flip < 600; flip += 1) {
    const file = files[random.below(files.length)];
    if (file === undefined) throw new Error("all shards are there");
    const open = await file.disk.open(file.path);
    const corruption = {
      kind: "flip",
      offset: random.below(open.sizeBytes),
      bit: random.below(8),
    } as const;
    file.disk.corrupt(file.path, corruption);
    for (const [key, size] of sizes.entries()) {
      const bytes = await lab.get(`key-${key}`);
      expect(bytes.equals(bytesOf(size, key)), `seed ${seed} flip ${flip}`).toBe(true);
    }
    file.disk.corrupt(file.path, corruption);
  }
});

test("F22 F34 shards that were cut off, emptied or swapped are made good from the others", async () => {
  const lab = await givenPacks();
  const [object] = await putMany(lab, "key", 20);
  if (object === undefined) throw new Error("there is one");
  const files = await packFiles(lab, object);
  const [one, two] = files;
  if (one === undefined || two === undefined) throw new Error("all shards are there");
  one.disk.corrupt(one.path, { kind: "truncate", sizeBytes: 600 });
  const bytes = await files[3]?.disk.readFile(files[3].path);
  await two.disk.unlink(two.path);
  await two.disk.writeFile(two.path, bytes ?? new Uint8Array(0));
  expect(await wrongOnes(lab, "key", 20)).toEqual([]);
});

test("F30 a row with another offset, size or ETag yields no bytes", async () => {
  let change = same;
  const lab = await givenPacks({
    driveCount: 3,
    wrapMetadata: (metadata): MetadataStore =>
      new Proxy(metadata, {
        get: (target, name) => {
          if (name === "findObjectWithBytes") {
            return async (bucketId: number, key: string) => {
              const found = await target.findObjectWithBytes(bucketId, key);
              return found && { ...found, object: change(found.object) };
            };
          }
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  // Of one size each, so that a wrong offset would hit another object's blocks.
  const objects = [];
  for (const seed of [1, 2, 3]) objects.push(await lab.put(`key-${seed}`, bytesOf(20_000, seed)));
  const [first, second] = objects.map(packedOf);
  if (first === undefined || second === undefined) throw new Error("there are objects");
  const wrong: readonly ((object: ObjectRecord) => ObjectRecord)[] = [
    (object) => ({ ...object, content: { ...first, offset: second.offset } }),
    (object) => ({ ...object, content: { ...first, offset: first.offset + 1 } }),
    (object) => ({ ...object, sizeBytes: 19_999 }),
    (object) => ({ ...object, sizeBytes: 10_000 }),
    (object) => ({ ...object, etag: `0${object.etag.slice(1)}` }),
    (object) => ({ ...object, content: { ...first, set: { ...first.set, dataShards: 1 } } }),
  ];
  for (const damage of wrong) {
    change = damage;
    await expect(lab.get("key-1", 0, 9_000)).rejects.toMatchObject({ code: "InternalError" });
  }
  change = same;
  expect((await lab.get("key-1")).equals(bytesOf(20_000, 1))).toBe(true);
});

test.each(["lost", "torn"] as const)(
  "F20 F22 all that was acknowledged survives a power cut (%s)",
  async (unsynced) => {
    for (let round = 0; round < 10; round += 1) {
      const lab = await givenPacks({ limits: { packSealBytes: 300_000 } });
      const acknowledged = new Set<number>();
      const writes = Array.from({ length: 60 }, async (_, seed) => {
        // Not all in one group.
        for (let wait = 0; wait < seed * 3; wait += 1) await Promise.resolve();
        await lab.put(`key-${seed}`, bytesOf(20_000, seed));
        acknowledged.add(seed);
        if (acknowledged.size === 5 + round * 5) for (const disk of lab.disks) disk.crash(unsynced);
      });
      await Promise.allSettled(writes);
      const store = await reopenStore(lab, { limits: { packBytesMax: 1024 * KIB } });
      for (const seed of acknowledged) {
        const reading = await store.openObject(lab.bucket, `key-${seed}`);
        if (reading === undefined) throw new Error("it was acknowledged");
        expect((await collect(reading.read(0, 20_000))).equals(bytesOf(20_000, seed))).toBe(true);
      }
      const body = bodyOf(bytesOf(20_000, 99));
      await store.putObject(lab.target("after"), body);
    }
  },
);

test("F46 while a drive hangs no write waits longer than the deadline, and none is lost", async () => {
  const lab = await givenPacks({ limits: { writeDeadlineMs: 200 } });
  await putMany(lab, "warm", 2);
  lab.disks[1]?.inject({ effect: { kind: "hang" } });
  const startedAt = performance.now();
  await putMany(lab, "key", 30);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(await wrongOnes(lab, "key", 30)).toEqual([]);
});

test("F17 nodes that were restarted have no pack open: the write goes to another one", async () => {
  let generation = 0;
  const lab = await givenPacks({
    wrap: (drive) => ({
      ...callsOf(drive),
      createPack: async (name) => {
        const pack = await drive.createPack(name);
        const mine = generation;
        const checked = async (work: () => Promise<void>): Promise<void> => {
          if (mine !== generation) throw new ShardError("Unavailable", "the pack is not open");
          await work();
        };
        return {
          append: (offset, chunks) => checked(() => pack.append(offset, chunks)),
          seal: (offset, chunks) => checked(() => pack.seal(offset, chunks)),
          close: () => pack.close(),
        };
      },
    }),
  });
  const before = await lab.put("key-0", bytesOf(20_000, 0));
  generation += 1;
  const after = await lab.put("key-1", bytesOf(20_000, 1));
  expect(packedOf(after).set.id).not.toBe(packedOf(before).set.id);
  expect(packedOf(after).set.missing).toEqual([]);
  expect(await wrongOnes(lab, "key", 2)).toEqual([]);
});

test("a pack of which the metadata could not be told is told of with the next", async () => {
  let isAway = true;
  const lab = await givenPacks({
    wrapMetadata: (metadata) =>
      new Proxy(metadata, {
        get: (target, name) => {
          if (name === "sealPack" && isAway) return () => Promise.reject(new Error("no writer"));
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  const all = { deadShareMin: 0.01, sealsOpen: true };
  await lab.put("key-0", bytesOf(20_000, 0));
  await lab.store.compactPacks(all);
  expect(await lab.metadata.listSparsePacks(0, undefined, 10)).toEqual([]);
  isAway = false;
  await lab.put("key-1", bytesOf(20_000, 1));
  await lab.store.compactPacks(all);
  expect(await lab.metadata.listSparsePacks(0, undefined, 10)).toHaveLength(2);
});

test("a change of unknown outcome leaves its pack unsealed, so that nothing it may name is removed", async () => {
  let isLost = false;
  const lab = await givenPacks({
    wrapMetadata: (metadata) =>
      new Proxy(metadata, {
        get: (target, name) => {
          if (name === "putObject") {
            return async (...input: Parameters<MetadataStore["putObject"]>) => {
              if (!isLost) return target.putObject(...input);
              throw new Error("the writer died");
            };
          }
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  isLost = true;
  await expect(lab.put("key", bytesOf(20_000, 1))).rejects.toThrow("the writer died");
  await lab.store.compactPacks({ deadShareMin: 0.01, sealsOpen: true });
  expect(await lab.shardFiles()).toHaveLength(6);
});

async function settle(lab: StoreLab): Promise<void> {
  await expect
    .poll(async () => {
      if (lab.clock instanceof HandClock) lab.clock.nowMs += 120_000;
      await lab.store.isWritable();
      await lab.store.collectTrash();
      return lab.store.litterCount() + lab.store.awayCount();
    })
    .toBe(0);
}

function same(object: ObjectRecord): ObjectRecord {
  return object;
}

async function openDrive(disk: SimDrive): Promise<ShardStore> {
  const identity = await readIdentity(disk);
  if (identity === undefined) throw new Error("a drive has an identity");
  return openLocalDrive({ disk, driveId: identity.driveId });
}
