// Removes the shards of deleted sets, once nobody can be reading them: a grace period after this process first saw the
// set in the trash, and no open reading that began before that (grace.ts); and once it need not be kept for a restore any more.
// A set stays in the trash until every one of its drives has said that its shard is durably gone, so that a drive that
// was away while an object was deleted brings nothing back. What waits for a drive does not hold up what is behind it:
// where all that is looked at waits for drives, the collector goes on behind it, until one of them is back.

import type { SetId } from "../core/ids.ts";
import type { TrashRecord } from "../metadata/records.ts";
import { crashPoint } from "../util/crash-point.ts";
import { isPastGrace } from "./grace.ts";
import { partitionOf } from "./placement.ts";
import { removeShards } from "./remove-set.ts";
import type { StoreContext } from "./store-context.ts";

/** Sets whose grace runs at a time; those behind them wait a little longer. */
const SETS_SEEN_MAX = 10_000;
/** Sets removed in one step. */
const SETS_PER_STEP = 512;
/** Sets removed at a time: their shards' unlinks must not crowd out reads and writes. */
const CONCURRENCY = 8;
/** Sets of which it is remembered what is left of them; others are tried again. */
const LEFT_MAX = 100_000;

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
  readonly #left = new Map<SetId, readonly number[]>();
  /** The last set of those that all wait for drives; undefined: the trash is looked at from its beginning. */
  #after: SetId | undefined;
  #awayBefore: ReadonlySet<string> = new Set();
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
    const { litter, metadata, readings } = this.#context;
    await litter.collect();
    readings.cutOffOld();
    if (this.#isDriveBack()) this.#after = undefined;
    // Nothing is removed on the word of a database that is still being opened: it may have been brought further than will
    // stand. A change of nothing goes through only where all that it says now is held by a quorum.
    if (this.#seenAt.size > 0) await metadata.dropTrash([]);
    const rows = await metadata.listTrash(SETS_SEEN_MAX, this.#after);
    this.#noteSeen(rows);
    const removed = await this.#removeAll(this.#chooseDue(rows));
    if (removed.size > 0) {
      crashPoint("trash.removed");
      await metadata.dropTrash([...removed]);
      crashPoint("trash.dropped");
    }
    for (const setId of removed) this.#left.delete(setId);
    this.#move(rows, removed);
    return { removedCount: removed.size, waitingCount: rows.length - removed.size };
  }

  #noteSeen(rows: readonly TrashRecord[]): void {
    const now = this.#context.clock.monotonic();
    // Made anew at each step, so that it is bounded.
    this.#seenAt = new Map(rows.map(({ setId }) => [setId, this.#seenAt.get(setId) ?? now]));
  }

  /** Sets of one folder together: what is removed from it at the same time is synced at once. */
  #chooseDue(rows: readonly TrashRecord[]): readonly TrashRecord[] {
    return rows
      .filter((row) => this.#isDue(row) && this.#isRemovable(row))
      .toSorted((a, b) => partitionOf(a.setId) - partitionOf(b.setId))
      .slice(0, SETS_PER_STEP);
  }

  async #removeAll(due: readonly TrashRecord[]): Promise<ReadonlySet<SetId>> {
    const removed = new Set<SetId>();
    const queue = due.values();
    const take = async (): Promise<void> => {
      for (const row of queue) {
        if (await this.#remove(row)) removed.add(row.setId);
        crashPoint("trash.set-removed");
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    return removed;
  }

  /** Whether no shard of the set is left. */
  async #remove(row: TrashRecord): Promise<boolean> {
    const indexes =
      this.#left.get(row.setId) ?? Array.from({ length: row.shardCount }, (_, i) => i);
    const left = await removeShards(this.#context, row, indexes);
    if (this.#left.size < LEFT_MAX || this.#left.has(row.setId)) this.#left.set(row.setId, left);
    return left.length === 0;
  }

  /** Whether there is a shard that a drive may give up now. */
  #isRemovable({ setId, layoutVersion, shardCount }: TrashRecord): boolean {
    const left = this.#left.get(setId);
    // Where none is left it is only the metadata that has not been told yet.
    if (left === undefined || left.length === 0) return true;
    const { drives } = this.#context;
    return left.some((index) => {
      const places = drives.placesOf({ setId, index }, layoutVersion, shardCount);
      return places.every((drive) => drive?.isAway === false);
    });
  }

  #isDue({ setId, trashedAt }: TrashRecord): boolean {
    const { clock, limits } = this.#context;
    const seenAt = this.#seenAt.get(setId);
    if (seenAt === undefined || !isPastGrace(this.#context, seenAt, limits.trashGraceMs)) {
      return false;
    }
    return limits.keepTrashMs === 0 || clock.now() - trashedAt >= limits.keepTrashMs;
  }

  /** Chooses where the next step looks. */
  #move(rows: readonly TrashRecord[], removed: ReadonlySet<SetId>): void {
    const allWait = rows.every((row) => !removed.has(row.setId) && !this.#isRemovable(row));
    if (!allWait) return;
    this.#after = rows.length < SETS_SEEN_MAX ? undefined : rows.at(-1)?.setId;
  }

  #isDriveBack(): boolean {
    const { drives } = this.#context;
    const away = drives.all.filter((drive) => drive.isAway).map((drive) => drive.store.driveId);
    const now = new Set<string>([...away, ...drives.absent]);
    const isBack = [...this.#awayBefore].some((driveId) => !now.has(driveId));
    this.#awayBefore = now;
    return isBack;
  }
}
