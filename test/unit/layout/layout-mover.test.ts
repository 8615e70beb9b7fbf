// Drives that come and go, over simulated drives: nothing is unreadable at any moment, all is whole at the end, old copies go,
// and a restart at any moment goes on where it was.

import { expect, test, vi } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { LayoutMover } from "../../../src/layout/layout-mover.ts";
import { changeLayout } from "../../../src/store/layout/change-layout.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import { bytesOf, givenStore, HandClock, type StoreLab } from "../../support/store-lab.ts";

const KIB = 1024;
const FAST = { idleBytes: 1e12, busyBytes: 1e12 };
const PACKED = { limits: { packBytesMax: 64 * KIB, inlineBytesMax: 1 * KIB } };
const { signal } = new AbortController();

function moverOf(lab: StoreLab): LayoutMover {
  const { metadata, store } = lab;
  const options = { metadata, store, logger: silentLogger, limits: FAST };
  return new LayoutMover({ ...options, tellOthers: async () => undefined, isBusy: () => false });
}

async function run(mover: LayoutMover): Promise<void> {
  while ((await mover.step(signal)) === "busy");
}

async function openDrive(seed: number) {
  const disk = new SimDrive({ seed, deadlineMs: 100 });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  return { disk, driveId, drive: await openLocalDrive({ disk, driveId }) };
}

/** A drive more, which the layout knows of and nothing more. */
async function addDrive(lab: StoreLab): Promise<{ disk: SimDrive; driveId: DriveId }> {
  const { disk, drive, driveId } = await openDrive(99);
  const { newest } = lab.store.layoutState();
  const drives = [...newest.drives, driveId].map((id) => ({ driveId: id, weight: 1 }));
  await lab.store.publishLayout(changeLayout(newest, drives));
  lab.store.attachDrive(drive);
  return { disk, driveId };
}

const newDisks = new WeakMap<StoreLab, SimDrive[]>();

/** So many that most sets have a shard on one of them. */
async function addDrives(lab: StoreLab, count: number): Promise<void> {
  const { newest } = lab.store.layoutState();
  const drives = newest.drives.map((id) => ({ driveId: id, weight: 1 }));
  const opened = await Promise.all(Array.from({ length: count }, (_, n) => openDrive(100 + n)));
  const added = opened.map(({ driveId }) => ({ driveId, weight: 1 }));
  await lab.store.publishLayout(changeLayout(newest, [...drives, ...added]));
  for (const { drive } of opened) lab.store.attachDrive(drive);
  newDisks.set(
    lab,
    opened.map(({ disk }) => disk),
  );
}

async function shardsOnNew(lab: StoreLab): Promise<readonly string[]> {
  return (await Promise.all((newDisks.get(lab) ?? []).map(shardsOn))).flat();
}

async function drain(lab: StoreLab, driveId: DriveId): Promise<void> {
  const { newest } = lab.store.layoutState();
  const rest = newest.drives.filter((id) => id !== driveId);
  await lab.store.publishLayout(
    changeLayout(
      newest,
      rest.map((id) => ({ driveId: id, weight: 1 })),
    ),
  );
}

async function fill(lab: StoreLab, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await lab.put(`key-${n}`, bytesOf(sizeOf(n), n));
}

function givenGate() {
  const gates: (() => void)[] = [];
  const promise = new Promise<void>((resolve) => void gates.push(resolve));
  return { promise, resolve: () => gates.forEach((open) => open()) };
}

const sizeOf = (n: number): number => (n % 3 === 0 ? 40 * KIB : 100 * KIB + n);

async function expectAll(lab: StoreLab, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const isSame = (await lab.get(`key-${n}`)).equals(bytesOf(sizeOf(n), n));
    expect(isSame, `key-${n}`).toBe(true);
  }
}

async function expectClean(lab: StoreLab): Promise<void> {
  const { findings } = await lab.store.verifyObjects({ bucket: undefined, prefix: undefined });
  expect(Object.values(findings).every((count) => count === 0)).toBe(true);
  expect(await lab.metadata.listDegradedSets(undefined, 10)).toEqual([]);
}

async function shardsOn(disk: SimDrive): Promise<readonly string[]> {
  const folders = await disk.list("shards").catch(() => []);
  const files = await Promise.all(
    folders.map(async ({ name }) => {
      const entries = await disk.list(`shards/${name}`);
      return entries.map((entry) => entry.name);
    }),
  );
  return files.flat().filter((name) => /\.\d$/.test(name));
}

test("a drive is added, and another drained: reads and writes go on at every step", async () => {
  const lab = await givenStore(PACKED);
  await fill(lab, 60);
  let count = 60;
  const mover = moverOf(lab);
  const turn = async (): Promise<void> => {
    for (;;) {
      const state = await mover.step(signal);
      await lab.put(`key-${count}`, bytesOf(sizeOf(count), count));
      count += 1;
      await expectAll(lab, count);
      if (state === "idle") return;
    }
  };
  const { disk } = await addDrive(lab);
  await turn();
  expect(lab.store.layoutState().live).toHaveLength(1);
  expect(mover.status).toMatchObject({ phase: "idle", version: 2, waitingSets: 0 });
  expect((await shardsOn(disk)).length).toBeGreaterThan(20);
  await expectClean(lab);

  const first = lab.store.layoutState().newest.drives[1];
  if (first === undefined) throw new Error("there is a second drive");
  await drain(lab, first);
  await turn();
  expect(lab.store.layoutState()).toMatchObject({ live: [{ version: 3 }] });
  await expectAll(lab, count);
  await lab.store.detachDrives(() => true);
  await expectAll(lab, count);
  await expectClean(lab);
});

