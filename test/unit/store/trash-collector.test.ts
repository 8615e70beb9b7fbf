// The trash: deleted sets go after the grace, not under a reader, not before every drive has let go of its shard, and
// nothing else goes with them.

import { expect, test } from "vitest";
import type { DriveId, SetId } from "../../../src/core/ids.ts";
import { drivesOfSet } from "../../../src/store/placement.ts";
import {
  bodyOf,
  bytesOf,
  collect,
  givenStore,
  HandClock,
  setIdOf,
} from "../../support/store-lab.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const SIZE = 700_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function givenTrash() {
  const clock = new HandClock();
  const lab = await givenStore({ clock, limits: { trashGraceMs: MINUTE_MS } });
  const kept = await lab.put("kept", bytesOf(SIZE, 1));
  const gone = await lab.put("gone", bytesOf(SIZE, 2));
  const filesOf = async (object: typeof kept): Promise<number> =>
    (await lab.shardFiles()).filter((file) => file.includes(setIdOf(object))).length;
  return { ...lab, clock, kept, gone, filesOf };
}

test("a deleted set goes when the grace is over, and no other", async () => {
  const { store, bucket, clock, kept, gone, filesOf, get, metadata } = await givenTrash();
  await deleteKeys(store, bucket, ["gone"]);

  expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });
  clock.nowMs += MINUTE_MS - 1;
  expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });
  expect(await filesOf(gone)).toBe(6);

  clock.nowMs += 1;
  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await filesOf(gone)).toBe(0);
  expect(await filesOf(kept)).toBe(6);
  expect(await metadata.listTrash(10)).toEqual([]);
  expect((await get("kept")).equals(bytesOf(SIZE, 1))).toBe(true);
});

test("what is kept for a restore stays so long after it was deleted, and then goes", async () => {
  const clock = new HandClock();
  const limits = { trashGraceMs: MINUTE_MS, keepTrashMs: DAY_MS };
  const { store, bucket, put, metadata } = await givenStore({ clock, limits });
  await put("gone", bytesOf(SIZE, 1));
  await deleteKeys(store, bucket, ["gone"]);
  const [row] = await metadata.listTrash(1);
  clock.nowMs = row?.trashedAt ?? 0;
  await store.collectTrash();
  clock.nowMs += DAY_MS - 1;
  expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });
  clock.nowMs += 1;
  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
});

test("an overwritten set goes, and so do those of an aborted upload", async () => {
  const { store, put, clock, shardFiles } = await givenTrash();
  await put("kept", bytesOf(SIZE, 3));
  await store.collectTrash();
  clock.nowMs += MINUTE_MS;
  expect(await store.collectTrash()).toMatchObject({ removedCount: 1 });
  expect(await shardFiles()).toHaveLength(12);
});

test("F66 a reading that began before the deletion keeps the shards; one that began after does not", async () => {
  const { store, bucket, clock, gone, filesOf } = await givenTrash();
  const early = await store.openObject(bucket, "gone");
  await deleteKeys(store, bucket, ["gone"]);
  await store.collectTrash();
  clock.nowMs += 10 * MINUTE_MS;
  const late = await store.openObject(bucket, "kept");
  expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });

  const bytes = await collect(early?.read(0, SIZE) ?? nothing());

  expect(bytes.equals(bytesOf(SIZE, 2))).toBe(true);
  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await filesOf(gone)).toBe(0);
  late?.close();
  expect(store.openReadings()).toBe(0);
});

test("a reading of more than a day is cut off, so that it does not keep the trash for ever", async () => {
  const { store, bucket, clock, gone, filesOf } = await givenTrash();
  const reading = await store.openObject(bucket, "gone");
  await deleteKeys(store, bucket, ["gone"]);
  await store.collectTrash();
  clock.nowMs += DAY_MS + 1;
  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await filesOf(gone)).toBe(0);
  await expect(collect(reading?.read(0, SIZE) ?? nothing())).rejects.toMatchObject({
    code: "RequestTimeout",
  });
});

test("F40 a drive that is away while its object is deleted brings nothing back", async () => {
  const { store, bucket, clock, disks, gone, filesOf, metadata } = await givenTrash();
  disks[2]?.setOffline(true);
  await deleteKeys(store, bucket, ["gone"]);
  await store.collectTrash();
  clock.nowMs += MINUTE_MS;
  expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });
  expect(await metadata.listTrash(10)).toHaveLength(1);

  disks[2]?.setOffline(false);
  clock.nowMs += MINUTE_MS;
  await expect.poll(() => store.awayCount()).toBe(0);

  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await filesOf(gone)).toBe(0);
});

test("a shared set stays until its last object goes", async () => {
  const { store, bucket, target, clock, gone, filesOf, get } = await givenTrash();
  const reading = await store.openObject(bucket, "gone");
  if (reading === undefined) throw new Error("no object");
  const copy = await store.copyObject({ bucket, reading }, target("copy"), undefined);
  expect(setIdOf(copy)).toBe(setIdOf(gone));
  await deleteKeys(store, bucket, ["gone"]);
  await store.collectTrash();
  clock.nowMs += MINUTE_MS;
  await store.collectTrash();
  expect((await get("copy")).equals(bytesOf(SIZE, 2))).toBe(true);

  await deleteKeys(store, bucket, ["copy"]);
  await store.collectTrash();
  clock.nowMs += MINUTE_MS;
  expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await filesOf(gone)).toBe(0);
});

