// Drives that were laid out anew: all that lay on them before is missing, and nothing says so. Each is walked once, over all
// sets in the order of their ids: a set whose shard is not there is noted, and repair does the rest. How far the walk has
// come is saved, so that a restart goes on where it was.

import type { DriveId, SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { RepairOperations } from "../store/repair/repair-operations.ts";
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

/** Sets that are looked at in one step, and at a time. */
const SETS_PER_STEP = 512;
const CONCURRENCY = 16;

type WalkStore = Pick<
  RepairOperations,
  "checkOnDrive" | "labelOf" | "listSets" | "reachableDrives"
>;

export interface RenewedDrivesOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress">;
  readonly store: WalkStore;
}

export class RenewedDrives {
  readonly #options: RenewedDrivesOptions;
  readonly #walks = new Map<DriveId, Walk>();
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

  /** One step; false when there is nothing to do now. @throws what the metadata or a drive throws; it is done again. */
  async step(): Promise<boolean> {
    await this.#lookUp();
    const reachable = new Set(this.#options.store.reachableDrives());
    for (const [driveId, walk] of this.#walks) {
      if (walk.isDone || !reachable.has(driveId)) continue;
      await this.#walk(driveId, walk);
      return true;
    }
    return false;
  }

  async #lookUp(): Promise<void> {
    for (let drive = this.#told.at(-1); drive !== undefined; drive = this.#told.at(-1)) {
      const { driveId, createdAt } = drive;
      const text = await this.#options.metadata.findProgress(jobOf(driveId));
      const saved = text === undefined ? undefined : (JSON.parse(text) as Walk);
      const fresh: Walk = { createdAt, setCount: 0, missingCount: 0, isDone: false };
      this.#walks.set(driveId, saved?.createdAt === createdAt ? saved : fresh);
      this.#told.pop();
    }
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
    this.#walks.set(driveId, next);
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
  const text = await metadata.findProgress(jobOf(driveId));
  const saved = text === undefined ? undefined : (JSON.parse(text) as Walk);
  return saved?.createdAt === createdAt && saved.isDone;
}

function jobOf(driveId: DriveId): string {
  return `renewed-drive-${driveId}`;
}
