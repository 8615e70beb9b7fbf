// The layout that follows another when drives come and go. Only places change hands that must: those of a drive that leaves,
// and as many as a new drive is due by its capacity. All others stay where they are, and so do the bytes on them.
// A drive is due places in proportion to its capacity, but no more than one a partition: a set never has two shards on one.

import type { DriveId } from "../../core/ids.ts";
import type { LayoutRecord } from "../../metadata/records.ts";
import { assert } from "../../util/assert.ts";
import { seededRandom } from "../../util/seeded-random.ts";
import { geometryOf, PARTITION_COUNT } from "../placement.ts";
import type { Cut } from "../reshape/other-cuts.ts";

export interface WeighedDrive {
  readonly driveId: DriveId;
  /** Its capacity, in whatever unit all have in common; more than 0. */
  readonly weight: number;
}

/**
 * A layout over these drives, as near to `before` as can be. There must be at least as many as each partition has places:
 * as a set has shards, or more while there are sets that are cut otherwise. It is neither written by nor retired.
 */
export function changeLayout(
  before: LayoutRecord,
  drives: readonly WeighedDrive[],
  placeCount = placesFor(geometryOf(before)),
): LayoutRecord {
  return new Change(before, drives, { cut: geometryOf(before), placeCount }).layout();
}

/**
 * A layout by which sets are cut otherwise, over the drives of `before`: each partition keeps the first places that sets of
 * before may use, `keptCount`, and gets more where the new sets have more shards. So nothing that is there moves.
 */
export function recutLayout(
  before: LayoutRecord,
  drives: readonly WeighedDrive[],
  { cut, keptCount }: { readonly cut: Cut; readonly keptCount: number },
): LayoutRecord {
  const placeCount = Math.max(keptCount, placesFor(cut));
  return new Change(before, drives, { cut, placeCount }).layout();
}

/** How many places a set has that is cut like this. */
export function placesFor({ dataShards, parityShards }: Cut): number {
  return dataShards + parityShards;
}

/** The same layout with one drive in the place of another. */
export function replaceInLayout(before: LayoutRecord, from: DriveId, to: DriveId): LayoutRecord {
  assert(!before.drives.includes(to), "a layout names each drive once");
  return {
    version: before.version + 1,
    drives: before.drives.map((driveId) => (driveId === from ? to : driveId)),
    partitions: before.partitions,
    geometry: geometryOf(before),
    isWritten: false,
    retiredInto: undefined,
  };
}

/** How many places of a layout each drive has. */
export function placeCounts(layout: LayoutRecord): ReadonlyMap<DriveId, number> {
  const { dataShards, parityShards } = geometryOf(layout);
  const counts = new Map<DriveId, number>(layout.drives.map((driveId) => [driveId, 0]));
  for (const order of layout.partitions) {
    for (const position of order.slice(0, dataShards + parityShards)) {
      const driveId = layout.drives[position];
      if (driveId !== undefined) counts.set(driveId, (counts.get(driveId) ?? 0) + 1);
    }
  }
  return counts;
}

/** How many places of each drive in `after` another drive has in `before`. */
export function movedPlaces(
  before: LayoutRecord,
  after: LayoutRecord,
): ReadonlyMap<DriveId, number> {
  const { dataShards, parityShards } = geometryOf(after);
  const moved = new Map<DriveId, number>();
  for (const [partition, order] of after.partitions.entries()) {
    for (let place = 0; place < dataShards + parityShards; place += 1) {
      const driveId = after.drives[order[place] ?? -1];
      const other = before.drives[before.partitions[partition]?.[place] ?? -1];
      if (driveId === undefined || driveId === other) continue;
      moved.set(driveId, (moved.get(driveId) ?? 0) + 1);
    }
  }
  return moved;
}

/** Has a place that is new. */
const NOBODY = "" as DriveId;

class Change {
  readonly #before: LayoutRecord;
  readonly #drives: readonly WeighedDrive[];
  readonly #cut: Cut;
  /** Of each partition. */
  readonly #placeCount: number;
  /** By partition: who has each place. */
  readonly #orders: DriveId[][];
  /** By drive: how many places it has, of each index and in all. */
  readonly #held = new Map<DriveId, number[]>();
  readonly #heldInAll = new Map<DriveId, number>();
  readonly #due: ReadonlyMap<DriveId, number>;