test("a set whose shards are gone leaves the trash when the metadata could not be told at once", async () => {
  const clock = new HandClock();
  let isAway = true;
  const lab = await givenStore({
    clock,
    limits: { trashGraceMs: MINUTE_MS },
    wrapMetadata: (metadata) => {
      const drop = metadata.dropTrash.bind(metadata);
      metadata.dropTrash = async (setIds) => {
        if (isAway && setIds.length > 0) throw new Error("the members are away");
        await drop(setIds);
      };
      return metadata;
    },
  });
  await lab.put("gone", bytesOf(SIZE, 1));
  await deleteKeys(lab.store, lab.bucket, ["gone"]);
  await lab.store.collectTrash();
  clock.nowMs += MINUTE_MS;
  await expect(lab.store.collectTrash()).rejects.toThrow("away");
  expect(await lab.shardFiles()).toEqual([]);
  isAway = false;
  expect(await lab.store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  expect(await lab.metadata.listTrash(10)).toEqual([]);
});

test("nothing is removed while the metadata takes no changes: it may say more than will stand", async () => {
  const clock = new HandClock();
  let isAway = false;
  const lab = await givenStore({
    clock,
    limits: { trashGraceMs: MINUTE_MS },
    wrapMetadata: (metadata) => {
      const drop = metadata.dropTrash.bind(metadata);
      metadata.dropTrash = async (setIds) => {
        if (isAway) throw new Error("the members are away");
        await drop(setIds);
      };
      return metadata;
    },
  });
  await lab.put("gone", bytesOf(SIZE, 1));
  await deleteKeys(lab.store, lab.bucket, ["gone"]);
  await lab.store.collectTrash();
  clock.nowMs += MINUTE_MS;
  isAway = true;
  await expect(lab.store.collectTrash()).rejects.toThrow("away");
  expect(await lab.shardFiles()).toHaveLength(6);
  isAway = false;
  expect(await lab.store.collectTrash()).toMatchObject({ removedCount: 1 });
});

async function* nothing(): AsyncGenerator<never> {
  // There was no reading; the comparison fails.
}

test("while a drive is away the others give up all that was deleted, however much waits for it", async () => {
  const clock = new HandClock();
  const { store, bucket, target, put, disks, shardFiles, metadata } = await givenStore({
    clock,
    limits: { trashGraceMs: MINUTE_MS, inlineBytesMax: 0 },
  });
  // More than one step takes.
  const keys = Array.from({ length: 1_100 }, (_, index) => `key-${index}`);
  for (const key of keys) await store.putObject(target(key), bodyOf(Buffer.from(key)));
  disks[2]?.setOffline(true);
  await put("seen away", bytesOf(SIZE, 1));
  await deleteKeys(store, bucket, [...keys, "seen away"]);
  await store.collectTrash();
  clock.nowMs += MINUTE_MS;
  for (let step = 0; step < 3; step += 1) await store.collectTrash();
  expect(await metadata.listTrash(2_000)).toHaveLength(1_101);
  disks[2]?.setOffline(false);
  expect(await shardFiles()).toHaveLength(1_100);

  clock.nowMs += MINUTE_MS;
  await expect.poll(() => store.awayCount()).toBe(0);
  for (let step = 0; step < 3; step += 1) await store.collectTrash();
  expect(await metadata.listTrash(10)).toEqual([]);
  expect(await shardFiles()).toEqual([]);
});

test("what is behind more sets than are looked at goes while a drive is away, and all once it is back", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock, driveCount: 7, limits: { trashGraceMs: MINUTE_MS } });
  const { store, metadata, disks } = lab;
  const layout = (await metadata.findLayouts())[0];
  if (layout === undefined) throw new Error("there is no layout");
  const usesFirst = (setId: SetId): boolean =>
    drivesOfSet(layout, setId, 6).includes(layout.drives[0] ?? ("" as DriveId));
  const ids = Array.from({ length: 13_000 }, (_, n) => n.toString(16).padStart(32, "0") as SetId);
  const waiting = ids.filter(usesFirst).slice(0, 10_500);
  const others = ids.filter((setId) => !usesFirst(setId)).slice(0, 100);
  const trash = new Set([...waiting, ...others]);
  metadata.listTrash = async (limit, after) => {
    const rows = [...trash].map((setId) => ({
      setId,
      layoutVersion: 1,
      shardCount: 6,
      trashedAt: 0,
    }));
    const start = rows.findIndex(({ setId }) => setId === after) + 1;
    return rows.slice(start, start + limit);
  };
  metadata.dropTrash = async (gone) => gone.forEach((setId) => trash.delete(setId));
  const step = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 1) {
      await store.collectTrash();
      clock.nowMs += MINUTE_MS;
    }
  };

  disks[0]?.setOffline(true);
  await step(26);
  expect([...trash].filter((setId) => !usesFirst(setId))).toEqual([]);
  expect(trash.size).toBe(10_500);

  disks[0]?.setOffline(false);
  await expect.poll(() => store.awayCount()).toBe(0);
  await step(24);
  expect(trash.size).toBe(0);
}, 90_000);
