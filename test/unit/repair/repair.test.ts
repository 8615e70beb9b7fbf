// Repair as a whole over simulated drives: what it does first, what it leaves alone, and where it goes on after a restart.

import { expect, test } from "vitest";
import type { SetId } from "../../../src/core/ids.ts";
import { formatDrive, newDriveId, readIdentity } from "../../../src/datanode/drive-identity.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { Repair, type RepairOptions } from "../../../src/repair/repair.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import type { OpenObjectStore } from "../../../src/store/open-object-store.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { bytesOf, givenStore, HandClock, setIdOf, type StoreLab } from "../../support/store-lab.ts";

const KIB = 1024;
const FAST = { idleBytes: 1e12, busyBytes: 1e12 };

function repairOf(lab: StoreLab, more: Partial<RepairOptions> = {}): Repair {
  const { clock, metadata, store } = lab;
  const options = { clock, metadata, store, logger: silentLogger, limits: FAST };
  return new Repair({ ...options, isBusy: () => false, ...more });
}

/** Steps until there is nothing to do. */
async function run(repair: Repair, what: "scrub" | "step" = "step"): Promise<number> {
  const { signal } = new AbortController();
  let steps = 0;
  while ((await repair[what](signal)) === "busy") steps += 1;
  return steps;
}

async function lose(lab: StoreLab, key: string, indexes: readonly number[]): Promise<SetId> {
  const object = await lab.store.findObject(lab.bucket, key);
  if (object === undefined) throw new Error(`no object ${key}`);
  for (const index of indexes) {
    const { disk, path } = await lab.shardOf(object, index);
    await disk.unlink(path);
  }
  await lab.metadata.noteMissing(setIdOf(object), indexes);
  return setIdOf(object);
}

test("the weakest sets come first, and all are whole in the end", async () => {
  const lab = await givenStore();
  for (let n = 0; n < 6; n += 1) await lab.put(`key-${n}`, bytesOf(100 * KIB, n));
  const files = (await lab.shardFiles()).toSorted();
  const order: SetId[] = [];
  const store: OpenObjectStore = {
    ...lab.store,
    repairSet: (setId, options) => {
      order.push(setId);
      return lab.store.repairSet(setId, options);
    },
  };
  for (const n of [0, 1, 2, 4, 5]) await lose(lab, `key-${n}`, [n]);
  const weakest = await lose(lab, "key-3", [1, 2]);
  const repair = repairOf(lab, { store });
  await run(repair);
  expect(order[0]).toBe(weakest);
  expect((await lab.shardFiles()).toSorted()).toEqual(files);
  expect(repair.status).toMatchObject({
    state: "idle",
    degraded: { sets: 0, bySpare: [] },
    done: { sets: 6, rebuiltShards: 7 },
    failing: { sets: 0 },
  });
});

test("what has become weaker is seen within a minute, and at once where somebody asks", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  for (let n = 0; n < 100; n += 1) await lab.put(`key-${n}`, bytesOf(17 * KIB, n));
  const order: SetId[] = [];
  const store: OpenObjectStore = {
    ...lab.store,
    repairSet: (setId, options) => {
      order.push(setId);
      return lab.store.repairSet(setId, options);
    },
  };
  for (let n = 0; n < 100; n += 1) await lose(lab, `key-${n}`, [0]);
  const { signal } = new AbortController();
  const repair = repairOf(lab, { store });
  const steps = [
    { passes: () => (clock.nowMs += 30_000), isSeen: false },
    { passes: () => (clock.nowMs += 31_000), isSeen: true },
    { passes: () => repair.hurry(false), isSeen: true },
  ];
  await repair.step(signal);
  for (const { passes, isSeen } of steps) {
    const done = order.length;
    const left = (await lab.metadata.listDegradedSets(undefined, 100)).at(-1);
    if (left === undefined) throw new Error("all are whole");
    await lab.metadata.noteMissing(left.id, [0, 1]);
    passes();
    await repair.step(signal);
    expect(order[done] === left.id, String(done)).toBe(isSeen);
  }
});