  constructor(
    before: LayoutRecord,
    drives: readonly WeighedDrive[],
    { cut, placeCount }: { readonly cut: Cut; readonly placeCount: number },
  ) {
    this.#before = before;
    this.#drives = drives;
    this.#cut = cut;
    this.#placeCount = placeCount;
    assert(drives.length >= placeCount, "every shard of a set has a drive of its own");
    this.#orders = before.partitions.map((order) =>
      Array.from({ length: placeCount }, (_, place) => before.drives[order[place] ?? -1] ?? NOBODY),
    );
    for (const order of this.#orders) {
      for (const [place, driveId] of order.entries()) this.#count(driveId, place, 1);
    }
    this.#due = dueCounts(drives, PARTITION_COUNT * placeCount);
  }

  layout(): LayoutRecord {
    // In an order that favours no drive and no partition, and is the same each time.
    const partitions = shuffled(this.#orders.length, this.#before.version);
    this.#emptyLeaving(partitions);
    this.#fillNew(partitions);
    const drives = this.#drives.map(({ driveId }) => driveId);
    return {
      version: this.#before.version + 1,
      drives,
      partitions: this.#orders.map((order) => order.map((driveId) => drives.indexOf(driveId))),
      geometry: this.#cut,
      isWritten: false,
      retiredInto: undefined,
    };
  }

  /** Each place of a drive that leaves, and each that is new, goes to the one that has the least of what it is due. */
  #emptyLeaving(partitions: readonly number[]): void {
    const staying = new Set(this.#drives.map(({ driveId }) => driveId));
    for (const partition of partitions) {
      const order = this.#orders[partition] ?? [];
      for (const [place, driveId] of order.entries()) {
        if (staying.has(driveId)) continue;
        const candidates = [...staying].filter((candidate) => !order.includes(candidate));
        const taker = best(candidates, (candidate) => [
          this.#lack(candidate),
          -this.#heldAt(candidate, place),
        ]);
        assert(taker !== undefined, "there is a drive for every shard");
        this.#give(partition, place, taker);
      }
    }
  }

  /** A new drive takes what it is due from those that have the most beyond what they are. */
  #fillNew(partitions: readonly number[]): void {
    for (const { driveId } of this.#drives) {
      if (this.#before.drives.includes(driveId)) continue;
      while (this.#lack(driveId) >= 1) {
        const found = this.#placeFor(driveId, partitions);
        if (found === undefined) break;
        this.#give(found.partition, found.place, driveId);
      }
    }
  }

  /** Of the drive that has the most beyond what it is due, one of the index that the new one has least of. */
  #placeFor(driveId: DriveId, partitions: readonly number[]) {
    let found: { readonly partition: number; readonly place: number } | undefined;
    let [most, least] = [0, 0];
    const beyond = new Map([...this.#heldInAll.keys()].map((id) => [id, -this.#lack(id)]));
    for (const partition of partitions) {
      const order = this.#orders[partition] ?? [];
      if (order.includes(driveId)) continue;
      for (const [place, holder] of order.entries()) {
        const more = beyond.get(holder) ?? 0;
        const surplus = Math.floor(more);
        if (more <= 0 || (found !== undefined && surplus < most)) continue;
        const held = this.#heldAt(driveId, place);
        const isBetter = surplus > most || (surplus === most && held < least);
        if (found !== undefined && !isBetter) continue;
        found = { partition, place };
        [most, least] = [surplus, held];
      }
    }
    return found;
  }

  #give(partition: number, place: number, taker: DriveId): void {
    const order = this.#orders[partition];
    const holder = order?.[place];
    if (order === undefined || holder === undefined) return;
    this.#count(holder, place, -1);
    this.#count(taker, place, 1);
    order[place] = taker;
  }

  /** What it is due beyond what it has; below zero it has too much. */
  #lack(driveId: DriveId): number {
    return (this.#due.get(driveId) ?? 0) - (this.#heldInAll.get(driveId) ?? 0);
  }

  #heldAt(driveId: DriveId, place: number): number {
    return this.#held.get(driveId)?.[place] ?? 0;
  }

  #count(driveId: DriveId, place: number, change: number): void {
    const held = this.#held.get(driveId) ?? Array.from({ length: this.#placeCount }, () => 0);
    held[place] = (held[place] ?? 0) + change;
    this.#held.set(driveId, held);
    this.#heldInAll.set(driveId, (this.#heldInAll.get(driveId) ?? 0) + change);
  }
}

/** In proportion to the weights, and no more than one a partition: what is beyond that is the others'. */
function dueCounts(
  drives: readonly WeighedDrive[],
  placeCount: number,
): ReadonlyMap<DriveId, number> {
  const due = new Map<DriveId, number>();
  let left = placeCount;
  let open = [...drives];
  while (open.length > 0) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0);
    const share = left / weights;
    const full = open.filter(({ weight }) => weight * share >= PARTITION_COUNT);
    for (const { driveId, weight } of full.length > 0 ? full : open) {
      due.set(driveId, Math.min(weight * share, PARTITION_COUNT));
    }
    if (full.length === 0) break;
    left -= full.length * PARTITION_COUNT;
    open = open.filter((drive) => !full.includes(drive));
  }
  return due;
}

/** The first of those with the greatest rank, compared number by number. */
function best<Value>(
  values: readonly Value[],
  rankOf: (value: Value) => readonly [number, number],
): Value | undefined {
  let found: { readonly value: Value; readonly rank: readonly [number, number] } | undefined;
  for (const value of values) {
    const rank = rankOf(value);
    const isBetter =
      found === undefined ||
      rank[0] > found.rank[0] ||
      (rank[0] === found.rank[0] && rank[1] > found.rank[1]);
    if (isBetter) found = { value, rank };
  }
  return found?.value;
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
