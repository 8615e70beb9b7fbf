// Layouts: deterministic, complete, and even in every place of the order.

import { expect, test } from "vitest";
import type { DriveId, SetId } from "../../../src/core/ids.ts";
import {
  drivesOfSet,
  makeLayout,
  PARTITION_COUNT,
  partitionOf,
} from "../../../src/store/placement.ts";

const drivesNamed = (count: number): readonly DriveId[] =>
  Array.from({ length: count }, (_, index) => `drive-${index}` as DriveId);

test.each([1, 2, 3, 6, 7, 12, 20])("%i drives stand in each place about equally often", (count) => {
  const { partitions } = makeLayout(1, drivesNamed(count));
  expect(partitions).toHaveLength(PARTITION_COUNT);
  for (let place = 0; place < count; place += 1) {
    const counts = new Map<number, number>();
    for (const order of partitions) {
      expect(new Set(order).size).toBe(count);
      const drive = order[place] ?? -1;
      counts.set(drive, (counts.get(drive) ?? 0) + 1);
    }
    // Whole rounds are exactly even; only the last, cut-off round is not.
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    expect(counts.size).toBe(count);
  }
});

test("with more drives than a set needs, neighbours differ from round to round", () => {
  const { partitions } = makeLayout(1, drivesNamed(12));
  const groups = new Set(
    partitions.map((order) =>
      order
        .slice(0, 6)
        .toSorted((a, b) => a - b)
        .join(),
    ),
  );
  expect(groups.size).toBeGreaterThan(12);
});

test("the same drives make the same layout", () => {
  expect(makeLayout(1, drivesNamed(9))).toEqual(makeLayout(1, drivesNamed(9)));
});

test("a set lies on the first drives of its partition, which its last digits name", () => {
  const layout = makeLayout(1, drivesNamed(7));
  const setId = `${"0".repeat(30)}fe` as SetId;
  expect(partitionOf(setId)).toBe(254);
  const expected = layout.partitions[254]?.slice(0, 6).map((position) => `drive-${position}`);
  expect(drivesOfSet(layout, setId, 6)).toEqual(expected);
});
