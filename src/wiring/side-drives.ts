// The drives of a worker beside the lead: those that the lead has, opened here too. One that does not answer is tried again,
// and one that comes, goes, or is another folder than before is followed when the lead says so.

import type { ShardStore } from "../datanode/shard-store.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import { openDrivesBeside, type DriveAt } from "./open-drives.ts";

/** As the lead names this machine to drives. */
const NODE_NAME = "local";

type DrivesStore = Pick<
  OpenObjectStore,
  "attachDrive" | "detachDrives" | "driveCalls" | "refreshLayouts" | "swapDrive"
>;

export class SideDrives {
  readonly #store: DrivesStore;
  #places: readonly DriveAt[];
  /** Where each that is open was opened. */
  readonly #openAt = new Map<string, string>();
  #attaching = Promise.resolve();

  constructor(store: DrivesStore, places: readonly DriveAt[], opened: readonly ShardStore[]) {
    this.#store = store;
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
    this.#attaching = this.#attaching.then(() => this.#attachMissing());
    return this.#attaching;
  }

  async #attachMissing(): Promise<void> {
    const wanted = this.#places.filter(({ driveId, path }) => this.#openAt.get(driveId) !== path);
    if (wanted.length === 0) return;
    for (const drive of await openDrivesBeside(wanted, NODE_NAME)) {
      const { driveId } = drive;
      const path = wanted.find((place) => place.driveId === driveId)?.path ?? "";
      const isOpen = this.#openAt.has(driveId);
      const isTaken = isOpen ? await this.#store.swapDrive(drive) : this.#store.attachDrive(drive);
      if (isTaken) this.#openAt.set(driveId, path);
      else await drive.close();
    }
  }

  /** These are there now; none given: those that are known. */
  async refresh(places: readonly DriveAt[]): Promise<void> {
    if (places.length > 0) this.#places = places;
    await this.#store.refreshLayouts();
    await this.attach();
    await this.#store.detachDrives((id) => !this.#has(id));
    for (const driveId of this.#openAt.keys()) {
      if (!this.#has(driveId)) this.#openAt.delete(driveId);
    }
  }

  #has(driveId: string): boolean {
    return this.#places.some((place) => place.driveId === driveId);
  }
}
