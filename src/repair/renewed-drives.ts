// Drives that were laid out anew: all that lay on them before is missing, and nothing says so. Each is walked once, over all
// sets in the order of their ids: a set whose shard is not there is noted, and repair does the rest. How far the walk has
// come is saved, so that a restart goes on where it was.

import type { DriveId, SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { RepairOperations } from "../store/repair/repair-operations.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { crashPoint } from "../util/crash-point.ts";

/** A drive, and when it was laid out, in milliseconds since 1970. */
export interface RenewedDrive {
  readonly driveId: DriveId;
  readonly createdAt: number;
}

export interface RenewedDriveStatus extends RenewedDrive {
  readonly label: string | undefined;
  readonly setCount: number;
  readonly missingCount: number;
  readonly isDone: boolean;
}

interface Walk {
  readonly createdAt: number;
  readonly after?: SetId | undefined;
  readonly setCount: number;
  readonly missingCount: number;
  readonly isDone: boolean;
}

/** What a walk that failed waits for: it is no reason to hold up anything else. */
interface Failure {
  readonly count: number;
  /** Monotonic milliseconds. */
  readonly againAt: number;
}

/** Sets that are looked at in one step, and at a time. */
const SETS_PER_STEP = 512;
const CONCURRENCY = 16;
const AGAIN_MS = 1_000;
const AGAIN_MS_MAX = 60_000;

type WalkStore = Pick<
  RepairOperations,
  "checkOnDrive" | "isInUse" | "labelOf" | "listSets" | "reachableDrives"
>;

export interface RenewedDrivesOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress">;
  readonly store: WalkStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RenewedDrives {
  readonly #options: RenewedDrivesOptions;
  readonly #walks = new Map<DriveId, Walk>();
  readonly #failures = new Map<DriveId, Failure>();
  /** Told of, and not looked up yet. */
  readonly #told: RenewedDrive[] = [];

  constructor(options: RenewedDrivesOptions) {
    this.#options = options;
  }

  get status(): readonly RenewedDriveStatus[] {
    return [...this.#walks].map(([driveId, walk]) => ({
      driveId,
      label: this.#options.store.labelOf(driveId),
      createdAt: walk.createdAt,
      setCount: walk.setCount,
      missingCount: walk.missingCount,
      isDone: walk.isDone,
    }));
  }

  /** The walk over a drive begins, or goes on; one that was done for this very layout is not repeated. */
  add(drive: RenewedDrive): void {
    this.#told.push(drive);
  }

  /** Whether all that was on every drive before has been looked for. */
  get isDone(): boolean {
    return this.#told.length === 0 && [...this.#walks.values()].every(({ isDone }) => isDone);
  }

  /** One step; false when there is nothing to do now. Never rejects: what fails is done again, more and more rarely. */
  async step(): Promise<boolean> {
    for (let drive = this.#nextOf(this.#told); drive; drive = this.#nextOf(this.#told)) {
      await this.#attempt(drive, () => this.#lookUp(drive));
    }
    // Nothing lies on a drive that was drained, or never taken in: there is nothing to be missed.
    for (const driveId of this.#walks.keys()) {
      if (!this.#options.store.isInUse(driveId)) this.#walks.delete(driveId);
    }
    const reachable = new Set(this.#options.store.reachableDrives());
    const left = [...this.#walks].flatMap(([driveId, walk]) =>
      walk.isDone || !reachable.has(driveId) ? [] : [{ driveId, walk }],
    );
    const next = this.#nextOf(left);
    return next !== undefined && this.#attempt(next, () => this.#walk(next.driveId, next.walk));
  }

  /** The first that is not left alone for now. */
  #nextOf<Item extends { readonly driveId: DriveId }>(items: readonly Item[]): Item | undefined {
    const now = this.#options.clock.monotonic();
    return items.find(({ driveId }) => (this.#failures.get(driveId)?.againAt ?? now) <= now);
  }

  async #attempt({ driveId }: Pick<RenewedDrive, "driveId">, work: () => Promise<void>) {
    const { clock, logger, store } = this.#options;
    try {
      await work();
      this.#failures.delete(driveId);
      return true;
    } catch (err) {
      const count = (this.#failures.get(driveId)?.count ?? 0) + 1;
      const waitMs = Math.min(AGAIN_MS * 2 ** (count - 1), AGAIN_MS_MAX);
      this.#failures.set(driveId, { count, againAt: clock.monotonic() + waitMs });
      const drive = store.labelOf(driveId) ?? driveId;
      logger.warn({ err, drive }, "the walk over a drive that was laid out anew has failed");
      return false;
    }
  }

  async #lookUp(drive: RenewedDrive): Promise<void> {
    const { driveId, createdAt } = drive;
    const saved = await findWalk(this.#options.metadata, driveId);
    const fresh: Walk = { createdAt, setCount: 0, missingCount: 0, isDone: false };
    this.#walks.set(driveId, saved?.createdAt === createdAt ? saved : fresh);
    // Only now: one that fails is still told of. It may have been laid out once more meanwhile.
    this.#told.splice(this.#told.indexOf(drive), 1);
  }

  async #walk(driveId: DriveId, walk: Walk): Promise<void> {
    const { metadata, store } = this.#options;
    const sets = await store.listSets(walk.after, SETS_PER_STEP);
    const missingCount = await this.#check(sets, driveId);
    const isDone = sets.length < SETS_PER_STEP;
    const next: Walk = {
      createdAt: walk.createdAt,
      after: sets.at(-1)?.id ?? walk.after,
      setCount: walk.setCount + sets.length,
      missingCount: walk.missingCount + missingCount,
      isDone,
    };
    crashPoint("repair.walked");
    await metadata.putProgress(jobOf(driveId), JSON.stringify(next));
    // Laid out once more meanwhile, it is walked from the beginning.
    if (this.#walks.get(driveId) === walk) this.#walks.set(driveId, next);
  }

  async #check(sets: readonly ShardSetRecord[], driveId: DriveId): Promise<number> {
    let missingCount = 0;
    const queue = sets.values();
    const take = async (): Promise<void> => {
      for (const set of queue) {
        if (await this.#options.store.checkOnDrive(set, driveId)) missingCount += 1;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    return missingCount;
  }
}

/** Whether all that was on a drive before it was laid out anew has been looked for. */
export async function isWalkDone(
  metadata: Pick<MetadataStore, "findProgress">,
  { driveId, createdAt }: RenewedDrive,
): Promise<boolean> {
  const saved = await findWalk(metadata, driveId);
  return saved?.createdAt === createdAt && saved.isDone;
}

/** When the drive was laid out that was walked over last; undefined where there was no walk. */
export async function findWalked(
  metadata: Pick<MetadataStore, "findProgress">,
  driveId: DriveId,
): Promise<number | undefined> {
  return (await findWalk(metadata, driveId))?.createdAt;
}

async function findWalk(
  metadata: Pick<MetadataStore, "findProgress">,
  driveId: DriveId,
): Promise<Walk | undefined> {
  const text = await metadata.findProgress(jobOf(driveId));
  return text === undefined ? undefined : (JSON.parse(text) as Walk);
}

function jobOf(driveId: DriveId): string {
  return `renewed-drive-${driveId}`;
}
