// Opens drive folders: looks at each, works out which drive it is, keeps other processes off, and lays out the blank
// ones. Of a new cluster the first drive is laid out, and locked, before the others, so that of two processes that start
// at once one gives way. Nothing that holds anything is ever formatted.

import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import {
  formatDrive,
  newDriveId,
  readIdentity,
  type DriveChanges,
  type DriveSlot,
} from "../datanode/drive-identity.ts";
import { openLocalDrive } from "../datanode/local-drive.ts";
import { ShardError, type ShardStore } from "../datanode/shard-store.ts";
import { callsInFlightMax } from "../disk/call-bound.ts";
import { DiskError, type Disk } from "../disk/disk.ts";
import type { DriveId } from "../core/ids.ts";
import { isMountPoint } from "../disk/mount-point.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import { geometryFor, type Geometry } from "../erasure/geometry.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import { lockFolder, type FolderLock } from "../metadata/sqlite/folder-lock.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import { findForbidden } from "./check-access.ts";
import { errnoOf } from "./explain-failure.ts";
import { contentsOf } from "./drive-contents.ts";
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
  /** Undefined: the drives may be any cluster, or become a new one. */
  readonly expected?: ExpectedCluster;
  /** Called before anything is laid out beside what serves already; throws to refuse. */
  readonly onBlanks?: (found: FoundBlanks) => void;
  /** Called where there are shards, and no drive holds anything of the metadata; throws to refuse. */
  readonly onLostMetadata?: () => void;
}

export interface ExpectedCluster {
  readonly clusterId: string;
  /** Whether it may begin anew, where every drive is empty. */
  readonly mayBegin: boolean;
}

export interface FoundBlanks {
  /** Drives of a known layout whose folders are blank: they will be laid out anew. */
  readonly blankCount: number;
  /** All drives of the layout. */
  readonly driveCount: number;
  /** How many may be lost with nothing lost. */
  readonly parityShards: number;
}

/** A drive that is there. */
export interface DriveAt {
  readonly driveId: DriveId;
  readonly path: string;
}

export interface OpenedDrives {
  readonly clusterId: string;
  /** Those that are there, in the order of their slots. */
  readonly drives: readonly ShardStore[];
  /** Where they are. */
  readonly places: readonly DriveAt[];
  /** All drives of the layout, there or not. */
  readonly slots: readonly DriveSlot[];
  /** Undefined: they are those of the first start. */
  readonly changes: DriveChanges | undefined;
  /** When the cluster began, as its drives say: milliseconds since 1970. */
  readonly createdAt: number;
  /** How its sets are cut. */
  readonly geometry: Geometry;
  /** Drives that are younger than their cluster: they lack what was written before. */
  readonly renewed: readonly RenewedDrive[];
  /** When each drive that was there was laid out. */
  readonly ages: readonly RenewedDrive[];
  /** What was found odd, in sentences. */
  readonly remarks: readonly string[];
  /** Holds a folder that was emptied, and laid out anew, while it was in use: its old lock went with its file. */
  readonly lockAnew: (path: string) => Promise<void>;
  /** Gives up the folder of a drive that was taken out. */
  readonly unlock: (path: string) => void;
  /** Gives the folders up; closing the drives is done before, by whoever uses them. */
  readonly release: () => void;
}

