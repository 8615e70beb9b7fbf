// Sets that the base names, where drives have come or gone since, or a rebuild has made layouts of its own: their shards lie
// elsewhere than the base says. Files are looked for, not read: what is wrong with one is for whoever checks it.

import type { DriveId } from "../core/ids.ts";
import { shardCount } from "../erasure/geometry.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import { resolveLayouts } from "../store/layout/resolve-layouts.ts";
import { drivesOfSet } from "../store/placement.ts";
import type { FoundSet } from "./found-set.ts";
import { SetPlaces } from "./place-sets.ts";

export class NamedPlaces {
  readonly #draft: DraftDatabase;
  /** Those present, in the order in which found sets name them. */
  readonly #drives: readonly DriveId[];
  readonly #layouts: ReadonlyMap<number, LayoutRecord>;
  readonly #places: SetPlaces;
  /** Sets that lie elsewhere. */
  readonly #stage: ClaimStage;

  constructor(draft: DraftDatabase, drives: readonly DriveId[]) {
    this.#draft = draft;
    this.#drives = drives;
    const known = draft.findLayouts();
    this.#layouts = resolveLayouts(known);
    this.#places = new SetPlaces(drives, known);
    this.#stage = new ClaimStage(`${draft.path}.places`);
  }

  /** To be called for each set that has a shard anywhere; those that the base does not name are passed over. */
  add({ setId, places }: FoundSet): void {
    const named = this.#draft.sets.find(setId);
    const layout = named && this.#layouts.get(named.layoutVersion);
    if (named === undefined || layout === undefined) return;
    const count = shardCount(named);
    const due = drivesOfSet(layout, setId, count).map((driveId) => this.#drives.indexOf(driveId));
    const drives = Array.from({ length: count }, (_, index) => {
      const found = places.get(index) ?? [];
      const own = due[index];
      return own !== undefined && found.includes(own) ? own : (found[0] ?? -1);
    });
    if (drives.every((drive, index) => drive < 0 || drive === due[index])) return;
    const set = { ...named, id: setId, drives };
    this.#places.add(set);
    this.#stage.addSet(set);
  }

  /** Has the draft say where they are; resolves to how many lie elsewhere. */
  async finish(nowMs: number): Promise<number> {
    this.#stage.finish();
    const added = this.#places.layouts().map((input) => ({ name: "addLayout", input }) as const);
    await this.#draft.apply(added, nowMs);
    let count = 0;
    for (const set of this.#stage.sets()) {
      this.#draft.sets.place(set.id, this.#places.versionOf(set));
      count += 1;
    }
    return count;
  }

  close(): void {
    this.#stage.close();
  }
}
