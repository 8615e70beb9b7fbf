// A store that several processes serve: what the others read keeps the trash, what they wrote is an orphan once they are
// gone, and what they say is counted in.

import { expect, test } from "vitest";
import { incarnationOf, type DriveId } from "../../../src/core/ids.ts";
import type { SideReport } from "../../../src/store/side-workers.ts";
import { fromMachineTime, toMachineTime } from "../../../src/util/machine-time.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import { bytesOf, givenStore, HandClock, setIdOf } from "../../support/store-lab.ts";

const SIZE = 700_000;
const MINUTE_MS = 60_000;

async function givenLead() {
  const clock = new HandClock();
  const lab = await givenStore({ clock, limits: { trashGraceMs: MINUTE_MS } });
  await lab.put("gone", bytesOf(SIZE, 1));
  /** As a side without a reading makes it at this time. */
  const report = (more: Partial<SideReport> = {}): SideReport => ({
    madeAt: toMachineTime(clock, clock.monotonic()),
    oldestReadingStartedAt: undefined,
    openReadings: 0,
    litter: 0,
    awayDrives: [],
    layoutStamp: "1.1.1",
    oldestLayout: 1,
    ...more,
  });
  const remove = async () => {
    await deleteKeys(lab.store, lab.bucket, ["gone"]);
    await lab.store.collectTrash();
    clock.nowMs += 2 * MINUTE_MS;
  };
  return { ...lab, clock, report, remove };
}

test("F66 nothing is removed before every side has said that it reads nothing so old", async () => {
  const { store, report, remove } = await givenLead();
  await store.beginSide("one");
  await store.beginSide("two");
  await remove();
  expect(await store.collectTrash()).toMatchObject({ removedCount: 0 });
  store.noteSide("one", report({ openReadings: 1 }));
  expect(await store.collectTrash()).toMatchObject({ removedCount: 0 });
  store.noteSide("two", report());
  expect(await store.collectTrash()).toMatchObject({ removedCount: 1 });
});

test("F66 a side's reading from before the deletion keeps the shards for as long as it is open", async () => {
  const { store, report, remove } = await givenLead();
  await store.beginSide("one");
  await remove();
  const oldestReadingStartedAt = report().madeAt - 3 * MINUTE_MS;
  store.noteSide("one", report({ oldestReadingStartedAt, openReadings: 1 }));
  expect(await store.collectTrash()).toMatchObject({ removedCount: 0 });
  store.noteSide("one", report());
  expect(await store.collectTrash()).toMatchObject({ removedCount: 1 });
});

test("a report that was made before the deletion tells nothing of what was read since", async () => {
  const { store, report, remove } = await givenLead();
  await store.beginSide("one");
  await remove();
  const late = report().madeAt - 3 * MINUTE_MS;
  store.noteSide("one", report({ madeAt: late }));
  expect(await store.collectTrash()).toMatchObject({ removedCount: 0 });
});

test("a side that is gone reads nothing, and its incarnation has ended", async () => {
  const { store, metadata, remove } = await givenLead();
  const incarnation = await store.beginSide("one");
  await remove();
  expect(await store.collectTrash()).toMatchObject({ removedCount: 0 });
  await store.endSide("one");
  await store.endSide("one");
  expect(await store.collectTrash()).toMatchObject({ removedCount: 1 });
  const ended = (await metadata.listProcesses()).filter(({ endedAt }) => endedAt !== undefined);
  expect(ended.map((row) => row.incarnation)).toEqual([incarnation]);
});

test("an end that the metadata could not be told of is told later", async () => {
  let isAway = false;
  const { store, metadata } = await givenStore({
    wrapMetadata: (inner) => {
      const end = inner.endIncarnation.bind(inner);
      inner.endIncarnation = (...input) =>
        isAway ? Promise.reject(new Error("the members are away")) : end(...input);
      return inner;
    },
  });
  await store.beginSide("one");
  isAway = true;
  await store.endSide("one");
  isAway = false;
  expect((await metadata.listProcesses()).filter(({ endedAt }) => endedAt)).toEqual([]);
  await store.collectTrash();
  expect((await metadata.listProcesses()).filter(({ endedAt }) => endedAt)).toHaveLength(1);
});

test("what sides say is counted in, and a drive that one of them has lost is away", async () => {
  const { store, report } = await givenLead();
  const [first] = (await store.inspect()).drives;
  await store.beginSide("one");
  await store.beginSide("two");
  const awayDrives = [first?.driveId ?? ("none" as DriveId)];
  store.noteSide("one", report({ openReadings: 2, litter: 3, awayDrives }));
  store.noteSide("two", report({ openReadings: 1, awayDrives }));
  store.noteSide("unknown", report({ openReadings: 100 }));
  expect(store.awayCount()).toBe(1);
  expect(store.openReadings()).toBe(3);
  expect(store.litterCount()).toBe(3);
  const status = await store.inspect();
  expect(status).toMatchObject({ openReadings: 3, litter: 3 });
  expect(status.drives.map(({ state }) => state)).toEqual(["away", ...Array(5).fill("good")]);
});

test("a side writes as the incarnation that it was given, and leaves its end to the lead", async () => {
  const lead = await givenLead();
  const incarnation = await lead.store.beginSide("one");
  const side = await givenStore({ sideIncarnation: incarnation });
  const { store, bucket, put, metadata } = side;
  expect(incarnationOf(setIdOf(await put("key", bytesOf(SIZE, 2))))).toBe(incarnation);
  const reading = await store.openObject(bucket, "key");
  expect(store.reportOfSide()).toMatchObject({ openReadings: 1, litter: 0, awayDrives: [] });
  reading?.close();
  await store.tendSide();
  await store.close();
  expect(await metadata.listProcesses()).toEqual([]);
});

test("times of one process are never later in another than they were", () => {
  const clock = { now: () => 0, monotonic: () => performance.now(), translate: (ms: number) => ms };
  const other = { ...clock, monotonic: () => performance.now() - 12_345.6 };
  for (let index = 0; index < 1_000; index += 1) {
    const time = clock.monotonic();
    const there = fromMachineTime(other, toMachineTime(clock, time));
    expect(there).toBeLessThanOrEqual(time - 12_345.6);
    expect(there).toBeGreaterThan(time - 12_345.6 - 1_000);
  }
});
