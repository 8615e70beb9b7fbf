// Opens drive folders: looks at each, works out which drive it is, lays out the blank ones, and keeps other processes
// off. The first drive is laid out before the others and the metadata is opened between the two, so that a first start
// that was cut off can be told from one that has lost its metadata. Nothing that holds anything is ever formatted.

import { randomUUID } from "node:crypto";
import {
  formatDrive,
  newDriveId,
  readIdentity,
  type DriveSlot,
} from "../datanode/drive-identity.ts";
import { openLocalDrive } from "../datanode/local-drive.ts";
import { ShardError, type ShardStore } from "../datanode/shard-store.ts";
import { callsInFlightMax } from "../disk/call-bound.ts";
import { DiskError, type Disk } from "../disk/disk.ts";
import { isMountPoint } from "../disk/mount-point.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import { geometryFor } from "../erasure/geometry.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import { lockFolder, type FolderLock } from "../metadata/sqlite/folder-lock.ts";
import { findForbidden } from "./check-access.ts";
import { errnoOf } from "./explain-failure.ts";
import { placeFolders, type DrivePlan, type PlacedSlot, type SeenFolder } from "./drive-slots.ts";
import { StartError } from "./start-error.ts";

/** After so long a file call counts as failed. */
const DISK_DEADLINE_MS = 10_000;

export interface OpenDrivesOptions {
  /** Absolute paths, in the order given. */
  readonly paths: readonly string[];
  /** Names the process in what drives say of their device. */
  readonly nodeName: string;
  /** Folders that did not answer: they count as away and are never touched, for whoever does may not come back. */
  readonly avoidDrives?: readonly string[];
  /** Processes that were killed and may not be gone: see `lockFolder`. */
  readonly replacedPids?: readonly number[];
  /**
   * Called once the first drive is laid out, and before anything else is written. Tells whether this cluster has never
   * served.
   */
  readonly onFirstDrive?: (first: FirstDrive) => Promise<{ readonly isFirstStart: boolean }>;
}

export interface FirstDrive {
  readonly path: string;
  /** Whether all folders were blank, or a first start was cut off at this very place. */
  readonly isNew: boolean;
  /** Drives of a known layout whose folders are blank: they will be laid out anew. */
  readonly blankCount: number;
  /** All drives of the layout. */
  readonly driveCount: number;
  /** Reads the identity from the drive: asked once other processes are locked out, it is final. */
  readonly readClusterId: () => Promise<string>;
}

export interface OpenedDrives {
  readonly clusterId: string;
  /** Those that are there, in the order of their slots. */
  readonly drives: readonly ShardStore[];
  /** All drives of the layout, there or not. */
  readonly slots: readonly DriveSlot[];
  /** What was found odd, in sentences. */
  readonly remarks: readonly string[];
  /** Gives the folders up; closing the drives is done before, by whoever uses them. */
  readonly release: () => void;
}

/** @throws StartError, DriveIdentityError: in words for whoever started it. */
export async function openDrives(options: OpenDrivesOptions): Promise<OpenedDrives> {
  const avoided = new Set(options.avoidDrives);
  const disks = openDisks(options.paths.filter((path) => !avoided.has(path)));
  const seen = await lookAtAll(disks);
  const known = placeFolders(seen.folders);
  const plan = known ?? freshPlan(seen.folders);
  if (known === undefined) await layOut(disks, plan, plan.slots.slice(0, 1));
  const { isFirstStart } = await prepareFirst(options, disks, {
    plan,
    isFresh: known === undefined,
  });
  // Another process may have laid the same folders out at the same moment: what stands on the drives holds.
  const standing = known ?? placeFolders((await lookAtAll(disks)).folders) ?? plan;
  const locks = new Map<string, FolderLock>();
  try {
    const blanks = standing.slots.filter(({ isBlank }) => isBlank);
    // A drive that is younger than its cluster has lost what was written before: later starts say so.
    const createdAt = isFirstStart ? standing.createdAt : Date.now();
    await layOut(disks, { ...standing, createdAt }, blanks);
    for (const path of standing.slots.flatMap((placed) => placed.path ?? [])) {
      locks.set(path, await lock(path, options));
    }
    const opened = await openAll(disks, standing.slots, options.nodeName);
    return {
      clusterId: standing.clusterId,
      drives: opened.drives,
      slots: standing.slots.map(({ slot }) => slot),
      // What a second look at folders of a first start remarks is that the others are blank.
      remarks: [
        ...asideWords(options),
        ...seen.remarks,
        ...(known?.remarks ?? []),
        ...opened.remarks,
      ],
      release: () => releaseAll(locks),
    };
  } catch (error) {
    releaseAll(locks);
    throw error;
  }
}

function openDisks(paths: readonly string[]): ReadonlyMap<string, Disk> {
  const { parityShards } = geometryFor(Math.max(paths.length, 1), UNIT_BYTES);
  const maxInFlight = callsInFlightMax({ toleratedCount: parityShards });
  return new Map(
    paths.map((path) => [
      path,
      openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight }),
    ]),
  );
}

