// What the store offers to repair, which decides what is done when: sets that lack shards, one set made whole, and looks at
// sets whose shards nobody has read for long.

import type { DriveId, SetId } from "../../core/ids.ts";
import { shardCount } from "../../erasure/geometry.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import { ShardError } from "../../datanode/shard-store.ts";
import { callDrive } from "../call-drive.ts";
import type { StoreContext } from "../store-context.ts";
import { checkShard } from "./check-shard.ts";
import { idBefore } from "./id-before.ts";
import { RepairFault } from "./repair-fault.ts";
import {
  repairSet,
  type RepairProblem,
  type RepairSetOptions,
  type SetRepair,
} from "./repair-set.ts";
import { planSet } from "./set-plan.ts";
import { SetShards } from "./set-shards.ts";

/** A set that lacks shards, and how it stands. */
export interface DegradedSet {
  readonly set: ShardSetRecord;
  /** Shards that may still be lost; below zero it cannot be read now. */
  readonly spareCount: number;
  /** Noted shards whose drives are there. */
  readonly repairableCount: number;
  /** Bytes that its noted shards hold, about. */
  readonly missingBytes: number;
}

/** What was seen of a set whose shards were all read. */
export interface SetScrub {
  /** Shards that are not whole: they are noted now. */
  readonly lost: readonly number[];
  readonly problem: RepairProblem | undefined;
}

export interface RepairOperations {
  listDegraded(after: SetId | undefined, limit: number): Promise<readonly DegradedSet[]>;
  /** Undefined: it is gone, or lacks nothing any more. */
  repairSet(setId: SetId, options: RepairSetOptions): Promise<SetRepair | undefined>;
  /** Sets by id, for walks over all of them. */
  listSets(after: SetId | undefined, limit: number): Promise<readonly ShardSetRecord[]>;
  /** Notes the shard that a set has on a drive where it is not there. Resolves to whether it is missing. */
  checkOnDrive(set: ShardSetRecord, driveId: DriveId): Promise<boolean>;
  /** Ends the packs that this process appends to: one whose shard is gone is made whole only then. */
  endPacks(): Promise<void>;
  /** Reads all of every shard of a set; undefined where it is gone, or its pack still grows. */
  scrubSet(setId: SetId, options: RepairSetOptions): Promise<SetScrub | undefined>;
  /** The drives that answer now. */
  reachableDrives(): readonly DriveId[];
  /** What a drive calls itself; undefined while it is absent. */
  labelOf(driveId: DriveId): string | undefined;
  /** Whether anything is to lie on that drive, there or not. */
  isInUse(driveId: DriveId): boolean;
  /** Calls back when a read has met a shard that is lost. */
  onLostShard(listener: () => void): void;
}

export function repairOperations(context: StoreContext): RepairOperations {
  const { drives, lostShards, metadata, readings } = context;
  return {
    listDegraded: async (after, limit) =>
      (await metadata.listDegradedSets(after, limit)).map((set) => degradedOf(context, set)),
    repairSet: async (setId, options) => {
      // Begun before it is looked up: what is there then stays until it is over.
      const hold = readings.begin();
      try {
        const [set] = await metadata.listDegradedSets(idBefore(setId), 1);
        return set?.id === setId ? await repairSet(context, set, options) : undefined;
      } finally {
        hold.close();
      }
    },
    listSets: (after, limit) => metadata.listSets(after, limit),
    endPacks: () => context.packs.sealOpen(),
    checkOnDrive: (set, driveId) => checkOnDrive(context, set, driveId),
    scrubSet: async (setId, options) => {
      const hold = readings.begin();
      try {
        const [set] = await metadata.listSets(idBefore(setId), 1);
        return set?.id === setId ? await scrubSet(context, set, options) : undefined;
      } finally {
        hold.close();
      }
    },
    reachableDrives: () =>
      drives.all.filter((drive) => !drive.isAway).map((drive) => drive.store.driveId),
    labelOf: (driveId) => drives.find(driveId)?.store.label,
    isInUse: (driveId) => drives.layouts.some((layout) => layout.drives.includes(driveId)),
    onLostShard: (listener) => lostShards.onNoted(listener),
  };
}

function degradedOf({ drives }: StoreContext, set: ShardSetRecord): DegradedSet {
  const located = drives.locate(set.id, set.layoutVersion, shardCount(set));
  const isThere = (index: number): boolean => located[index]?.isAway === false;
  const good = located.filter((_, index) => isThere(index) && !set.missing.includes(index));
  return {
    set,
    spareCount: good.length - set.dataShards,
    repairableCount: set.missing.filter(isThere).length,
    missingBytes: Math.ceil(set.sizeBytes / set.dataShards) * set.missing.length,
  };
}

async function checkOnDrive(
  context: StoreContext,
  set: ShardSetRecord,
  driveId: DriveId,
): Promise<boolean> {
  const located = context.drives.locate(set.id, set.layoutVersion, shardCount(set));
  const index = located.findIndex((drive) => drive?.store.driveId === driveId);
  const drive = located[index];
  if (drive === undefined || set.missing.includes(index)) return false;
  try {
    const deadlineMs = context.limits.readDeadlineMs;
    await callDrive(drive, drive.store.size({ setId: set.id, index }), { deadlineMs });
    return false;
  } catch (error) {
    drive.noteError(error);
    if (!(error instanceof ShardError) || error.code !== "NotFound") throw error;
    await context.metadata.noteMissing(set.id, [index]);
    return true;
  }
}

async function scrubSet(
  context: StoreContext,
  set: ShardSetRecord,
  { pace, signal }: RepairSetOptions,
): Promise<SetScrub | undefined> {
  const shards = new SetShards(context, set);
  try {
    const plan = await planSet(context, shards);
    const lost: number[] = [];
    for (let index = 0; index < shardCount(set); index += 1) {
      if (!shards.isReachable(index) || set.missing.includes(index)) continue;
      const state = await checkShard({ context, shards, plan, pace, signal }, index);
      if (state === "absent" || state === "damaged") lost.push(index);
    }
    if (lost.length > 0) await context.metadata.noteMissing(set.id, lost);
    return { lost, problem: undefined };
  } catch (error) {
    if (!(error instanceof RepairFault)) throw error;
    if (error.kind === "waits") return undefined;
    return { lost: [], problem: { kind: error.kind, words: error.message } };
  }
}