test("what is known is old, and that is said", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await lab.put("key", bytesOf(100 * KIB, 1));
  const repair = repairOf(lab);
  await run(repair);
  expect(repair.status.state).toBe("idle");
  for (const happens of [
    () => repair.hurry(false),
    () => (clock.nowMs += 61_000),
    () => lab.disks[2]?.setOffline(true),
  ]) {
    happens();
    await lab.store.inspect();
    expect(repair.status.state).toBe("looking");
    await run(repair);
    expect(repair.status.state).toBe("idle");
  }
});

test("what waits for a drive costs nothing until one is back", async () => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(100 * KIB, 1));
  const { disk } = await lab.shardOf(object, 2);
  await lose(lab, "key", [2]);
  const heal = disk.inject({ effect: { kind: "error", code: "EIO" } });
  await lab.store.inspect();
  let looks = 0;
  const store: OpenObjectStore = {
    ...lab.store,
    listDegraded: (after, limit) => {
      looks += 1;
      return lab.store.listDegraded(after, limit);
    },
  };
  const repair = repairOf(lab, { store });
  for (let round = 0; round < 5; round += 1) await run(repair);
  expect(looks).toBe(1);
  expect(repair.status).toMatchObject({ state: "waiting", waitingSets: 1, degraded: { sets: 1 } });
  heal();
  await lab.store.inspect();
  await run(repair);
  expect(repair.status).toMatchObject({ state: "idle", done: { rebuiltShards: 1 } });
});

test("what fails is told of, left alone for a while, and tried again", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  await lab.put("key", bytesOf(100 * KIB, 1));
  await lab.put("other", bytesOf(100 * KIB, 2));
  const setId = await lose(lab, "key", [0, 1, 2]);
  await lose(lab, "other", [3]);
  const repair = repairOf(lab);
  await run(repair);
  const failing = { sets: 1, first: [{ setId, kind: "lost", triedCount: 1 }] };
  expect(repair.status).toMatchObject({ state: "waiting", failing, degraded: { sets: 1 } });
  clock.nowMs += 31_000;
  await run(repair);
  expect(repair.status.failing.first).toMatchObject([{ triedCount: 1 }]);
  clock.nowMs += 31_000;
  await run(repair);
  expect(repair.status.failing.first).toMatchObject([{ triedCount: 2 }]);
  // Somebody asks for it.
  repair.hurry(true);
  await run(repair);
  expect(repair.status.failing.first).toMatchObject([{ triedCount: 3 }]);
  await lab.store.deleteObjects(
    lab.bucket,
    [{ key: "key", versionId: undefined, mayBypassGovernance: false }],
    lab.bucket.ownerId,
  );
  clock.nowMs += 31_000;
  await run(repair);
  expect(repair.status).toMatchObject({ state: "idle", failing: { sets: 0 } });
});

test("F42 a drive that was laid out anew is walked once, goes on after a restart, and gets all that it had", async () => {
  const lab = await givenStore();
  for (let n = 0; n < 12; n += 1) await lab.put(`key-${n}`, bytesOf(20 * KIB, n));
  const files = (await lab.shardFiles()).toSorted();
  const [lost] = lab.disks;
  const identity = lost && (await readIdentity(lost));
  if (identity === undefined) throw new Error("no drive");
  const fresh = new SimDrive({ seed: 77, deadlineMs: 100 });
  const createdAt = identity.createdAt + 1;
  await formatDrive(fresh, { ...identity, createdAt });
  const disks = [fresh, ...lab.disks.slice(1)];
  const again = { ...lab, disks, store: await reopenStore({ ...lab, disks }) };
  const drive = { driveId: identity.driveId, createdAt };
  let checks = 0;
  const store: OpenObjectStore = {
    ...again.store,
    checkOnDrive: (set, driveId) => {
      checks += 1;
      if (checks > 4) throw new Error("this row is damaged");
      return again.store.checkOnDrive(set, driveId);
    },
  };
  const first = repairOf(again, { store });
  first.addRenewed(drive);
  // What happens to a walk holds up nothing else.
  await lose(again, "key-3", [4]);
  await run(first);
  expect(first.status).toMatchObject({
    state: "waiting",
    degraded: { sets: 0 },
    renewedDrives: [{ setCount: 0, isDone: false }],
  });
  const second = repairOf(again);
  second.addRenewed(drive);
  await run(second);
  expect(second.status.renewedDrives).toMatchObject([{ setCount: 12, isDone: true }]);
  expect((await filesOn(disks)).toSorted()).toEqual(files);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
  // The walk is over for good.
  const third = repairOf(again, {
    store: { ...again.store, checkOnDrive: () => Promise.reject(new Error("again")) },
  });
  third.addRenewed(drive);
  await run(third);
  expect(third.status.renewedDrives).toMatchObject([{ isDone: true }]);
});

