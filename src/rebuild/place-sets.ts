// Where sets are, as layouts: a set's partition names its drives. Sets that lie where the layout in force puts them belong
// to that; for others (they were written under layouts that nobody knows any more) older layouts are made of where their
// shards are found. Nothing is moved: whoever serves with the new metadata finds every shard where it is.

import type { DriveId, SetId } from "../core/ids.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import type { StagedSet } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { geometryOf } from "../store/placement.ts";
import { isSameCut, type Cut } from "../store/reshape/other-cuts.ts";

const PARTITION_COUNT = 256;

/** What of a set says where it is. */
export type PlacedSet = Pick<StagedSet, "dataShards" | "drives" | "id" | "isPack" | "parityShards">;

/** A layout as it comes to light: per partition the drive of each index; -1 where no set has said it yet. */
type Pattern = Map<number, number[]>;

export class SetPlaces {
  /** Those present, in the order in which sets name them. */
  readonly #drives: readonly DriveId[];
  /** Those that say where sets are, the newest first. */
  readonly #known: readonly LayoutRecord[];
  /** The last one. Sets may not be written by it yet: whoever starts with the new metadata writes by it at once. */
  readonly #newest: LayoutRecord | undefined;
  readonly #lastVersion: number;
  readonly #patterns: Pattern[] = [];
  /** How the sets of each pattern are cut: by what layouts say of it the others are found that are to be cut anew. */
  readonly #cuts: Cut[] = [];
  /** How many shards a set has at most. */
  #widest = 0;
  /** Of packs that lie where a known layout puts them: they are asked for again and again. */
  readonly #packVersions = new Map<SetId, number>();

  /** @param known Layouts that are there, or the one that a first start would make. */
  constructor(drives: readonly DriveId[], known: readonly LayoutRecord[]) {
    this.#drives = drives;
    const sorted = known.toSorted((a, b) => b.version - a.version);
    this.#known = sorted.filter(({ retiredInto }) => retiredInto === undefined);
    this.#newest = sorted[0] && { ...sorted[0], isWritten: true };
    this.#lastVersion = sorted[0]?.version ?? 0;
  }

  /** To be called for each set before `layouts` and `versionOf`. The version of a layout that says where it is. */
  add(set: PlacedSet): number {
    this.#widest = Math.max(this.#widest, set.drives.length);
    const known = this.#known.find((layout) => this.#fitsLayout(layout, set));
    if (known !== undefined && set.isPack) this.#packVersions.set(set.id, known.version);
    if (known !== undefined) return known.version;
    const partition = partitionOf(set.id);
    const { dataShards, parityShards } = set;
    let index = this.#findPattern(set, fitsPattern);
    if (index < 0) {
      index = this.#patterns.length;
      this.#patterns.push(new Map());
      this.#cuts.push({ dataShards, parityShards });
    }
    const pattern = this.#patterns[index];
    const standing = pattern?.get(partition) ?? [];
    const length = Math.max(standing.length, set.drives.length);
    pattern?.set(
      partition,
      Array.from({ length }, (_, at) => pickDrive(standing[at], set.drives[at])),
    );
    return this.#lastVersion + index + 1;
  }

  /**
   * Layouts to be added: those that came to light, and behind them, so that sets come to lie by it, the newest one again. None
   * where every set lies where a known one puts it.
   */
  layouts(): readonly LayoutRecord[] {
    const newest = this.#newest;
    if (newest === undefined || this.#patterns.length === 0) return [];
    const found = this.#patterns.map((pattern, index) => this.#layoutOf(pattern, newest, index));
    const version = this.#lastVersion + found.length + 1;
    return [...found, { ...newest, version, partitions: this.#widened(newest) }];
  }

  /** With a place for each shard of every set: what has none could never be brought to where the layout says. */
  #widened({ drives, partitions }: LayoutRecord): LayoutRecord["partitions"] {
    return partitions.map((order) => {
      const free = drives.map((_drive, at) => at).filter((at) => !order.includes(at));
      return [...order, ...free.slice(0, Math.max(0, this.#widest - order.length))];
    });
  }

  /** Of a set that was added: one that says where it is, be it another than it was added to. */
  versionOf(set: PlacedSet): number {
    const known =
      this.#packVersions.get(set.id) ??
      this.#known.find((layout) => this.#fitsLayout(layout, set))?.version;
    if (known !== undefined) return known;
    const index = this.#findPattern(set, saysWhere);
    return index < 0 ? 0 : this.#lastVersion + index + 1;
  }

  /** The first that is of sets that are cut like this, and of which that is so; -1: none. */
  #findPattern(
    set: PlacedSet,
    isRight: (standing: readonly number[] | undefined, found: readonly number[]) => boolean,
  ): number {
    const partition = partitionOf(set.id);
    return this.#patterns.findIndex((pattern, at) => {
      const cut = this.#cuts[at];
      if (cut === undefined || !isSameCut(cut, set)) return false;
      return isRight(pattern.get(partition), set.drives);
    });
  }

  /** Whether all shards that were found lie on the drives that the layout names for them. */
  #fitsLayout(layout: LayoutRecord, set: PlacedSet): boolean {
    if (!isSameCut(geometryOf(layout), set)) return false;
    const { drives, partitions } = layout;
    const order = partitions[partitionOf(set.id)] ?? [];
    if (order.length < set.drives.length) return false;
    return set.drives.every((drive, index) => {
      const position = order[index];
      return drive < 0 || (position !== undefined && drives[position] === this.#drives[drive]);
    });
  }

  #layoutOf(pattern: Pattern, newest: LayoutRecord, index: number): LayoutRecord {
    const absent = newest.drives.filter((driveId) => !this.#drives.includes(driveId));
    const drives = [...this.#drives, ...absent];
    const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => {
      const found = pattern.get(partition) ?? [];
      // Where no shard was found any drive will do that has none of the others: there it is made anew. Absent ones first.
      const free = drives.map((_drive, at) => at).filter((at) => !found.includes(at));
      const order = free.toReversed();
      const filled = found.map((at) => (at < 0 ? (order.shift() ?? at) : at));
      return [...filled, ...order.toReversed()];
    });
    const version = this.#lastVersion + index + 1;
    return { ...newest, version, drives, partitions, geometry: this.#cuts[index] };
  }
}

function partitionOf(setId: SetId): number {
  return Number.parseInt(setId.slice(-2), 16);
}

function pickDrive(standing: number | undefined, found: number | undefined): number {
  if (standing !== undefined && standing >= 0) return standing;
  return found ?? -1;
}

function saysWhere(standing: readonly number[] | undefined, found: readonly number[]): boolean {
  return standing !== undefined && found.every((drive, at) => drive < 0 || standing[at] === drive);
}

/** Whether one order can hold both: the same index on the same drive, and no drive twice that was not there twice. */
function fitsPattern(standing: readonly number[] | undefined, found: readonly number[]): boolean {
  if (standing === undefined || saysWhere(standing, found)) return true;
  const merged = Array.from({ length: Math.max(standing.length, found.length) }, (_, at) =>
    pickDrive(standing[at], found[at]),
  );
  const isSame = found.every((drive, at) => drive < 0 || merged[at] === drive);
  const known = merged.filter((drive) => drive >= 0);
  return isSame && new Set(known).size === known.length;
}
