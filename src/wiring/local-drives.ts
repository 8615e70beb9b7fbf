// The drives of an embedded server, as they are now: which they are, where they are, and what each of them says of the
// others. That is written on all drives before anything else is done, so that a start finds them by whichever is left.

import {
  formatDrive,
  newDriveId,
  readIdentity,
  writeIdentity,
  type DriveChanges,
  type DriveSlot,
} from "../datanode/drive-identity.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { DriveId } from "../core/ids.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import { isMountPoint } from "../disk/mount-point.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import type { MemberedMetadata } from "../metadata/sqlite/open-sqlite-metadata.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { EmptiedDrives } from "./emptied-drives.ts";
import { openAddedDrive, type DriveAt, type OpenedDrives } from "./open-drives.ts";

const DISK_DEADLINE_MS = 10_000;

export interface LocalDrivesParts {
  readonly opened: OpenedDrives;
  /** The drive that holds the database. */
  readonly home: DriveAt;
  readonly emptied: EmptiedDrives;
  /** Whether a start like this one's would look at that folder before it knows of any drive. */
  readonly leadsTo: (path: string) => boolean;
  readonly changeMembers: MemberedMetadata["changeMembers"];
  readonly logger: Logger;
}

/** A drive of the cluster, with the folder that it is. */
export interface LocalDrive extends DriveSlot {
  readonly path: string;
  readonly isLeaving: boolean;
}

export class LocalDrives {
  readonly clusterId: string;
  readonly home: DriveAt;
  readonly #parts: LocalDrivesParts;
  #slots: readonly DriveSlot[];
  #changes: DriveChanges;
  #places: readonly DriveAt[];

  constructor(parts: LocalDrivesParts) {
    const { changes, clusterId, geometry, places, slots } = parts.opened;
    const { dataShards, parityShards } = geometry;
    this.#parts = parts;
    this.clusterId = clusterId;
    this.home = parts.home;
    this.#slots = slots;
    this.#changes = changes ?? { generation: 1, geometry: { dataShards, parityShards } };
    this.#places = places;
  }

  /** Those that are there, and where. */
  get places(): readonly DriveAt[] {
    return this.#places;
  }

