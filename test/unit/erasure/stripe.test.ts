// The arithmetic of stripes against a model that cuts a real buffer byte by byte.

import { expect, test } from "vitest";
import {
  geometryFor,
  unitBytesOf,
  writeQuorum,
  type Geometry,
} from "../../../src/erasure/geometry.ts";
import {
  locateRange,
  shardUnitsBytes,
  sliceStripe,
  stripeAt,
  stripeCount,
  unitOf,
} from "../../../src/erasure/stripe.ts";

const geometries: readonly Geometry[] = [
  { dataShards: 4, parityShards: 2, unitBytes: 4 },
  { dataShards: 1, parityShards: 0, unitBytes: 3 },
  { dataShards: 2, parityShards: 1, unitBytes: 5 },
];

test.each(geometries)("stripes of $dataShards units cover objects of 0 to 70 bytes", (geometry) => {
  for (let sizeBytes = 0; sizeBytes <= 70; sizeBytes += 1) {
    const stripes = Array.from({ length: stripeCount(geometry, sizeBytes) }, (_, index) =>
      stripeAt(geometry, sizeBytes, index),
    );
    expect(stripes.reduce((sum, stripe) => sum + stripe.dataBytes, 0)).toBe(sizeBytes);
    const unitsBytes = stripes.reduce((sum, stripe) => sum + stripe.unitBytes, 0);
    expect(shardUnitsBytes(geometry, sizeBytes)).toBe(unitsBytes);
    for (const stripe of stripes.slice(0, -1)) expect(stripe.unitBytes).toBe(geometry.unitBytes);
    for (const stripe of stripes) {
      expect(stripe.unitBytes * geometry.dataShards).toBeGreaterThanOrEqual(stripe.dataBytes);
    }
  }
});

test.each(geometries)("any range of a $dataShards+$parityShards object is found", (geometry) => {
  const sizeBytes = 37;
  const object = Buffer.from(Array.from({ length: sizeBytes }, (_, index) => index + 1));
  const { dataShards } = geometry;
  const units = Array.from({ length: stripeCount(geometry, sizeBytes) }, (_, index) => {
    const stripe = stripeAt(geometry, sizeBytes, index);
    const buffer = Buffer.alloc(dataShards * stripe.unitBytes);
    object.copy(buffer, 0, stripe.offset, stripe.offset + stripe.dataBytes);
    return buffer;
  });
  for (let start = 0; start < sizeBytes; start += 1) {
    for (let end = start + 1; end <= sizeBytes; end += 1) {
      const found: Buffer[] = [];
      const stripes = locateRange(geometry, sizeBytes, { start, end });
      for (let index = stripes.first; index < stripes.end; index += 1) {
        const stripe = stripeAt(geometry, sizeBytes, index);
        for (const slice of sliceStripe(stripe, { start, end })) {
          const unit = unitOf(units[index] ?? Buffer.alloc(0), stripe, slice.shard);
          found.push(Buffer.from(unit.subarray(slice.start, slice.end)));
        }
      }
      expect(Buffer.concat(found).equals(object.subarray(start, end))).toBe(true);
    }
  }
});

test("a small range touches one unit of one stripe", () => {
  const geometry: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 65_536 };
  const range = { start: 10_000_000, end: 10_000_008 };
  const stripes = locateRange(geometry, 20_000_000, range);
  expect(stripes.end - stripes.first).toBe(1);
  expect(sliceStripe(stripeAt(geometry, 20_000_000, stripes.first), range)).toHaveLength(1);
});

test("sizes beyond 32 bits stay exact", () => {
  const geometry: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 65_536 };
  const sizeBytes = 50 * 1024 ** 4 + 1;
  const count = stripeCount(geometry, sizeBytes);
  expect(count).toBe(50 * 4 * 1024 ** 2 + 1);
  expect(stripeAt(geometry, sizeBytes, count - 1)).toMatchObject({ dataBytes: 1, unitBytes: 1 });
  expect(shardUnitsBytes(geometry, sizeBytes)).toBe((count - 1) * 65_536 + 1);
});

test("a range outside of the object is a bug", () => {
  const [geometry] = geometries;
  if (geometry === undefined) throw new Error("there is one");
  expect(() => locateRange(geometry, 10, { start: 3, end: 3 })).toThrow("has bytes");
  expect(() => locateRange(geometry, 10, { start: 3, end: 11 })).toThrow("within");
  expect(() => stripeAt(geometry, 0, 0)).toThrow("within");
});

test.each([
  [1, 1, 0, 1],
  [2, 1, 1, 2],
  [3, 2, 1, 3],
  [4, 2, 2, 3],
  [5, 2, 2, 3],
  [6, 4, 2, 5],
  [11, 4, 2, 5],
  [12, 8, 4, 9],
])("%i drives give %i+%i and a write quorum of %i", (drives, k, m, quorum) => {
  const geometry = geometryFor(drives, 64);
  expect([geometry.dataShards, geometry.parityShards]).toEqual([k, m]);
  expect(writeQuorum(geometry)).toBe(quorum);
  expect(unitBytesOf(geometry, 0)).toBe(0);
});