/** @throws StartError, DriveIdentityError: in words for whoever started it. */
export async function openDrives(options: OpenDrivesOptions): Promise<OpenedDrives> {
  const avoided = new Set(options.avoidDrives);
  const disks = openDisks(options.paths.filter((path) => !avoided.has(path)));
  const seen = await lookAtAll(disks);
  await requireDistinct(seen.folders);
  const known = placeFolders(seen.folders);
  if (known === undefined) requireFirstStart(options, seen);
  else requireExpected(options, known);
  const plan = known ?? freshPlan(seen.folders, options);
  const locks = new Map<string, FolderLock>();
  try {
    if (known === undefined) await layOut(disks, plan, plan.slots.slice(0, 1));
    const first = known === undefined ? plan.slots.slice(0, 1) : known.slots;
    for (const { path, isBlank } of first) {
      if (path !== undefined && (!isBlank || known === undefined))
        locks.set(path, await lock(path, options));
    }
    // Another process may have laid the same folders out at the same moment: what stands on the drives holds.
    const standing = known ?? placeFolders((await lookAtAll(disks)).folders) ?? plan;
    const blanks = standing.slots.filter(({ isBlank }) => isBlank);
    const isFirstStart = known === undefined || !(await hasServed(disks, standing.slots, options));
    if (!isFirstStart) {
      const driveCount = standing.slots.length;
      const { parityShards } = geometryOfDrives(driveCount, standing.changes);
      options.onBlanks?.({ blankCount: blanks.length, driveCount, parityShards });
    }
    // A drive that is younger than its cluster has lost what was written before: later starts say so.
    const createdAt = isFirstStart ? standing.createdAt : Date.now();
    await layOut(disks, { ...standing, createdAt }, blanks);
    for (const path of standing.slots.flatMap((placed) => placed.path ?? [])) {
      if (!locks.has(path)) locks.set(path, await lock(path, options));
    }
    const opened = await openAll(disks, standing.slots, options.nodeName);
    return {
      clusterId: standing.clusterId,
      drives: opened.drives,
      places: standing.slots.flatMap(({ slot: { driveId }, path }) =>
        path !== undefined && opened.drives.some((drive) => drive.driveId === driveId)
          ? [{ driveId, path }]
          : [],
      ),
      slots: standing.slots.map(({ slot }) => slot),
      changes: standing.changes,
      createdAt: standing.createdAt,
      geometry: geometryOfDrives(standing.slots.length, standing.changes),
      renewed: [
        ...(isFirstStart ? [] : standing.renewed),
        ...(isFirstStart ? [] : blanks.map(({ slot: { driveId } }) => ({ driveId, createdAt }))),
      ],
      ages: agesOf(seen.folders),
      // What a second look at folders of a first start remarks is that the others are blank.
      remarks: [
        ...asideWords(options),
        ...seen.remarks,
        ...(known?.remarks ?? []),
        ...opened.remarks,
      ],
      lockAnew: async (path) => {
        const old = locks.get(path);
        locks.set(path, await lock(path, options));
        old?.release();
      },
      unlock: (path) => {
        locks.get(path)?.release();
        locks.delete(path);
      },
      release: () => releaseAll(locks),
    };
  } catch (error) {
    releaseAll(locks);
    throw error;
  }
}

/** How sets are cut: as the cluster was laid out, whatever drives have come or gone since. */
function geometryOfDrives(count: number, changes: DriveChanges | undefined): Geometry {
  const first = geometryFor(changes === undefined ? count : 1, UNIT_BYTES);
  return { ...first, ...changes?.geometry };
}

/** A drive that was added while the server runs: it is laid out, and locked. @throws ShardError */
export function openAddedDrive(
  { driveId, path }: DriveAt,
  toleratedCount: number,
): Promise<ShardStore> {
  const maxInFlight = callsInFlightMax({ toleratedCount });
  const disk = openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight });
  return openLocalDrive({ disk, driveId, nodeName: "local", ownsFolder: true });
}

/**
 * Drives that another process of the same server has opened, and holds the locks of, for this one, too. Those that do
 * not answer now are left out.
 */
