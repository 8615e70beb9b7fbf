// Which folder is which drive: by the identity that each carries, never by the order in which folders are given. Where
// drives have come or gone since, not all may have heard of it: the identity that has seen the most changes holds.
// Nothing here writes. What does not fit is refused in words, or reported and left alone.

import { basename } from "node:path";
import type { DriveChanges, DriveIdentity, DriveSlot } from "../datanode/drive-identity.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import { StartError } from "./start-error.ts";

/** A folder that was looked at. */
export interface SeenFolder {
  readonly path: string;
  /** Undefined: blank, an empty or absent folder. */
  readonly identity: DriveIdentity | undefined;
  readonly isMountPoint: boolean;
}

export interface PlacedSlot {
  readonly slot: DriveSlot;
  /** Its folder; undefined when it is not among those given. */
  readonly path: string | undefined;
  /** Whether the folder is blank and is to be laid out for this slot. */
  readonly isBlank: boolean;
}

export interface DrivePlan {
  readonly clusterId: string;
  readonly createdAt: number;
  readonly slots: readonly PlacedSlot[];
  /** Undefined: the drives are those of the first start. */
  readonly changes?: DriveChanges | undefined;
  /** Drives that are younger than their cluster: they lack what was written before. */
  readonly renewed: readonly RenewedDrive[];
  /** What was found odd and left alone, in sentences. */
  readonly remarks: readonly string[];
}

/**
 * Places folders of which at least one is a drive.
 * @throws StartError when they belong to different clusters, or two are the same drive.
 */
export function placeFolders(folders: readonly SeenFolder[]): DrivePlan | undefined {
  const reference = newestOf(folders.flatMap(({ identity }) => identity ?? []));
  if (reference === undefined) return undefined;
  const bySlot = new Map<number, SeenFolder>();
  const unused: string[] = [];
  for (const folder of oldestFirst(folders)) {
    if (folder.identity === undefined) continue;
    checkSameCluster(folder.identity, reference, folder.path);
    const { driveId } = folder.identity;
    const slot = reference.slots.findIndex((each) => each.driveId === driveId);
    const other = bySlot.get(slot);
    if (slot < 0) {
      unused.push(`${folder.path} is a drive that was taken out of this cluster: it is not used`);
      continue;
    }
    if (other !== undefined) {
      if (generationOf(other.identity) === generationOf(folder.identity)) {
        throw new StartError(
          `${other.path} and ${folder.path} are the same drive (slot ${slot + 1}): one is a copy. Name only one of them`,
        );
      }
      unused.push(`${other.path} is a drive that ${folder.path} has replaced: it is not used`);
    }
    bySlot.set(slot, folder);
  }
  const { slots, remarks } = placeBlanks(reference.slots, bySlot, folders);
  const createdAt = Math.min(...[...bySlot.values()].map(createdAtOf));
  const renewed = [...bySlot.values()].flatMap(({ identity }) =>
    identity !== undefined && identity.createdAt > createdAt
      ? [{ driveId: identity.driveId, createdAt: identity.createdAt }]
      : [],
  );
  const { clusterId, changes } = reference;
  return { clusterId, createdAt, slots, changes, renewed, remarks: [...remarks, ...unused] };
}

/** How many changes of the drives an identity has seen. */
function generationOf(identity: Pick<DriveIdentity, "changes"> | undefined): number {
  return identity?.changes?.generation ?? 1;
}

/** The first of those that have seen the most. */
export function newestOf(identities: readonly DriveIdentity[]): DriveIdentity | undefined {
  return identities.reduce<DriveIdentity | undefined>(
    (best, each) => (generationOf(each) > (best ? generationOf(best) : 0) ? each : best),
    undefined,
  );
}

function oldestFirst(folders: readonly SeenFolder[]): readonly SeenFolder[] {
  return folders.toSorted((a, b) => generationOf(a.identity) - generationOf(b.identity));
}

function createdAtOf({ identity }: SeenFolder): number {
  return identity?.createdAt ?? Number.POSITIVE_INFINITY;
}

function placeBlanks(
  slots: readonly DriveSlot[],
  bySlot: ReadonlyMap<number, SeenFolder>,
  folders: readonly SeenFolder[],
): Pick<DrivePlan, "remarks" | "slots"> {
  const remarks: string[] = [];
  const blanks = folders.filter(({ identity }) => identity === undefined);
  const taken = new Set<SeenFolder>();
  const placed = slots.map((slot, index): PlacedSlot => {
    const known = bySlot.get(index);
    if (known !== undefined) return { slot, path: known.path, isBlank: false };
    // Given in the old order, a blank folder stands where its drive stood; else the first that fits will do. Once drives
    // have come or gone, each has a path of its own, and no other folder stands for it.
    const own = slot.path === undefined ? folders[index] : undefined;
    const candidates = own === undefined ? blanks : [own, ...blanks];
    const open = candidates.filter(
      (folder) => folder.identity === undefined && !taken.has(folder) && fits(folder, slot),
    );
    const blank = open.find(({ path }) => path === slot.path) ?? open.find(mayStandFor(slot));
    if (blank === undefined) {
      remarks.push(`drive ${index + 1} (${slot.driveId}) is away`);
      return { slot, path: undefined, isBlank: false };
    }
    taken.add(blank);
    remarks.push(
      `${blank.path} was empty and is laid out anew as drive ${index + 1}: what it held is made anew from the others`,
    );
    return { slot, path: blank.path, isBlank: true };
  });
  const isMountAway = placed.some(({ slot, path }) => path === undefined && slot.wasMountPoint);
  for (const { path, isMountPoint } of blanks.filter((folder) => !taken.has(folder))) {
    remarks.push(
      isMountAway && !isMountPoint
        ? `${path} is empty and nothing is mounted there, as it was on the drive that is away: mount its disk and start ` +
            "again. Nothing is written there"
        : `${path} is not used: the cluster has ${slots.length} drives, and kintsugi drive add takes in more`,
    );
  }
  return { slots: placed, remarks };
}

/** Of a drive whose path is known: the folder may have been moved with those around it. */
function mayStandFor({ path }: DriveSlot): (folder: SeenFolder) => boolean {
  return (folder) => path === undefined || basename(path) === basename(folder.path);
}

/** An empty folder where a mount point was is a missing mount: what is written there would land on another disk. */
function fits(folder: SeenFolder, slot: DriveSlot): boolean {
  return folder.isMountPoint || !slot.wasMountPoint;
}

function checkSameCluster(identity: DriveIdentity, reference: DriveIdentity, path: string): void {
  if (identity.clusterId !== reference.clusterId) {
    throw new StartError(
      `${path} is a drive of another cluster (${identity.clusterId}, not ${reference.clusterId}). Nothing was changed: ` +
        "name only the drives of one cluster",
    );
  }
  const isAsOld = generationOf(identity) === generationOf(reference);
  if (isAsOld && driveIdsOf(identity) !== driveIdsOf(reference)) {
    throw new StartError(
      `${path} names other drives than the rest of its cluster: its identity was taken from another layout. Nothing was ` +
        "changed: start without that folder, or give it back what it held",
    );
  }
}

function driveIdsOf({ slots }: DriveIdentity): string {
  return slots.map(({ driveId }) => driveId).join();
}
