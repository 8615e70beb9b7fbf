// The drives of a cluster whose server is stopped, for commands that work on them in its place: found by their identities and
// locked, so that no server starts meanwhile. Nothing is laid out; blank folders are left alone.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DriveId } from "../core/ids.ts";
import { readIdentity } from "../datanode/drive-identity.ts";
import { openLocalDrive } from "../datanode/local-drive.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import { DiskError } from "../disk/disk.ts";
import { isMountPoint } from "../disk/mount-point.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import { geometryFor } from "../erasure/geometry.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import type { JournalMember } from "../journal/journal-member.ts";
import { openMember } from "../metadata/members/member-spec.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { positionIn } from "../metadata/sqlite/chain-state.ts";
import { lockFolder } from "../metadata/sqlite/folder-lock.ts";
import { makeLayout } from "../store/placement.ts";
import { CloseStack } from "./close-stack.ts";
import { resolveDrivePaths } from "./drive-paths.ts";
import { placeFolders, type DrivePlan, type SeenFolder } from "./drive-slots.ts";
import type { DriveAt } from "./open-drives.ts";
import { METADATA_FOLDER, metadataDrive } from "./open-metadata.ts";
import { finishPlacing } from "./place-metadata.ts";
import { StartError } from "./start-error.ts";

export interface OfflineCluster {
  readonly clusterId: string;
  /** All drives, in the order of their slots. */
  readonly slots: readonly DriveId[];
  /** What new sets are to be written by, where no layout is left: by the drives that stay. */
  readonly firstLayout: LayoutRecord;
  /** How many may be away with nothing lost. */
  readonly parityShards: number;
  /** Those that are there. */
  readonly places: readonly DriveAt[];
  readonly drives: readonly ShardStore[];
  readonly members: readonly JournalMember[];
  /** The one whose folder holds the database, or will. */
  readonly home: DriveAt;
  readonly remarks: readonly string[];
  close(): Promise<void>;
}

/** A command has the drives to itself: it may wait for them longer than a server. */
const DISK_DEADLINE_MS = 60_000;
const CALLS_MAX = 8;
/** Shard files that are kept open for reading on each drive. */
const OPEN_MAX = 64;

/** @throws StartError, DriveIdentityError in words: no drives of one cluster, or a server runs on them. */
export async function openOfflineCluster(folders: readonly string[]): Promise<OfflineCluster> {
  const { paths } = await resolveDrivePaths(folders, { count: 1, isGiven: false });
  const { seen, remarks } = await lookAt(paths);
  const plan = placeFolders(seen);
  if (plan === undefined) throw new StartError(`${folders.join(", ")}: there are no drives there`);
  const places = placesOf(plan, seen);
  const closeStack = new CloseStack();
  try {
    await lockAll(places, closeStack);
    remarks.push(...(await finishPlacing(places)));
    const [drives, members] = await Promise.all([openStores(places), openMembers(places)]);
    for (const opened of [...drives, ...members]) closeStack.add(() => opened.close());
    const slots = plan.slots.map(({ slot }) => slot.driveId);
    const away = plan.slots.flatMap(({ slot: { driveId } }, index) =>
      places.some((place) => place.driveId === driveId)
        ? []
        : [`drive ${index + 1} (${driveId}) is not there`],
    );
    return {
      clusterId: plan.clusterId,
      slots,
      firstLayout: firstLayoutOf(plan),
      parityShards:
        plan.changes?.geometry.parityShards ?? geometryFor(slots.length, UNIT_BYTES).parityShards,
      places,
      drives,
      members,
      home: await metadataDrive(stayingOf(plan, places)),
      remarks: [...remarks, ...away],
      close: () => closeStack.close(),
    };
  } catch (error) {
    await closeStack.close();
    throw error;
  }
}

