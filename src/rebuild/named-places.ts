// Sets that the base names, where drives have come or gone since, or a rebuild has made layouts of its own: their shards lie
// elsewhere than the base says. Files are looked for, not read: what is wrong with one is for whoever checks it.

import type { DriveId } from "../core/ids.ts";
import { shardCount } from "../erasure/geometry.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import type { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import type { NamedSet } from "../metadata/sqlite/rebuild/named-sets.ts";
import { resolveLayouts } from "../store/layout/resolve-layouts.ts";
import { drivesOfSet, geometryOf } from "../store/placement.ts";
import { isSameCut } from "../store/reshape/other-cuts.ts";
import type { FoundSet } from "./found-set.ts";
import { matchDrives } from "./match-drives.ts";
import { SetPlaces } from "./place-sets.ts";

export interface NamedPlacesParts {
  readonly draft: DraftDatabase;
  /** Takes what lies elsewhere. */
  readonly stage: ClaimStage;
  /** Those present, in the order in which found sets name them. */
  readonly drives: readonly DriveId[];
  /** All that the cluster has: those that are not present are away, and others gone. */
  readonly staying: readonly DriveId[];
}

export class NamedPlaces {
  readonly #parts: NamedPlacesParts;
  /** Those present, and behind them those that are away. */
  readonly #drives: readonly DriveId[];
  /** By the version that a set names. */
  readonly #layouts: ReadonlyMap<number, LayoutRecord>;
  /** In force, the newest first. */
  readonly #live: readonly LayoutRecord[];
  readonly #places: SetPlaces;

  constructor(parts: NamedPlacesParts) {
    this.#parts = parts;
    const known = parts.draft.findLayouts();
    this.#layouts = resolveLayouts(known);
    this.#live = [...new Set(this.#layouts.values())].toSorted((a, b) => b.version - a.version);
    this.#drives = [...new Set([...parts.drives, ...parts.staying])];
    this.#places = new SetPlaces(this.#drives, known);
  }

  /** To be called for each set that has a shard anywhere; those that the base does not name are passed over. */
  add({ setId, places }: FoundSet): void {
    const { draft, drives, stage } = this.#parts;
    const set = draft.sets.find(setId);
    const own = set && this.#layouts.get(set.layoutVersion);
    if (set === undefined || own === undefined) return;
    // What should be on a drive that is away is taken to be there, wherever else there is a copy.
    const isWhere = (layout: LayoutRecord): boolean => {
      const due = this.#dueOf(layout, set);
      return [...places].every(([index, found]) => {
        const drive = due[index] ?? -1;
        return drive >= drives.length || found.includes(drive);
      });
    };
    if (isWhere(own)) return;
    const other = this.#live.find(
      (layout) => isSameCut(geometryOf(layout), set) && isWhere(layout),
    );
    const version = other?.version ?? this.#versionOf(set, own, places);
    stage.addPlaced(setId, version);
  }

  /** Has the draft say where they are; resolves to how many lie elsewhere, and how many layouts it took to say so. */
  async finish(nowMs: number): Promise<{ readonly placed: number; readonly layouts: number }> {
    const { draft, stage } = this.#parts;
    const layouts = this.#places.layouts();
    await draft.addLayouts(layouts, nowMs);
    let placed = 0;
    for (const { setId, version } of stage.placed()) {
      draft.sets.place(setId, version);
      placed += 1;
    }
    return { placed, layouts: layouts.length };
  }

  /** Of a layout that is made of where it was found. What was found nowhere is where it should be, on a drive that is away. */
  #versionOf(set: NamedSet, own: LayoutRecord, places: FoundSet["places"]): number {
    const due = this.#dueOf(own, set);
    const found = due.map((_, index) => places.get(index) ?? []);
    return this.#places.add({ ...set, drives: matchDrives(due, found) });
  }

  /** By index of the shard: where the layout puts it; -1 where that drive is gone. */
  #dueOf(layout: LayoutRecord, set: NamedSet): readonly number[] {
    const count = shardCount(set);
    const ids = drivesOfSet(layout, set.id, count);
    return Array.from({ length: count }, (_, index) => {
      const driveId = ids[index];
      return driveId === undefined ? -1 : this.#drives.indexOf(driveId);
    });
  }
}
