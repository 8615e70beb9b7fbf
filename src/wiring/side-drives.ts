// The drives of a worker beside the lead: those that the lead has, opened here too. One that does not answer is tried again,
// and one that comes, goes, or is another folder than before is followed when the lead says so.
//
// Invariant: when this worker says that it knows where the drives are, it uses none at another place.

import type { DriveId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { DriveAt } from "./open-drives.ts";

/** Opens drives where they are. */
export interface PlaceOpener {
  /** Those that can be opened now. */
  open(wanted: readonly DriveAt[]): Promise<readonly ShardStore[]>;
  /** No drive is used any more but at these places. */
  retain(places: readonly DriveAt[]): Promise<void>;
}

type DrivesStore = Pick<
  OpenObjectStore,
  | "attachDrive"
  | "detachDrives"
  | "driveCalls"
  | "dropDrive"
  | "notePlaces"
  | "refreshLayouts"
  | "sealOpenPack"
  | "swapDrive"
>;

export class SideDrives {
  readonly #store: DrivesStore;
  readonly #opener: PlaceOpener;
  #places: readonly DriveAt[];
  /** Where each that is open was opened. */
  readonly #openAt = new Map<string, string>();
  #running: Promise<void> = Promise.resolve();

  constructor(
    store: DrivesStore,
    opener: PlaceOpener,
    {
      places,
      opened,
    }: { readonly places: readonly DriveAt[]; readonly opened: readonly ShardStore[] },
  ) {
    this.#store = store;
    this.#opener = opener;
    this.#places = places;
    // One that no layout names yet is left alone by the store: it is opened again once one does.
    const taken = store.driveCalls();
    for (const { driveId, path } of places) {
      const isOpened = opened.some((drive) => drive.driveId === driveId);
      if (isOpened && taken.has(driveId)) this.#openAt.set(driveId, path);
    }
  }

  /** Opens those that are not open yet, one call after the other: two at a time would open a drive twice. Never rejects. */
  attach(): Promise<void> {
    return this.#alone(() => this.#attachMissing(this.#places));
  }

  /** These are there now; none given: those that are known. */
  async refresh(places: readonly DriveAt[]): Promise<void> {
    if (places.length > 0) this.#places = places;
    await this.#store.refreshLayouts();
    await this.#alone(async () => {
      const now = this.#places;
      await this.#attachMissing(now);
      const isGone = (id: string): boolean => now.every(({ driveId }) => driveId !== id);
      await this.#store.detachDrives(isGone);
      for (const driveId of this.#openAt.keys()) if (isGone(driveId)) this.#openAt.delete(driveId);
      await this.#opener.retain(now);
      this.#store.notePlaces(pathsOf(now));
    });
  }

  #alone(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(work).catch(() => undefined);
    return this.#running;
  }

  async #attachMissing(places: readonly DriveAt[]): Promise<void> {
    const wanted = places.filter(({ driveId, path }) => this.#openAt.get(driveId) !== path);
    if (wanted.length === 0) return;
    const isMove = wanted.some(({ driveId }) => this.#openAt.has(driveId));
    for (const drive of await this.#opener.open(wanted)) {
      const { driveId } = drive;
      const path = wanted.find((place) => place.driveId === driveId)?.path ?? "";
      const isOpen = this.#openAt.has(driveId);
      const isTaken = isOpen ? await this.#store.swapDrive(drive) : this.#store.attachDrive(drive);
      if (isTaken) this.#openAt.set(driveId, path);
      else await drive.close();
    }
    for (const { driveId, path } of wanted) {
      const at = this.#openAt.get(driveId);
      if (at === undefined || at === path) continue;
      // What is where it was is that drive no more: until it can be opened where it is now it is away.
      this.#openAt.delete(driveId);
      await this.#store.dropDrive(driveId);
    }
    // Its files are open where the drive was.
    if (isMove) await this.#store.sealOpenPack();
  }
}

/** Where each drive is, by id. */
export function pathsOf(places: readonly DriveAt[]): ReadonlyMap<DriveId, string> {
  return new Map(places.map(({ driveId, path }) => [driveId, path]));
}
