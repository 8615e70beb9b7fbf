// How a shard set is cut: k data shards and m parity shards, in stripes of k units. Recorded with each set, never changed.

import { assert } from "../util/assert.ts";

export interface Geometry {
  /** k: how many shards suffice to read. */
  readonly dataShards: number;
  /** m: how many shards may be lost. */
  readonly parityShards: number;
  /** One shard's share of a full stripe, in bytes. */
  readonly unitBytes: number;
}

/** Shards of a set. */
export function shardCount(geometry: Geometry): number {
  return geometry.dataShards + geometry.parityShards;
}

/** The k+m for a number of drives. */
export function geometryFor(driveCount: number, unitBytes: number): Geometry {
  assert(driveCount >= 1, "a set needs a drive");
  const [dataShards, parityShards] =
    driveCount >= 12
      ? [8, 4]
      : driveCount >= 6
        ? [4, 2]
        : driveCount >= 4
          ? [2, 2]
          : driveCount === 3
            ? [2, 1]
            : driveCount === 2
              ? [1, 1]
              : [1, 0];
  return { dataShards, parityShards, unitBytes };
}

/**
 * How many shards must be durable before a write is acknowledged: k+1, so that a loss right after it is survived;
 * all of them where there is no second parity shard to give up (m of 0 or 1).
 */
export function writeQuorum(geometry: Geometry): number {
  return geometry.dataShards + Math.min(1, geometry.parityShards);
}

/** Bytes of object data in a full stripe. */
export function stripeBytes(geometry: Geometry): number {
  return geometry.dataShards * geometry.unitBytes;
}

/** The size of each unit of a stripe that holds `dataBytes`: the last stripe is cut into k equal units. */
export function unitBytesOf(geometry: Geometry, dataBytes: number): number {
  return Math.ceil(dataBytes / geometry.dataShards);
}
