// Failure zones: whatever the drives and their zones, the loss of one costs no more shards than parity replaces, where that
// can be; each drive keeps its share as far as that goes; and what is well already stays as it is.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { changeLayout, movedPlaces, placeCounts } from "../../../src/store/layout/change-layout.ts";
import { spreadOverZones, worstZone } from "../../../src/store/layout/spread-over-zones.ts";
import { geometryOf, makeLayout } from "../../../src/store/placement.ts";

/** Drives of zones that have so many each: `a0`, `a1`, `b0`, ... */
function givenDrives(...sizes: readonly number[]): readonly DriveId[] {
  return sizes.flatMap((size, zone) =>
    Array.from({ length: size }, (_, index) => `${"abcdefgh"[zone] ?? ""}${index}` as DriveId),
  );
}

const zoneOf = (driveId: DriveId): string => driveId.slice(0, 1);
const sum = (moved: ReadonlyMap<DriveId, number>) => [...moved.values()].reduce((a, b) => a + b, 0);
const weighed = (drives: readonly DriveId[]) => drives.map((driveId) => ({ driveId, weight: 1 }));

function expectSound(layout: ReturnType<typeof makeLayout>): void {
  const { dataShards, parityShards } = geometryOf(layout);
  for (const order of layout.partitions) {
    const used = order.slice(0, dataShards + parityShards);
    expect(new Set(used).size).toBe(dataShards + parityShards);
    expect(used.every((position) => layout.drives[position] !== undefined)).toBe(true);
  }
}

test.each([
  ["three zones of two, 4+2", [2, 2, 2], 2],
  ["three zones of four, 8+4", [4, 4, 4], 4],
  ["four zones of two, 4+2", [2, 2, 2, 2], 2],
  ["one large zone among others, 4+2", [4, 2, 1, 1, 1], 2],
  ["two zones of three, where no layout can do it, 4+2", [3, 3], 3],
  ["a zone that must have four, 4+2", [5, 1, 1], 4],
])("%s: a first layout", (_what, sizes, most) => {
  const drives = givenDrives(...sizes);
  const layout = spreadOverZones(makeLayout(1, drives), zoneOf);
  expectSound(layout);
  expect(worstZone(layout, zoneOf).shardCount).toBeLessThanOrEqual(most);
  // All are used, none is favoured beyond what its zone's size makes it.
  const counts = [...placeCounts(layout).values()];
  expect(Math.min(...counts)).toBeGreaterThan(0);
});

test("a layout in which no zone has too many is the very same, and so is one without zones", () => {
  const three = makeLayout(1, givenDrives(2, 2, 2));
  expect(spreadOverZones(three, zoneOf)).toBe(three);
  const alone = makeLayout(1, givenDrives(8));
  expect(spreadOverZones(alone, (driveId) => driveId)).toBe(alone);
});

test("drives of equal zones keep equal shares", () => {
  const layout = spreadOverZones(makeLayout(1, givenDrives(3, 3, 3)), zoneOf);
  expect(worstZone(layout, zoneOf).shardCount).toBe(2);
  const counts = [...placeCounts(layout).values()];
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(4);
});

test("a zone that comes and one that goes: the rule holds after each, and little more moves than must", () => {
  const before = spreadOverZones(makeLayout(1, givenDrives(2, 2, 2)), zoneOf);
  const four = givenDrives(2, 2, 2, 2);
  const bare = changeLayout(before, weighed(four));
  const grown = spreadOverZones(bare, zoneOf);
  expectSound(grown);
  expect(worstZone(grown, zoneOf).shardCount).toBe(2);
  expect(sum(movedPlaces(before, grown))).toBeLessThanOrEqual(1.3 * sum(movedPlaces(before, bare)));
  const shrunk = spreadOverZones(
    changeLayout(grown, weighed(four.filter((driveId) => zoneOf(driveId) !== "b"))),
    zoneOf,
  );
  expectSound(shrunk);
  expect(worstZone(shrunk, zoneOf).shardCount).toBe(2);
});