async function lookAtAll(disks: ReadonlyMap<string, Disk>) {
  const remarks: string[] = [];
  const looked = await Promise.all(
    [...disks].map(async ([path, disk]): Promise<SeenFolder | undefined> => {
      try {
        return {
          path,
          identity: await readIdentity(disk),
          isMountPoint: await isMountPoint(path),
        };
      } catch (error) {
        // A drive that is broken is away; one that we may not use is a mistake in the set-up.
        if (!(error instanceof DiskError) || isMistake(error)) throw error;
        remarks.push(`${path} does not answer and counts as away: ${error.message}`);
        return undefined;
      }
    }),
  );
  return { folders: looked.filter((folder) => folder !== undefined), remarks };
}

function isMistake(error: DiskError): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && ["EACCES", "ENOTDIR", "EPERM"].includes(errno.code);
}

function freshPlan(folders: readonly SeenFolder[]): DrivePlan {
  const slots = folders.map(({ path, isMountPoint: wasMountPoint }) => ({
    slot: { driveId: newDriveId(), wasMountPoint },
    path,
    isBlank: true,
  }));
  return { clusterId: randomUUID(), createdAt: Date.now(), slots, remarks: [] };
}

/** The first drive must be there: it holds what cannot be worked out from the others. */
async function prepareFirst(
  { onFirstDrive }: OpenDrivesOptions,
  disks: ReadonlyMap<string, Disk>,
  { plan, isFresh }: { readonly plan: DrivePlan; readonly isFresh: boolean },
): Promise<{ readonly isFirstStart: boolean }> {
  const [first, ...others] = plan.slots;
  if (first === undefined) throw new StartError("none of the drive folders can be used");
  if (onFirstDrive === undefined) return { isFirstStart: isFresh };
  if (first.path === undefined || (first.isBlank && !isFresh)) {
    throw new StartError(
      `drive 1 (${first.slot.driveId}) is missing, and with it the metadata: ` +
        "without it nothing can be served. Nothing was changed; give back its folder and start again",
    );
  }
  // While the others are blank a first start may have been cut off; a single drive cannot tell, so it is on the safe side.
  const wasCutOff = others.length > 0 && others.every(({ isBlank }) => isBlank);
  const { path } = first;
  const readClusterId = async (): Promise<string> => {
    const disk = disks.get(path);
    const identity = disk === undefined ? undefined : await readIdentity(disk);
    if (identity !== undefined) return identity.clusterId;
    throw new StartError(`${path} has lost its identity while the server started`);
  };
  const blankCount = isFresh ? 0 : others.filter(({ isBlank }) => isBlank).length;
  const driveCount = plan.slots.length;
  return onFirstDrive({
    path,
    isNew: isFresh || wasCutOff,
    blankCount,
    driveCount,
    readClusterId,
  });
}

async function layOut(
  disks: ReadonlyMap<string, Disk>,
  plan: DrivePlan,
  chosen: readonly PlacedSlot[],
): Promise<void> {
  const { clusterId, createdAt } = plan;
  const slots = plan.slots.map(({ slot }) => slot);
  await Promise.all(
    chosen.map(async ({ slot: { driveId }, path = "" }) => {
      const disk = disks.get(path);
      if (disk === undefined) return;
      const slot = slots.findIndex((each) => each.driveId === driveId);
      await formatDrive(disk, { clusterId, createdAt, driveId, slot, slots });
    }),
  );
}

async function openAll(
  disks: ReadonlyMap<string, Disk>,
  slots: readonly PlacedSlot[],
  nodeName: string,
) {
  const remarks: string[] = [];
  const opened = await Promise.all(
    slots.map(async ({ slot: { driveId }, path }) => {
      const disk = path === undefined ? undefined : disks.get(path);
      if (disk === undefined) return undefined;
      try {
        return await openLocalDrive({ disk, driveId, nodeName });
      } catch (error) {
        if (!(error instanceof ShardError)) throw error;
        remarks.push(`${disk.root} counts as away: ${error.message}`);
        return undefined;
      }
    }),
  );
  return { drives: opened.filter((drive) => drive !== undefined), remarks };
}

function asideWords({ paths, avoidDrives = [] }: OpenDrivesOptions): readonly string[] {
  return paths
    .filter((path) => avoidDrives.includes(path))
    .map((path) => `${path} does not answer and is set aside: a restart looks at it again`);
}

async function lock(path: string, options: OpenDrivesOptions): Promise<FolderLock> {
  try {
    return await lockFolder(path, options);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw (await findForbidden(path)) ?? new StartError(`${path}: ${words}`, { cause: error });
  }
}

function releaseAll(locks: Map<string, FolderLock>): void {
  for (const held of locks.values()) held.release();
  locks.clear();
}