export async function openDrivesBeside(
  places: readonly DriveAt[],
  nodeName: string,
): Promise<readonly ShardStore[]> {
  const disks = openDisks(places.map(({ path }) => path));
  const opened = await Promise.allSettled(
    places.flatMap(({ driveId, path }) => {
      const disk = disks.get(path);
      return disk === undefined ? [] : openLocalDrive({ disk, driveId, nodeName });
    }),
  );
  return opened.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
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

interface SeenFolders {
  /** Those that answered. */
  readonly folders: readonly SeenFolder[];
  readonly remarks: readonly string[];
}

async function lookAtAll(disks: ReadonlyMap<string, Disk>): Promise<SeenFolders> {
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

/** Two names of one folder (a link, a second mount) are one drive. @throws StartError */
async function requireDistinct(folders: readonly SeenFolder[]): Promise<void> {
  const pathOf = new Map<string, string>();
  for (const { path, identity } of folders) {
    // Those that are drives already are told apart by their identity.
    const place = identity === undefined ? await placeOf(path) : undefined;
    if (place === undefined) continue;
    const other = pathOf.get(place);
    if (other !== undefined) {
      throw new StartError(`${other} and ${path} are the same folder: each folder is one drive`);
    }
    pathOf.set(place, path);
  }
}

/** Undefined for a folder that does not exist yet. */
async function placeOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}

/**
 * Of drives that do not answer, any may be one of a cluster: what is blank beside them is not made a new one.
 * @throws StartError
 */
function requireFirstStart(
  { paths, expected }: OpenDrivesOptions,
  { folders, remarks }: SeenFolders,
): void {
  if (folders.length < paths.length) {
    throw new StartError(
      `${folders.length} of ${paths.length} drives answer, and those are empty: a first start needs all its drives. ` +
        `Nothing was changed. ${remarks.join("; ")}`,
    );
  }
  if (expected === undefined || expected.mayBegin) return;
  throw new StartError(
    `the cluster is to be ${expected.clusterId}, and all ${paths.length} drive folders are empty. Nothing was changed: ` +
      "are these the right folders, and are their disks mounted? For a new cluster leave KINTSUGI_CLUSTER_ID away at its first start",
  );
}

/** @throws StartError when the drives are not those of the cluster that is meant. */
function requireExpected({ expected }: OpenDrivesOptions, { clusterId }: DrivePlan): void {
  if (expected === undefined || expected.clusterId === clusterId) return;
  throw new StartError(
    `these are the drives of the cluster ${clusterId}, and it is to be ${expected.clusterId}. Nothing was changed: ` +
      "name the right folders, or correct KINTSUGI_CLUSTER_ID",
  );
}

function freshPlan(folders: readonly SeenFolder[], { expected }: OpenDrivesOptions): DrivePlan {
  const slots = folders.map(({ path, isMountPoint: wasMountPoint }) => ({
    slot: { driveId: newDriveId(), wasMountPoint },
    path,
    isBlank: true,
  }));
  const clusterId = expected?.clusterId ?? randomUUID();
  return { clusterId, createdAt: Date.now(), slots, renewed: [], remarks: [] };
}

function agesOf(folders: readonly SeenFolder[]): readonly RenewedDrive[] {
  return folders.flatMap(({ identity }) => {
    if (identity === undefined) return [];
    const { createdAt, driveId } = identity;
    return [{ createdAt, driveId }];
  });
}

/** Whether any drive holds more than its identity: a first start that was cut off has got no further. */
async function hasServed(
  disks: ReadonlyMap<string, Disk>,
  slots: readonly PlacedSlot[],
  { onLostMetadata }: OpenDrivesOptions,
): Promise<boolean> {
  const { hasAny, hasMetadata, hasShards } = await contentsOf(disks, slots);
  if (hasShards && !hasMetadata) onLostMetadata?.();
  return hasAny;
}

async function layOut(
  disks: ReadonlyMap<string, Disk>,
  plan: DrivePlan,
  chosen: readonly PlacedSlot[],
): Promise<void> {
  const { changes, clusterId, createdAt } = plan;
  const slots = plan.slots.map(({ slot }) => slot);
  await Promise.all(
    chosen.map(async ({ slot: { driveId }, path = "" }) => {
      const disk = disks.get(path);
      if (disk === undefined) return;
      const slot = slots.findIndex((each) => each.driveId === driveId);
      const identity = { clusterId, createdAt, driveId, slot, slots };
      await formatDrive(disk, changes === undefined ? identity : { ...identity, changes });
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
        return await openLocalDrive({ disk, driveId, nodeName, ownsFolder: true });
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
