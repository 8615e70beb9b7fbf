// Failure zones: drives that fail together, such as those of one node, one rack or one disk shelf. A layout is mended here
// so that the loss of any one zone costs no partition more shards than parity replaces, wherever the number of zones and of
// their drives allows it; else as few as can be. Drives change places with each other as far as that goes, so that each
// keeps its share. Where no partition has too many in a zone the layout stays what it is.

import type { DriveId } from "../../core/ids.ts";
import type { LayoutRecord } from "../../metadata/records.ts";
import { geometryOf } from "../placement.ts";

/** A drive's zone; one that is in none is a zone of its own. */
export type ZoneOf = (driveId: DriveId) => string;

export interface ZoneLoss {
  /** Its loss costs the most. */
  readonly zone: string;
  /** So many shards of some sets. */
  readonly shardCount: number;
}

export function spreadOverZones(layout: LayoutRecord, zoneOf: ZoneOf): LayoutRecord {
  return new Spread(layout, zoneOf).layout();
}

/** The zone whose loss costs a partition the most shards. */
export function worstZone(layout: LayoutRecord, zoneOf: ZoneOf): ZoneLoss {
  let worst: ZoneLoss = { zone: "", shardCount: 0 };
  const zones = layout.drives.map(zoneOf);
  for (const order of layout.partitions) {
    for (const [zone, shardCount] of countZones(order.slice(0, placesOf(layout)), zones)) {
      if (shardCount > worst.shardCount) worst = { zone, shardCount };
    }
  }
  return worst;
}

function placesOf(layout: LayoutRecord): number {
  const { dataShards, parityShards } = geometryOf(layout);
  return dataShards + parityShards;
}

function countZones(
  order: readonly number[],
  zones: readonly string[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const position of order) {
    const zone = zones[position] ?? "";
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}

/** What parity replaces, or, where zones are too few or too small for that, the least that there is drives for. */
function mostPerZone(layout: LayoutRecord, zones: readonly string[]): number {
  const sizes = [...countZones([...zones.keys()], zones).values()];
  const placeCount = placesOf(layout);
  let most = Math.max(geometryOf(layout).parityShards, 1);
  const roomWith = (limit: number): number =>
    sizes.reduce((sum, size) => sum + Math.min(size, limit), 0);
  while (most < placeCount && roomWith(most) < placeCount) most += 1;
  return most;
}

class Spread {
  readonly #layout: LayoutRecord;
  /** By position in the layout's drives. */
  readonly #zones: readonly string[];
  readonly #placeCount: number;
  readonly #most: number;
  /** By partition: the position of the drive that has each place. */
  readonly #orders: number[][];
  /** By position: how many places the drive has. */
  readonly #held: number[];
  #hasChanged = false;

  constructor(layout: LayoutRecord, zoneOf: ZoneOf) {
    this.#layout = layout;
    this.#zones = layout.drives.map(zoneOf);
    this.#placeCount = placesOf(layout);
    this.#most = mostPerZone(layout, this.#zones);
    this.#orders = layout.partitions.map((order) => [...order]);
    this.#held = layout.drives.map(() => 0);
    for (const partition of this.#orders.keys()) {
      for (const position of this.#used(partition)) this.#count(position, 1);
    }
  }

  layout(): LayoutRecord {
    for (const partition of this.#orders.keys()) {
      while (this.#relieve(partition)) this.#hasChanged = true;
    }
    return this.#hasChanged ? { ...this.#layout, partitions: this.#orders } : this.#layout;
  }

  /** Has a drive of a zone that has too many in a partition give its place up. False when there is none, or no other. */
  #relieve(partition: number): boolean {
    const counts = countZones(this.#used(partition), this.#zones);
    const isOver = (position: number): boolean => this.#countOf(counts, position) > this.#most;
    const isFree = (position: number): boolean =>
      !this.#used(partition).includes(position) && this.#countOf(counts, position) < this.#most;
    // Who has the most gives first, and who has the least takes.
    const givers = this.#used(partition)
      .filter(isOver)
      .toSorted((a, b) => this.#heldBy(b) - this.#heldBy(a));
    const takers = [...this.#zones.keys()]
      .filter(isFree)
      .toSorted((a, b) => this.#heldBy(a) - this.#heldBy(b));
    for (const giver of givers) {
      for (const taker of takers) if (this.#exchange(partition, giver, taker)) return true;
    }
    const [giver] = givers;
    const [taker] = takers;
    if (giver === undefined || taker === undefined) return false;
    this.#put(partition, giver, taker);
    return true;
  }

  /** The giver takes a place of the taker's in another partition, where it does no harm. */
  #exchange(partition: number, giver: number, taker: number): boolean {
    for (let step = 1; step < this.#orders.length; step += 1) {
      const other = (partition + step) % this.#orders.length;
      const used = this.#used(other);
      if (!used.includes(taker) || used.includes(giver)) continue;
      if (this.#countOf(countZones(used, this.#zones), giver) >= this.#most) continue;
      this.#put(partition, giver, taker);
      this.#put(other, taker, giver);
      return true;
    }
    return false;
  }

  /** A first layout names all drives in each partition: the two change places there. */
  #put(partition: number, giver: number, taker: number): void {
    const order = this.#orders[partition] ?? [];
    const [from, to] = [order.indexOf(giver), order.indexOf(taker)];
    if (to >= 0) order[to] = giver;
    order[from] = taker;
    this.#count(giver, -1);
    this.#count(taker, 1);
  }

  #used(partition: number): readonly number[] {
    return this.#orders[partition]?.slice(0, this.#placeCount) ?? [];
  }

  #countOf(counts: ReadonlyMap<string, number>, position: number): number {
    return counts.get(this.#zones[position] ?? "") ?? 0;
  }

  #heldBy(position: number): number {
    return this.#held[position] ?? 0;
  }

  #count(position: number, change: number): void {
    this.#held[position] = this.#heldBy(position) + change;
  }
}
