// Where an object's bytes lie in its shard set: pure arithmetic. The object is cut into stripes of k units; shard i
// holds unit i of every stripe, one after another. The last stripe is cut into k equal units, padded with zeros.
// Invariant: within a stripe the data is contiguous, so that a buffer of k+m units is filled from its start.

import { assert } from "../util/assert.ts";
import { stripeBytes, unitBytesOf, type Geometry } from "./geometry.ts";

export interface Stripe {
  readonly index: number;
  /** Where its first byte stands in the object. */
  readonly offset: number;
  /** Bytes of object data in it; its k data units may hold a few bytes of padding more. */
  readonly dataBytes: number;
  /** Size of each of its k+m units. */
  readonly unitBytes: number;
}

/** Bytes `start` to `end` (exclusive) of an object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Bytes `start` to `end` (exclusive) of one data unit. */
export interface UnitSlice {
  /** The data shard, 0 to k-1. */
  readonly shard: number;
  readonly start: number;
  readonly end: number;
}

/** The stripes that a range touches: `first` to `end` (exclusive). */
export interface StripeRange {
  readonly first: number;
  readonly end: number;
}

/** Stripes of an object, which is also the number of blocks in each of its shards; none when it is empty. */
export function stripeCount(geometry: Geometry, sizeBytes: number): number {
  return Math.ceil(sizeBytes / stripeBytes(geometry));
}

/** The stripe of that index of an object of `sizeBytes`. */
export function stripeAt(geometry: Geometry, sizeBytes: number, index: number): Stripe {
  const full = stripeBytes(geometry);
  const offset = index * full;
  assert(index >= 0 && offset < sizeBytes, "the stripe lies within the object");
  const dataBytes = Math.min(full, sizeBytes - offset);
  return { index, offset, dataBytes, unitBytes: unitBytesOf(geometry, dataBytes) };
}

/** Bytes of units in each shard, without the checksums between them. */
export function shardUnitsBytes(geometry: Geometry, sizeBytes: number): number {
  const full = stripeBytes(geometry);
  const rest = sizeBytes % full;
  return ((sizeBytes - rest) / full) * geometry.unitBytes + unitBytesOf(geometry, rest);
}

/** Which stripes hold a range. The range lies within the object and is not empty. */
export function locateRange(geometry: Geometry, sizeBytes: number, range: ByteRange): StripeRange {
  assert(range.start >= 0 && range.start < range.end, "a range has bytes");
  assert(range.end <= sizeBytes, "a range lies within the object");
  const full = stripeBytes(geometry);
  return { first: Math.floor(range.start / full), end: Math.ceil(range.end / full) };
}

/** The pieces of a stripe's data units that a range covers, in the order of the object's bytes. */
export function sliceStripe(stripe: Stripe, range: ByteRange): readonly UnitSlice[] {
  const { offset, dataBytes, unitBytes } = stripe;
  const end = Math.min(range.end - offset, dataBytes);
  const slices: UnitSlice[] = [];
  let at = Math.max(range.start - offset, 0);
  while (at < end) {
    const shard = Math.floor(at / unitBytes);
    const base = shard * unitBytes;
    const sliceEnd = Math.min(base + unitBytes, end);
    slices.push({ shard, start: at - base, end: sliceEnd - base });
    at = sliceEnd;
  }
  return slices;
}

/**
 * Zeroes what the last stripe's data units hold beyond the data, so that parity never depends on what a reused buffer
 * held before. `units` is the stripe's buffer: its first k units of `stripe.unitBytes` are data.
 */
export function padStripe(units: Uint8Array, geometry: Geometry, stripe: Stripe): void {
  units.fill(0, stripe.dataBytes, geometry.dataShards * stripe.unitBytes);
}

/** A view of one unit in a stripe's buffer. */
export function unitOf(units: Uint8Array, stripe: Stripe, shard: number): Uint8Array {
  return units.subarray(shard * stripe.unitBytes, (shard + 1) * stripe.unitBytes);
}
