// What every change of the layout asks of the store, whoever's drives come or go: what each drive is due, whether there is
// room for what comes onto it, and whether requests that began before are over.

import { setTimeout as sleep } from "node:timers/promises";
import type { DriveId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { movedPlaces, type WeighedDrive } from "../store/layout/change-layout.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import { geometryOf, PARTITION_COUNT } from "../store/placement.ts";
import { refusal } from "./new-drive-folder.ts";

/** How long whoever takes a drive out waits for requests that read it. */
const READS_MS_MAX = 10_000;
const READS_EVERY_MS = 250;
/** Of what is to come onto a drive, so much more must be free on it. */
const ROOM_FACTOR = 1.1;

/** By capacity; a drive that does not say counts as one of the middle. */
export async function weighDrives(
  store: Pick<OpenObjectStore, "driveSpaces">,
  driveIds: readonly DriveId[],
): Promise<readonly WeighedDrive[]> {
  const spaces = await store.driveSpaces();
  const known = driveIds.flatMap((driveId) => {
    const weight = spaces.get(driveId)?.totalBytes ?? 0;
    return weight > 0 ? [{ driveId, weight }] : [];
  });
  const middle = middleOf(known);
  return driveIds.map(
    (driveId) => known.find((drive) => drive.driveId === driveId) ?? { driveId, weight: middle },
  );
}

/** One that the store does not know yet. */
export async function weighNew(drive: ShardStore): Promise<WeighedDrive> {
  const { totalBytes } = await drive.space();
  return { driveId: drive.driveId, weight: Math.max(totalBytes, 1) };
}

function middleOf(drives: readonly WeighedDrive[]): number {
  const weights = drives.map(({ weight }) => weight).toSorted((a, b) => a - b);
  return weights[Math.floor(weights.length / 2)] ?? 1;
}

/** Whether what comes onto each drive fits there. @throws AdminError in words when it does not */
export async function requireRoom(
  store: OpenObjectStore,
  next: LayoutRecord,
  labelOf: (driveId: DriveId) => string,
): Promise<void> {
  const { newest } = store.layoutState();
  const { dataShards, parityShards } = geometryOf(newest);
  const { totals } = await store.inspect();
  const spaces = await store.driveSpaces();
  const placeBytes = totals.objectBytes / dataShards / PARTITION_COUNT;
  for (const [driveId, count] of movedPlaces(newest, next)) {
    const neededBytes = count * placeBytes * ROOM_FACTOR;
    const freeBytes = spaces.get(driveId)?.freeBytes ?? Infinity;
    if (neededBytes <= freeBytes) continue;
    throw refusal(
      `about ${Math.ceil(neededBytes / 1024 ** 2)} MiB would come onto ${labelOf(driveId)}, and ${Math.floor(freeBytes / 1024 ** 2)} MiB ` +
        `are free there: add a drive first (${dataShards}+${parityShards})`,
    );
  }
}

interface ReadParts {
  readonly store: OpenObjectStore;
  /** Has workers beside this one learn what stands now. */
  readonly tellOthers: () => Promise<void>;
}

/** Whether requests that began before the last change are over; they are waited for, for a while. */
export async function areReadsOver({ store, tellOthers }: ReadParts): Promise<boolean> {
  const isFree = (): boolean => store.areLayoutsKnown() && !store.areOlderPlacesRead();
  for (let waitedMs = 0; !isFree() && waitedMs < READS_MS_MAX; waitedMs += READS_EVERY_MS) {
    await tellOthers();
    await sleep(READS_EVERY_MS);
  }
  return isFree();
}
