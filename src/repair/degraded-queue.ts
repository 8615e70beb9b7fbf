// The sets to repair next, the weakest first. The queue itself is the metadata; this is what a look at it has chosen. Of very
// many a look counts no more than it can in a moment, and goes on behind that the next time.

import { setImmediate as giveWay } from "node:timers/promises";
import type { SetId } from "../core/ids.ts";
import type { DegradedSet, RepairOperations } from "../store/repair/repair-operations.ts";

export interface QueuedSet {
  readonly setId: SetId;
  readonly spareCount: number;
  readonly missingBytes: number;
}

export interface DegradedCounts {
  readonly sets: number;
  readonly bytes: number;
  readonly bySpare: ReadonlyMap<number, number>;
  readonly waitingSets: number;
  readonly isMore: boolean;
}

const PAGE_SIZE = 500;
const PAGES_MAX = 200;
const CHOSEN_MAX = 5_000;

export const NOTHING_DEGRADED: DegradedCounts = {
  sets: 0,
  bytes: 0,
  bySpare: new Map(),
  waitingSets: 0,
  isMore: false,
};

export class DegradedQueue {
  readonly #store: Pick<RepairOperations, "listDegraded">;
  #chosen: QueuedSet[] = [];
  #after: SetId | undefined;

  constructor(store: Pick<RepairOperations, "listDegraded">) {
    this.#store = store;
  }

  get length(): number {
    return this.#chosen.length;
  }

  take(count: number): readonly QueuedSet[] {
    return this.#chosen.splice(0, count);
  }

  /** Chooses anew. `isResting`: what is to be left alone for now. */
  async look(isResting: (setId: SetId) => boolean): Promise<DegradedCounts> {
    const bySpare = new Map<number, number>();
    let [sets, bytes, waitingSets, after] = [0, 0, 0, this.#after];
    let chosen: QueuedSet[] = [];
    const from = after;
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await this.#store.listDegraded(after, PAGE_SIZE);
      for (const degraded of page) {
        sets += 1;
        bytes += degraded.missingBytes;
        bySpare.set(degraded.spareCount, (bySpare.get(degraded.spareCount) ?? 0) + 1);
        if (degraded.repairableCount === 0) waitingSets += 1;
        else if (!isResting(degraded.set.id)) chosen.push(queued(degraded));
      }
      after = page.at(-1)?.set.id ?? after;
      if (page.length < PAGE_SIZE) {
        after = undefined;
        break;
      }
      if (chosen.length > 2 * CHOSEN_MAX) chosen = weakest(chosen);
      await giveWay();
    }
    this.#after = after;
    const isMore = from !== undefined || after !== undefined;
    // Those of an earlier look are not in this one: they are not to wait until it is their turn again.
    const left = isMore ? this.#chosen : [];
    const byId = new Map([...left, ...chosen].map((each) => [each.setId, each]));
    this.#chosen = weakest([...byId.values()]);
    return { sets, bytes, bySpare, waitingSets, isMore };
  }
}

function queued({ set, spareCount, missingBytes }: DegradedSet): QueuedSet {
  return { setId: set.id, spareCount, missingBytes };
}

/** Of the same strength in the order of their ids, as they came. */
function weakest(sets: readonly QueuedSet[]): QueuedSet[] {
  return sets.toSorted((a, b) => a.spareCount - b.spareCount).slice(0, CHOSEN_MAX);
}