test("copies on a drive that was emptied at the end of the last pass are made once more", async () => {
  const lab = await givenStore();
  await fill(lab, 30);
  const { disk } = await addDrive(lab);
  const { setIds } = await lab.store.findSetsToMove(undefined, 1_000);
  let checked = 0;
  const moveSet: typeof lab.store.moveSet = async (...args) => {
    const moved = await lab.store.moveSet(...args);
    if (mover.status.phase !== "checking") return moved;
    checked += 1;
    if (checked === setIds.length) {
      for (const { name: folder } of await disk.list("shards")) {
        for (const { name } of await disk.list(`shards/${folder}`)) {
          await disk.unlink(`shards/${folder}/${name}`);
        }
      }
      mover.noteEmptied();
    }
    return moved;
  };
  const mover = moverOf({ ...lab, store: { ...lab.store, moveSet } });
  await run(mover);
  expect(lab.store.layoutState().live).toHaveLength(1);
  expect((await shardsOn(disk)).length).toBeGreaterThan(0);
  await expectClean(lab);
});

test("old copies go once nobody reads them, and nothing else does", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await fill(lab, 40);
  const before = (await lab.shardFiles()).length;
  const { disk } = await addDrive(lab);
  await run(moverOf(lab));
  const moved = (await shardsOn(disk)).length;
  expect((await lab.shardFiles()).length).toBe(before);
  await lab.store.sweepOrphans();
  clock.nowMs += 61_000;
  const { removedShards } = await lab.store.sweepOrphans();
  expect(removedShards).toBe(moved);
  expect((await lab.shardFiles()).length).toBe(before - moved);
  await expectAll(lab, 40);
  await expectClean(lab);
});

test("what cannot be copied is made anew, and an object that is deleted meanwhile leaves nothing", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await fill(lab, 40);
  const { disk } = await addDrive(lab);
  await lab.store.useNewestLayout();
  // A drive that goes while it is copied from.
  lab.disks[0]?.setOffline(true);
  const mover = moverOf(lab);
  await run(mover);
  lab.disks[0]?.setOffline(false);
  expect(lab.store.layoutState().live).toHaveLength(1);
  await expectAll(lab, 40);
  await deleteKeys(
    lab.store,
    lab.bucket,
    Array.from({ length: 40 }, (_, n) => `key-${n}`),
  );
  for (let round = 0; round < 4; round += 1) {
    clock.nowMs += 61_000;
    await lab.store.collectTrash();
    await lab.store.sweepOrphans();
  }
  expect(await shardsOn(disk)).toEqual([]);
});

test("half a copy does not count as one, though the drive that it was copied from is gone", async () => {
  const lab = await givenStore();
  await fill(lab, 20);
  const first = await addDrive(lab);
  const mover = moverOf(lab);
  while (mover.status.phase !== "checking") await mover.step(signal);
  const folders = await first.disk.list("shards");
  for (const { name: folder } of folders) {
    for (const { name } of await first.disk.list(`shards/${folder}`)) {
      const path = `shards/${folder}/${name}`;
      const bytes = await first.disk.readFile(path);
      await first.disk.writeFile(path, bytes.subarray(0, bytes.length >> 1));
    }
  }
  // One drive gone with what was copied from it.
  lab.disks[0]?.setOffline(true);
  await run(mover);
  lab.disks[0]?.setOffline(false);
  expect(lab.store.layoutState().live).toHaveLength(1);
  await expectAll(lab, 20);
  await expectClean(lab);
});

test("a write that began by the older layout is waited for, and copied", async () => {
  const lab = await givenStore();
  await fill(lab, 5);
  const { promise: held, resolve: release } = givenGate();
  const bytes = bytesOf(300 * KIB, 77);
  const chunks = (async function* (): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 280 * KIB);
    await held;
    yield bytes.subarray(280 * KIB);
  })();
  const slow = lab.put("slow", bytes, { chunks });
  // So that it has asked for its place.
  await lab.put("key-0", bytesOf(sizeOf(0), 0));
  await addDrive(lab);
  const mover = moverOf(lab);
  await run(mover);
  expect(mover.status.phase).toBe("settling");
  expect(lab.store.layoutState().live).toHaveLength(2);
  release();
  await slow;
  await run(mover);
  expect(lab.store.layoutState().live).toHaveLength(1);
  expect((await lab.get("slow")).equals(bytes)).toBe(true);
  await expectClean(lab);
});

