// Which folder is which drive: by the identity that each carries, never by the order in which folders are given.
// Nothing here writes. What does not fit is refused in words, or reported and left alone.

import type { DriveIdentity, DriveSlot } from "../datanode/drive-identity.ts";
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
  const [reference] = folders.flatMap(({ identity }) => identity ?? []);
  if (reference === undefined) return undefined;
  const bySlot = new Map<number, SeenFolder>();
  for (const folder of folders) {
    if (folder.identity === undefined) continue;
    checkSameCluster(folder.identity, reference, folder.path);
    const other = bySlot.get(folder.identity.slot);
    if (other !== undefined) {
      throw new StartError(
        `${other.path} and ${folder.path} are the same drive (slot ${folder.identity.slot + 1}): one is a copy. Name only one of them`,
      );
    }
    bySlot.set(folder.identity.slot, folder);
  }
  const { slots, remarks } = placeBlanks(reference.slots, bySlot, folders);
  const createdAt = Math.min(...[...bySlot.values()].map(createdAtOf));
  const renewed = [...bySlot.values()].flatMap(({ identity }) =>
    identity !== undefined && identity.createdAt > createdAt
      ? [{ driveId: identity.driveId, createdAt: identity.createdAt }]
      : [],
  );
  return { clusterId: reference.clusterId, createdAt, slots, renewed, remarks };
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
    // Given in the old order, a blank folder stands where its drive stood; else the first that fits will do.
    const own = folders[index];
    const candidates = own === undefined ? blanks : [own, ...blanks];
    const blank = candidates.find(
      (folder) => folder.identity === undefined && !taken.has(folder) && fits(folder, slot),
    );
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
        : `${path} is not used: this cluster was laid out with ${slots.length} drives`,
    );
  }
  return { slots: placed, remarks };
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
  if (driveIdsOf(identity) !== driveIdsOf(reference)) {
    throw new StartError(
      `${path} names other drives than the rest of its cluster: its identity was taken from another layout. Nothing was ` +
        "changed: start without that folder, or give it back what it held",
    );
  }
}

function driveIdsOf({ slots }: DriveIdentity): string {
  return slots.map(({ driveId }) => driveId).join();
}