test("a drive that was laid out anew and that nothing is to lie on is nothing to wait for", async () => {
  const repair = repairOf(await givenStore());
  repair.addRenewed({ driveId: newDriveId(), createdAt: 1 });
  await run(repair);
  expect(repair.status).toMatchObject({ state: "idle", renewedDrives: [] });
});

test("a scrub reads everything once in a pass, goes on after a restart, and has what it finds repaired", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  const passMs = 14 * 24 * 3_600_000;
  for (let n = 0; n < 4; n += 1) await lab.put(`key-${n}`, bytesOf(20 * KIB, n));
  const object = await lab.store.findObject(lab.bucket, "key-2");
  if (object === undefined) throw new Error("no object");
  const { disk, path } = await lab.shardOf(object, 1);
  disk.corrupt(path, { kind: "flip", offset: 700 });
  const first = repairOf(lab, { scrubPassMs: passMs });
  await run(first, "scrub");
  expect(first.status.scrub).toMatchObject({ lookedAtSets: 1, passCount: 0 });
  clock.nowMs += passMs / 4;
  await run(first, "scrub");
  expect(first.status.scrub).toMatchObject({ lookedAtSets: 2 });
  await first.close();
  const second = repairOf(lab, { scrubPassMs: passMs });
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await run(second, "scrub");
    clock.nowMs += passMs / 4;
  }
  expect(second.status.scrub).toMatchObject({ lookedAtSets: 4, passCount: 1, lostShards: 1 });
  await run(second);
  expect(second.status.done).toMatchObject({ rebuiltShards: 1 });
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toEqual([]);
  // A new pass begins in its time.
  clock.nowMs += passMs;
  await run(second, "scrub");
  expect(second.status.scrub.lookedAtSets).toBe(1);
});

test("without a scrub nothing is read, and a scrub that is turned on again goes on where it was", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  for (let n = 0; n < 3; n += 1) await lab.put(`key-${n}`, bytesOf(20 * KIB, n));
  const passMs = 3_000;
  const first = repairOf(lab, { scrubPassMs: passMs });
  await run(first, "scrub");
  await first.close();
  const none = repairOf(lab, { scrubPassMs: "never" });
  clock.nowMs += passMs / 3;
  expect(await run(none, "scrub")).toBe(0);
  expect(none.status.scrub).toMatchObject({ isOff: true, lookedAtSets: 0 });
  await none.close();
  const again = repairOf(lab, { scrubPassMs: passMs });
  await run(again, "scrub");
  expect(again.status.scrub).toMatchObject({ isOff: false, lookedAtSets: 2 });
});

async function filesOn(disks: readonly SimDrive[]): Promise<readonly string[]> {
  const lists = await Promise.all(
    disks.map(async (disk) => {
      const names = (await disk.list("shards")).map(({ name }) => `shards/${name}`);
      const inside = await Promise.all(
        names.map(async (name) => (await disk.list(name)).map((file) => `${name}/${file.name}`)),
      );
      return inside.flat();
    }),
  );
  return lists.flat();
}
