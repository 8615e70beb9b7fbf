// Which drives hold which set. A layout cuts all sets into partitions and gives each an order of drives; a set uses the
// first k+m drives of its partition. Objects name sets, never drives: moving a partition rewrites no object rows.
// The first layout depends on nothing but the list of drives, and gives every drive each place about equally often; those
// that follow when drives come and go are in layout/change-layout.ts.

import type { DriveId, SetId } from "../core/ids.ts";
import { geometryFor, type Geometry } from "../erasure/geometry.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { assert } from "../util/assert.ts";
import { seededRandom } from "../util/seeded-random.ts";

export const PARTITION_COUNT = 256;

/** The partition of a set: the last two digits of its id, which are random. */
export function partitionOf(setId: SetId): number {
  return Number.parseInt(setId.slice(-2), 16);
}

export function makeLayout(version: number, drives: readonly DriveId[]): LayoutRecord {
  assert(drives.length > 0, "a layout has drives");
  assert(new Set(drives).size === drives.length, "a layout names each drive once");
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) =>
    orderOf(partition, drives.length),
  );
  return { version, drives, partitions, isWritten: true, retiredInto: undefined };
}

/** How the sets of a layout are cut. A first layout says nothing of it: there the number of its drives does. */
export function geometryOf(layout: LayoutRecord): Pick<Geometry, "dataShards" | "parityShards"> {
  const { dataShards, parityShards } = layout.geometry ?? geometryFor(layout.drives.length, 1);
  return { dataShards, parityShards };
}

/** The drives of a set's shards, in order of index: as many as the layout has places, where a set has more. */
export function drivesOfSet(
  layout: LayoutRecord,
  setId: SetId,
  shardCount: number,
): readonly DriveId[] {
  const order = layout.partitions[partitionOf(setId)]?.slice(0, shardCount) ?? [];
  return order.map((position) => {
    const drive = layout.drives[position];
    assert(drive !== undefined, "a partition names drives of its layout");
    return drive;
  });
}

/** Rounds of n partitions take one shuffled order and turn it, so that each drive comes first once a round. */
function orderOf(partition: number, driveCount: number): readonly number[] {
  const order = shuffled(driveCount, Math.floor(partition / driveCount));
  const turn = partition % driveCount;
  return [...order.slice(turn), ...order.slice(0, turn)];
}

function shuffled(count: number, seed: number): readonly number[] {
  const random = seededRandom(seed);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let end = count; end > 1; end -= 1) {
    const [taken = 0] = order.splice(random.below(end), 1);
    order.push(taken);
  }
  return order;
}