test("an end of the work sets no drive aside", async () => {
  const lab = await givenStore();
  await fill(lab, 10);
  await addDrives(lab, 3);
  const { setIds } = await lab.store.findSetsToMove(undefined, 1_000);
  const end = new AbortController();
  const pace = async (): Promise<void> => end.abort();
  for (const setId of setIds) {
    await lab.store.moveSet(setId, { pace, signal: end.signal, trustsCopies: false });
  }
  expect(end.signal.aborted).toBe(true);
  expect(lab.store.awayCount()).toBe(0);
});

test("a pack that is being sealed is waited for, and leaves nothing where it lay", async () => {
  const clock = new HandClock();
  const { promise: held, resolve: release } = givenGate();
  const lab = await givenStore({
    ...PACKED,
    clock,
    wrapMetadata: (inner) => {
      const sealPack = inner.sealPack.bind(inner);
      inner.sealPack = (...input) => held.then(() => sealPack(...input));
      return inner;
    },
  });
  // All of them in one pack, to which nobody writes any more.
  for (let n = 0; n < 3; n += 1) await lab.put(`key-${n}`, bytesOf(40 * KIB, n));
  const before = (await lab.shardFiles()).length;
  await addDrives(lab, 3);
  const using = lab.store.useNewestLayout();
  const mover = moverOf(lab);
  await vi.waitUntil(() => lab.store.layoutState().written.version === 2);
  await run(mover);
  expect(mover.status.phase).toBe("settling");
  release();
  await using;
  await run(mover);
  expect(lab.store.layoutState().live).toHaveLength(1);
  await lab.store.sweepOrphans();
  clock.nowMs += 61_000;
  await lab.store.sweepOrphans();
  expect((await lab.shardFiles()).length + (await shardsOnNew(lab)).length).toBe(before);
});

test("what is deleted once all lies elsewhere leaves nothing where it lay, before any sweep", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await fill(lab, 30);
  await addDrives(lab, 2);
  await run(moverOf(lab));
  expect((await lab.shardFiles()).length).toBe(30 * 6);
  const keys = Array.from({ length: 30 }, (_, n) => `key-${n}`);
  await deleteKeys(lab.store, lab.bucket, keys);
  await lab.store.collectTrash();
  clock.nowMs += 61_000;
  await lab.store.collectTrash();
  expect(await shardsOnNew(lab)).toEqual([]);
  expect(await lab.shardFiles()).toEqual([]);
});

test("who read at the old places before every process knew of it is waited for", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await fill(lab, 3);
  await lab.store.beginSide("one");
  const stampOf = () => lab.store.reportOfSide();
  const before = stampOf();
  lab.store.noteSide("one", before);
  expect(lab.store.areOlderPlacesRead()).toBe(false);
  await addDrive(lab);
  await lab.store.useNewestLayout();
  await lab.store.retireOlderLayouts();
  clock.nowMs += 1_000;
  // It has not heard of it, and begins to read.
  const late = { madeAt: stampOf().madeAt, oldestReadingStartedAt: stampOf().madeAt };
  lab.store.noteSide("one", { ...before, ...late, openReadings: 1 });
  expect(lab.store.areOlderPlacesRead()).toBe(true);
  clock.nowMs += 1_000;
  lab.store.noteSide("one", { ...stampOf(), ...late, openReadings: 1 });
  expect(lab.store.areLayoutsKnown()).toBe(true);
  expect(lab.store.areOlderPlacesRead()).toBe(true);
  clock.nowMs += 1_000;
  lab.store.noteSide("one", stampOf());
  expect(lab.store.areOlderPlacesRead()).toBe(false);
});

test("the process may end at any step: the next goes on, and comes to the same end", async () => {
  const lab = await givenStore(PACKED);
  await fill(lab, 30);
  await addDrive(lab);
  // Each step by another mover, which knows nothing but what the metadata says.
  let steps = 0;
  let rest = moverOf(lab);
  while (lab.store.layoutState().live.length > 1) {
    // One that stays comes past the end of its pass; those before it have each done a step.
    if (steps < 4) rest = moverOf(lab);
    await rest.step(signal);
    steps += 1;
    expect(steps).toBeLessThan(50);
  }
  await expectAll(lab, 30);
  await expectClean(lab);
});

test("a drive that a set has come back to while its old copy there was looked at keeps it", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await fill(lab, 40);
  const first = lab.store.layoutState().newest;
  await addDrive(lab);
  await run(moverOf(lab));
  await lab.store.sweepOrphans();
  clock.nowMs += 61_000;
  const listSets = lab.metadata.listSets.bind(lab.metadata);
  const geometry = lab.store.layoutState().newest.geometry;
  const back = { ...first, version: 3, isWritten: false, ...(geometry ? { geometry } : {}) };
  // Just when the sweep asks for the first old copy.
  vi.spyOn(lab.metadata, "listSets").mockImplementationOnce(async (after, limit) => {
    await lab.store.publishLayout(back);
    await run(moverOf(lab));
    expect(lab.store.layoutState().live).toMatchObject([{ version: 3 }]);
    return listSets(after, limit);
  });
  await lab.store.sweepOrphans();
  await expectAll(lab, 40);
  await expectClean(lab);
});