  /** All of the cluster, there or not. */
  get all(): readonly LocalDrive[] {
    return this.#slots.map((slot) => ({
      ...slot,
      path: this.#pathOf(slot.driveId) ?? slot.path ?? "",
      isLeaving: slot.isLeaving === true,
    }));
  }

  /**
   * Lays out a blank folder as a new drive, or in the place of one that is lost, and holds it.
   * @throws DriveIdentityError when it holds anything, and what the file system says
   */
  async layOut(path: string, lost?: RenewedDrive): Promise<ShardStore> {
    const { opened } = this.#parts;
    const driveId = lost?.driveId ?? newDriveId();
    const slot: LocalDrive = {
      driveId,
      wasMountPoint: await isMountPoint(path),
      path,
      isLeaving: false,
    };
    const others = this.all;
    const slots = lost
      ? others.map((each) => (each.driveId === driveId ? slot : each))
      : [...others, slot];
    const changes = this.#nextChanges();
    const { clusterId } = opened;
    // One that takes the place of another lacks what that held: it is younger than its cluster.
    const createdAt = lost?.createdAt ?? opened.createdAt;
    const at = slots.indexOf(slot);
    await formatDrive(diskAt(path), { clusterId, createdAt, driveId, slot: at, slots, changes });
    await opened.lockAnew(path);
    const store = await openAddedDrive({ driveId, path }, this.cut.parityShards);
    const places = this.#places.filter((place) => place.driveId !== driveId);
    await this.#become(slots, changes, [...places, { driveId, path }]);
    return store;
  }

  /** A drive that was laid out, and of which the layout never heard, for the process ended just then. */
  openAgain(driveId: DriveId, path: string): Promise<ShardStore> {
    return openAddedDrive({ driveId, path }, this.cut.parityShards);
  }

  /**
   * Whether the next start would find the others without that drive, or with another folder in its place, though as many as
   * parity replaces are lost by then.
   */
  areFoundWithout(gone: DriveId, folder?: string): boolean {
    const { leadsTo } = this.#parts;
    const path = this.all.find(({ driveId }) => driveId === gone)?.path;
    // It leads nobody to the others.
    if (path !== undefined && !leadsTo(path)) return true;
    const left = this.#places.filter(({ driveId }) => driveId !== gone).map((place) => place.path);
    const all = [...left, ...(folder === undefined ? [] : [folder])];
    return all.filter(leadsTo).length > this.cut.parityShards;
  }

  /** Whether it is there. */
  has(driveId: DriveId): boolean {
    return this.#places.some((place) => place.driveId === driveId);
  }

  /** Says on all drives that it is to hold nothing new. */
  async markLeaving(driveId: DriveId): Promise<void> {
    const slots = this.all.map((slot) =>
      slot.driveId === driveId ? { ...slot, isLeaving: true } : slot,
    );
    await this.#become(slots, this.#nextChanges(), this.#places);
  }

  /** Says on all other drives that it is none of them any more, and gives its folder up. */
  async takeOut(driveId: DriveId): Promise<void> {
    const path = this.#pathOf(driveId);
    const slots = this.all.filter((slot) => slot.driveId !== driveId);
    const places = this.#places.filter((place) => place.driveId !== driveId);
    await this.#become(slots, this.#nextChanges(), places);
    if (path !== undefined) this.#parts.opened.unlock(path);
  }

  /** How sets are cut, as the drives say. */
  get cut(): DriveChanges["geometry"] {
    return this.#changes.geometry;
  }

  /** Says on all drives that sets are to be cut otherwise. */
  async recut(cut: DriveChanges["geometry"]): Promise<void> {
    const { dataShards, parityShards } = cut;
    const changes = { ...this.#nextChanges(), geometry: { dataShards, parityShards } };
    await this.#become(this.all, changes, this.#places);
  }

  /** Has drives that stay keep the copies of the metadata. Resolves to why others still do. */
  changeMembers(): Promise<string | undefined> {
    const stay = this.all.filter(({ isLeaving }) => !isLeaving).map(({ driveId }) => driveId);
    return this.#parts.changeMembers({
      drives: stay,
      specs: this.#places.map(({ driveId, path }) => ({ kind: "folder", driveId, path })),
      toleratedCount: this.cut.parityShards,
    });
  }

  #nextChanges(): DriveChanges {
    return { ...this.#changes, generation: this.#changes.generation + 1 };
  }

  async #become(
    slots: readonly LocalDrive[],
    changes: DriveChanges,
    places: readonly DriveAt[],
  ): Promise<void> {
    const { emptied, logger } = this.#parts;
    // Before they are told of it: one that is emptied right now is laid out as what it is from here on.
    emptied.setDrives({ slots, changes, places });
    this.#slots = slots;
    this.#changes = changes;
    this.#places = places;
    const results = await Promise.allSettled(places.map((place) => this.#tell(place)));
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") continue;
      // It is found all the same: whichever drive has seen the most changes is believed.
      const fields = { err: result.reason as unknown, drive: places[index]?.path };
      logger.warn(fields, "a drive could not be told which the others are");
    }
    if (results.every(({ status }) => status === "rejected")) {
      throw new Error("no drive could be told which the others are");
    }
  }

  async #tell({ driveId, path }: DriveAt): Promise<void> {
    const disk = diskAt(path);
    const identity = await readIdentity(disk);
    if (identity?.driveId !== driveId) throw new Error(`${path} is not the drive ${driveId}`);
    const slot = this.#slots.findIndex((each) => each.driveId === driveId);
    const { clusterId, createdAt } = identity;
    const [slots, changes] = [this.#slots, this.#changes];
    await writeIdentity(disk, { clusterId, createdAt, driveId, slot, slots, changes });
  }

  #pathOf(driveId: DriveId): string | undefined {
    return this.#places.find((place) => place.driveId === driveId)?.path;
  }
}

function diskAt(path: string) {
  return openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight: 1 });
}
