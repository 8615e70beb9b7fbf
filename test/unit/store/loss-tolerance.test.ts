// How many disks may still fail: by device, by what is away, by sets that lack shards, and by copies of the metadata.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { disksThatMayFail } from "../../../src/store/disk-tolerance.ts";
import type { JournalReport, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { bytesOf, callsOf, givenStore, setIdOf, type LabOptions } from "../../support/store-lab.ts";

test.each([
  [["a", "b", "c"], 0, 0],
  [["a", "b", "c"], 1, 1],
  [["a", "b", "c"], -1, 0],
  [["a", "a", "b", "c"], 2, 1],
  [["a", "a", "a", "b"], 2, 0],
  [["a", "b", "c"], 3, 3],
])("drives on %j of which %i may fail: %i disks", (devices, spareCount, disks) => {
  expect(disksThatMayFail({ devices, spareCount })).toBe(disks);
});

/** Copies of the metadata on the first five drives; the store's metadata itself keeps none. */
function journalOver(driveIds: readonly DriveId[], awayCount = 0): JournalReport {
  const members = driveIds.slice(0, 5).map((driveId, index) => ({
    driveId,
    label: `member ${index}`,
    state: index < awayCount ? ("away" as const) : ("good" as const),
    sequence: 1,
    problem: undefined,
  }));
  return { epoch: 1, sequence: 1, quorum: 3, members };
}

async function givenLab(options: LabOptions = {}, membersAway = 0) {
  const driveIds: DriveId[] = [];
  const wrapMetadata = (metadata: MetadataStore): MetadataStore =>
    new Proxy(metadata, {
      get: (target, name) =>
        name === "journalReport"
          ? () => journalOver(driveIds, membersAway)
          : callable(target, Reflect.get(target, name, target)),
    });
  const lab = await givenStore({
    ...options,
    wrapMetadata,
    wrap: (drive, position) => {
      driveIds.push(drive.driveId);
      return options.wrap?.(drive, position) ?? onOwnDisk(drive, position);
    },
  });
  const tolerance = async () => (await lab.store.inspect()).tolerance;
  return { ...lab, tolerance };
}

function callable(target: object, value: unknown): unknown {
  return typeof value === "function" ? value.bind(target) : value;
}

type Drive = Parameters<typeof callsOf>[0];

const onOwnDisk = (drive: Drive, position: number): Drive => ({
  ...callsOf(drive),
  device: () => Promise.resolve(`disk-${position}`),
});

test("six drives on six disks: two before loss, one before an outage", async () => {
  const { tolerance } = await givenLab();
  expect(await tolerance()).toEqual({
    disksBeforeLoss: 2,
    drivesBeforeLoss: 2,
    disksBeforeOutage: 1,
    isBeyond: false,
  });
});

test("six drives on one disk: no disk may fail, two drives may", async () => {
  const { tolerance } = await givenLab({
    wrap: (drive) => ({ ...callsOf(drive), device: async () => "one" }),
  });
  expect(await tolerance()).toMatchObject({
    disksBeforeLoss: 0,
    drivesBeforeLoss: 2,
    disksBeforeOutage: 0,
  });
});

test("a set that lacks shards brings it down, and one too many lost is said to be beyond", async () => {
  const { tolerance, put, metadata } = await givenLab();
  const object = await put("large", bytesOf(2_000_000, 1));
  await metadata.noteMissing(setIdOf(object), [0]);
  expect(await tolerance()).toMatchObject({ disksBeforeLoss: 1, disksBeforeOutage: 1 });
  await metadata.noteMissing(setIdOf(object), [1, 2]);
  expect(await tolerance()).toMatchObject({
    disksBeforeLoss: 0,
    drivesBeforeLoss: 0,
    isBeyond: true,
  });
});

test("copies of the metadata that are away count too", async () => {
  const { tolerance } = await givenLab({}, 2);
  expect(await tolerance()).toMatchObject({ disksBeforeLoss: 0, disksBeforeOutage: 0 });
});

test("without copies of the metadata its one disk must not fail", async () => {
  const { store } = await givenStore({ wrap: onOwnDisk });
  const { tolerance, journal } = await store.inspect();
  expect(journal).toBeUndefined();
  expect(tolerance).toMatchObject({ disksBeforeLoss: 0, disksBeforeOutage: 0 });
});

test("a drive that errs is away, says why, and counts as lost", async () => {
  const { store, disks, put, tolerance } = await givenLab();
  await put("before", bytesOf(2_000_000, 1));
  disks[3]?.inject({ effect: { kind: "error", code: "EIO" } });
  await put("after", bytesOf(2_000_000, 2));
  const { drives, totals } = await store.inspect();
  const away = drives.filter(({ state }) => state !== "good");
  expect(away).toMatchObject([{ state: "away", calls: { lastError: expect.any(String) } }]);
  expect(totals).toMatchObject({ degradedSets: 1 });
  expect(await tolerance()).toMatchObject({
    disksBeforeLoss: 1,
    disksBeforeOutage: 0,
    isBeyond: false,
  });
});

test("drives that hang hold up no status: what is not known is left out", async () => {
  const { store, disks, tolerance } = await givenLab({
    wrap: (drive) => drive,
    drive: () => ({ deadlineMs: 50 }),
  });
  for (const disk of disks.slice(0, 2)) disk.inject({ effect: { kind: "hang" } });
  const { drives, isWritable } = await store.inspect();
  expect(drives.filter(({ device }) => device === undefined)).toHaveLength(2);
  expect(isWritable).toBe(false);
  expect((await tolerance()).disksBeforeOutage).toBe(0);
});