/** @throws StartError with more drives away than parity replaces */
export function requireDrives({ places, slots, parityShards, remarks }: OfflineCluster): void {
  if (places.length >= slots.length - parityShards) return;
  throw new StartError(
    `${places.length} of ${slots.length} drives are there: of what lies on the others too little is left to be read. ` +
      `Nothing was changed: give them back (${remarks.join("; ")}). ` +
      "If they are lost for good, --accept-loss on makes the metadata of what is there",
  );
}

function firstLayoutOf({ slots, changes }: DrivePlan): LayoutRecord {
  const staying = slots.filter(({ slot }) => slot.isLeaving !== true);
  const chosen = staying.length > 0 ? staying : slots;
  const layout = makeLayout(
    1,
    chosen.map(({ slot }) => slot.driveId),
  );
  return { ...layout, geometry: changes?.geometry };
}

/** As a server chooses: what must last lies on drives that are not being drained, where there are any. */
function stayingOf({ slots }: DrivePlan, places: readonly DriveAt[]): readonly DriveAt[] {
  const leaving = new Set(
    slots.flatMap(({ slot }) => (slot.isLeaving === true ? slot.driveId : [])),
  );
  const rest = places.filter(({ driveId }) => !leaving.has(driveId));
  return rest.length > 0 ? rest : places;
}

/** The database of a server that may be running beside. @throws StartError */
export async function databaseOf(folders: readonly string[]): Promise<string> {
  const { paths } = await resolveDrivePaths(folders, { count: 1, isGiven: false });
  const { seen } = await lookAt(paths);
  const plan = placeFolders(seen);
  const [path] = databasesIn(plan === undefined ? [] : placesOf(plan, seen));
  if (path !== undefined) return path;
  throw new StartError(`${folders.join(", ")}: no drive there holds the metadata of a server`);
}

/**
 * Where a drive was away for a while, or is being drained, it may hold a database that was left behind: the one that knows
 * the most comes first, and those that cannot be read last.
 */
export function databasesIn(places: readonly DriveAt[]): readonly string[] {
  const none = { epoch: -1, sequence: -1 };
  return places
    .map(({ path }) => join(path, METADATA_FOLDER, "metadata.db"))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, at: positionIn(path) ?? none }))
    .toSorted(({ at: a }, { at: b }) => b.epoch - a.epoch || b.sequence - a.sequence)
    .map(({ path }) => path);
}

async function lookAt(paths: readonly string[]) {
  const remarks: string[] = [];
  const looked = await Promise.all(
    paths.map(async (path): Promise<SeenFolder | undefined> => {
      try {
        const identity = await readIdentity(diskAt(path));
        return { path, identity, isMountPoint: await isMountPoint(path) };
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        remarks.push(`${path} does not answer: ${error.message}`);
        return undefined;
      }
    }),
  );
  return { seen: looked.filter((folder) => folder !== undefined), remarks };
}

/** Blank folders hold nothing that could be read. */
function placesOf({ slots }: DrivePlan, seen: readonly SeenFolder[]): readonly DriveAt[] {
  return slots.flatMap(({ slot: { driveId }, path, isBlank }) =>
    path === undefined || isBlank || !seen.some((folder) => folder.path === path)
      ? []
      : [{ driveId, path }],
  );
}

async function lockAll(places: readonly DriveAt[], closeStack: CloseStack): Promise<void> {
  for (const { path } of places) {
    try {
      const lock = await lockFolder(path);
      closeStack.add(() => lock.release());
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new StartError(`${words}: stop the server first`, { cause: error });
    }
  }
}

function openStores(places: readonly DriveAt[]): Promise<readonly ShardStore[]> {
  return Promise.all(
    places.map(({ driveId, path }) =>
      openLocalDrive({ disk: diskAt(path), driveId, openMax: OPEN_MAX }),
    ),
  );
}

function openMembers(places: readonly DriveAt[]): Promise<readonly JournalMember[]> {
  return Promise.all(
    places.map(({ driveId, path }) => openMember({ kind: "folder", driveId, path })),
  );
}

function diskAt(path: string) {
  return openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight: CALLS_MAX });
}
