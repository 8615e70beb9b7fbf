// The layout after a change: as little changes hands as can, each has what it is due, and no set has two shards on a drive.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import type { LayoutRecord } from "../../../src/metadata/records.ts";
import {
  changeLayout,
  movedPlaces,
  placeCounts,
  recutLayout,
  replaceInLayout,
  type WeighedDrive,
} from "../../../src/store/layout/change-layout.ts";
import { geometryOf, makeLayout, PARTITION_COUNT } from "../../../src/store/placement.ts";

const ids = (count: number): readonly DriveId[] =>
  Array.from({ length: count }, (_, index) => `drive-${index}` as DriveId);
const weighed = (drives: readonly DriveId[], weight = 1): readonly WeighedDrive[] =>
  drives.map((driveId) => ({ driveId, weight }));
const movedCount = (before: LayoutRecord, after: LayoutRecord): number =>
  [...movedPlaces(before, after).values()].reduce((sum, count) => sum + count, 0);

function expectSound(layout: LayoutRecord): void {
  const { dataShards, parityShards } = geometryOf(layout);
  expect(layout.partitions).toHaveLength(PARTITION_COUNT);
  for (const order of layout.partitions) {
    expect(order.length).toBeGreaterThanOrEqual(dataShards + parityShards);
    expect(new Set(order).size).toBe(order.length);
    for (const position of order) expect(layout.drives[position]).toBeDefined();
  }
}

test("a seventh drive takes its seventh, and nothing else changes hands", () => {
  const before = makeLayout(1, ids(6));
  const after = changeLayout(before, weighed(ids(7)));
  expectSound(after);
  expect(geometryOf(after)).toEqual({ dataShards: 4, parityShards: 2 });
  const due = (PARTITION_COUNT * 6) / 7;
  expect(movedCount(before, after)).toBe(Math.floor(due));
  expect([...movedPlaces(before, after).keys()]).toEqual(["drive-6"]);
  for (const count of placeCounts(after).values()) expect(Math.abs(count - due)).toBeLessThan(2);
  // Of each index about as many: data is read more than parity.
  const held = Array.from({ length: 6 }, (_, place) => {
    return after.partitions.filter((order) => after.drives[order[place] ?? -1] === "drive-6");
  });
  const counts = held.map(({ length }) => length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(12);
});

test("a drive that leaves gives up what it has, and nothing else changes hands", () => {
  const seven = changeLayout(makeLayout(1, ids(6)), weighed(ids(7)));
  const rest = seven.drives.filter((driveId) => driveId !== "drive-2");
  const after = changeLayout(seven, weighed(rest));
  expectSound(after);
  expect(after.drives).not.toContain("drive-2");
  expect(movedCount(seven, after)).toBe(placeCounts(seven).get("drive-2" as DriveId));
  for (const count of placeCounts(after).values()) expect(count).toBe(PARTITION_COUNT);
});

test("a drive is due places by its capacity, and no more than there are partitions", () => {
  const before = makeLayout(1, ids(6));
  const small = changeLayout(before, [
    ...weighed(ids(6), 100),
    { driveId: "small" as DriveId, weight: 50 },
  ]);
  expectSound(small);
  expect(placeCounts(small).get("small" as DriveId)).toBe(Math.floor((1_536 * 50) / 650));
  const large = changeLayout(before, [
    ...weighed(ids(6), 100),
    { driveId: "large" as DriveId, weight: 10_000 },
  ]);
  expectSound(large);
  expect(placeCounts(large).get("large" as DriveId)).toBe(PARTITION_COUNT);
  const others = ids(6).map((driveId) => placeCounts(large).get(driveId) ?? 0);
  expect(Math.max(...others) - Math.min(...others)).toBeLessThan(3);
});

test.each([2, 3, 5, 7, 12])("%i drives and one more, then all of them again", (count) => {
  const before = makeLayout(1, ids(count));
  const more = changeLayout(before, weighed(ids(count + 1)));
  expectSound(more);
  expect(geometryOf(more)).toEqual(geometryOf(before));
  const back = changeLayout(more, weighed(ids(count)));
  expectSound(back);
  const least = placeCounts(more).get(`drive-${count}` as DriveId) ?? 0;
  expect(movedCount(more, back)).toBe(least);
});

test("two that come at once share what they are due", () => {
  const before = makeLayout(1, ids(6));
  const after = changeLayout(before, weighed(ids(8)));
  expectSound(after);
  for (const count of placeCounts(after).values()) expect(Math.abs(count - 192)).toBeLessThan(2);
  expect(movedCount(before, after)).toBe(384);
});

test("one that takes another's place takes all of it, and only that", () => {
  const before = makeLayout(1, ids(6));
  const after = replaceInLayout(before, "drive-3" as DriveId, "new" as DriveId);
  expectSound(after);
  expect([...movedPlaces(before, after)]).toEqual([["new", PARTITION_COUNT]]);
  expect(after).toMatchObject({ version: 2, isWritten: false, retiredInto: undefined });
});

test("the same change makes the same layout", () => {
  const before = makeLayout(1, ids(6));
  expect(changeLayout(before, weighed(ids(7)))).toEqual(changeLayout(before, weighed(ids(7))));
});

test("sets that are cut otherwise get places behind those of before, each drive what it is due", () => {
  const one = makeLayout(1, ids(1));
  const ten = changeLayout(one, weighed(ids(10)));
  const cut = { dataShards: 4, parityShards: 2 };
  const after = recutLayout(ten, weighed(ids(10)), { cut, keptCount: 1 });
  expectSound(after);
  expect(geometryOf(after)).toEqual(cut);
  for (const [partition, [first]] of ten.partitions.entries()) {
    expect(after.partitions[partition]?.[0]).toBe(first);
    expect(after.partitions[partition]).toHaveLength(6);
  }
  const due = (PARTITION_COUNT * 6) / 10;
  for (const count of placeCounts(after).values()) expect(Math.abs(count - due)).toBeLessThan(2);

  const narrow = { dataShards: 2, parityShards: 1 };
  const back = recutLayout(after, weighed(ids(10)), { cut: narrow, keptCount: 6 });
  expectSound(back);
  expect(back.partitions).toEqual(after.partitions);
  // A drive that comes finds places for the wider sets still, and later no more than the others need.
  const more = weighed(ids(11));
  expect(changeLayout(back, more, 6).partitions[0]).toHaveLength(6);
  expect(changeLayout(back, more).partitions[0]).toHaveLength(3);
});
