// Removes the shards of deleted sets, once nobody can be reading them: a grace period after this process first saw the
// set in the trash (monotonic: no clock that is moved shortens it), and no open reading that began before that.
// A set stays in the trash until every one of its drives has said that its shard is gone, so that a drive that was away
// while an object was deleted brings nothing back. What waits for a drive does not hold up what is behind it.

import type { SetId } from "../core/ids.ts";
import type { TrashRecord } from "../metadata/records.ts";
import { removeShards } from "./remove-set.ts";
import type { StoreContext } from "./store-context.ts";

/** Sets whose grace runs at a time; those behind them wait a little longer. */
const SETS_SEEN_MAX = 10_000;
/** Sets removed in one step. */
const SETS_PER_STEP = 512;
/** Sets removed at a time: their shards' unlinks must not crowd out reads and writes. */
const CONCURRENCY = 4;
/** A reading that is older is cut off: one stalled client must not keep deleted bytes for ever. */
const READING_MS_MAX = 24 * 60 * 60 * 1000;

export interface TrashStep {
  readonly removedCount: number;
  /** Sets that were seen and must wait: for the grace, a reading, or a drive that is away. */
  readonly waitingCount: number;
}

export class TrashCollector {
  readonly #context: StoreContext;
  /** When this process first saw each set in the trash, in monotonic milliseconds. */
  #seenAt = new Map<SetId, number>();
  /** Of sets that were tried: the shards that are left, since their drive was away. */
  #left = new Map<SetId, readonly number[]>();
  #running: Promise<TrashStep> | undefined;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** One step; a call while another runs joins it. */
  step(): Promise<TrashStep> {
    this.#running ??= this.#step().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #step(): Promise<TrashStep> {
    const { clock, litter, metadata, readings } = this.#context;
    await litter.collect();
    readings.cutOffBefore(clock.monotonic() - READING_MS_MAX);
    const rows = await metadata.listTrash(SETS_SEEN_MAX);
    this.#noteSeen(rows);
    const due = rows
      .filter((row) => this.#isDue(row.setId) && this.#isRemovable(row))
      .slice(0, SETS_PER_STEP);
    const removed: SetId[] = [];
    const take = async (): Promise<void> => {
      for (let row = due.pop(); row !== undefined; row = due.pop()) {
        if (await this.#remove(row)) removed.push(row.setId);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    if (removed.length > 0) await metadata.dropTrash(removed);
    return { removedCount: removed.length, waitingCount: rows.length - removed.length };
  }

  #noteSeen(rows: readonly TrashRecord[]): void {
    const now = this.#context.clock.monotonic();
    // Both are made anew at each step, so that they are bounded.
    this.#seenAt = new Map(rows.map(({ setId }) => [setId, this.#seenAt.get(setId) ?? now]));
    this.#left = new Map([...this.#left].filter(([setId]) => this.#seenAt.has(setId)));
  }

  /** Whether no shard of the set is left. */
  async #remove(row: TrashRecord): Promise<boolean> {
    const indexes =
      this.#left.get(row.setId) ?? Array.from({ length: row.shardCount }, (_, i) => i);
    const left = await removeShards(this.#context, row, indexes);
    this.#left.set(row.setId, left);
    return left.length === 0;
  }

  /** Whether there is a shard that a drive may give up now. */
  #isRemovable({ setId, layoutVersion, shardCount }: TrashRecord): boolean {
    const left = this.#left.get(setId);
    if (left === undefined) return true;
    const drives = this.#context.drives.locate(setId, layoutVersion, shardCount);
    return left.some((index) => drives[index]?.isAway === false);
  }

  #isDue(setId: SetId): boolean {
    const { clock, limits, readings } = this.#context;
    const seenAt = this.#seenAt.get(setId);
    if (seenAt === undefined || clock.monotonic() - seenAt < limits.trashGraceMs) return false;
    const oldest = readings.oldestStartedAt;
    return oldest === undefined || oldest > seenAt;
  }
}
