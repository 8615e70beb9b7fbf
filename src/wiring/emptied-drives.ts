// Drive folders that are emptied while they are in use: somebody has swapped the disk, or removed the wrong folder. Looked
// for every few seconds, for an idle server touches no file. What a start would lay out anew is laid out anew: a folder that
// is blank, was no mount point and lies below none that has gone (else its mount is missing), and of which there are no
// more than parity replaces. All else stays away and is told of. What was laid out anew, by whomever, is taken on: the walk
// over it begins, also where that failed before. The folder of the database is left to the next start, which makes the
// database anew.

import {
  formatDrive,
  readIdentity,
  type DriveChanges,
  type DriveIdentity,
  type DriveSlot,
} from "../datanode/drive-identity.ts";
import type { Disk } from "../disk/disk.ts";
import { deviceAbove, isMountPoint } from "../disk/mount-point.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { DriveAt } from "./open-drives.ts";

const LOOK_EVERY_MS = 5_000;
const DISK_DEADLINE_MS = 10_000;
/** Twice blank in a row: whoever moves a folder away and back is not overtaken. */
const LOOKS_BEFORE = 2;

/** The drives of the cluster, as they are now. */
export interface KnownDrives {
  /** Those that are there. */
  readonly places: readonly DriveAt[];
  readonly slots: readonly DriveSlot[];
  /** Undefined: they are those of the first start. */
  readonly changes: DriveChanges | undefined;
}

export interface EmptiedDrivesOptions extends KnownDrives {
  readonly clusterId: string;
  /** The drive that holds the database. */
  readonly home: DriveAt;
  /** How many may be laid out anew before what they held is made anew. */
  readonly parityShards: number;
  readonly lockAnew: (path: string) => Promise<void>;
  readonly logger: Logger;
  readonly everyMs?: number;
}

export interface EmptiedDrives {
  /** Calls back with each drive that was laid out anew. */
  readonly onRenewed: (listener: (drive: RenewedDrive) => Promise<void>) => void;
  /** Whether all that earlier ones have held is there again, so that others may be laid out. */
  readonly setAllWhole: (isAllWhole: () => boolean) => void;
  /** Drives have come or gone. */
  readonly setDrives: (drives: KnownDrives) => void;
  readonly close: () => Promise<void>;
}

interface Watched extends DriveAt {
  readonly disk: Disk;
  /** As it was when the drive was opened. */
  readonly deviceAbove: Promise<number | undefined>;
  /** When the drive was laid out that its walk is known for; undefined before the first look. */
  createdAt: number | undefined;
  blankLooks: number;
  isTold: boolean;
}

export function watchEmptiedDrives(options: EmptiedDrivesOptions): EmptiedDrives {
  const watch = new EmptiedWatch(options);
  return {
    onRenewed: (listener) => watch.onRenewed(listener),
    setAllWhole: (isAllWhole) => watch.setAllWhole(isAllWhole),
    setDrives: (drives) => watch.setDrives(drives),
    close: () => watch.close(),
  };
}

function watchedAt(place: DriveAt): Watched {
  const disk = openRealDisk({ root: place.path, deadlineMs: DISK_DEADLINE_MS, maxInFlight: 1 });
  const above = deviceAbove(place.path);
  return { ...place, disk, deviceAbove: above, createdAt: undefined, blankLooks: 0, isTold: false };
}

class EmptiedWatch {
  readonly #options: EmptiedDrivesOptions;
  #drives: KnownDrives;
  #watched: readonly Watched[];
  #renewed = new Set<string>();
  #listener: (drive: RenewedDrive) => Promise<void> = () => Promise.resolve();
  #isAllWhole: () => boolean = () => false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: EmptiedDrivesOptions) {
    this.#options = options;
    this.#drives = options;
    this.#watched = options.places.map(watchedAt);
    this.#lookLater();
  }

  setDrives(drives: KnownDrives): void {
    this.#drives = drives;
    this.#watched = drives.places.map(
      (place) => this.#watched.find(({ path }) => path === place.path) ?? watchedAt(place),
    );
  }

  onRenewed(listener: (drive: RenewedDrive) => Promise<void>): void {
    this.#listener = listener;
  }

  setAllWhole(isAllWhole: () => boolean): void {
    this.#isAllWhole = isAllWhole;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#lookLater());
    }, this.#options.everyMs ?? LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (this.#isAllWhole()) this.#renewed.clear();
    await Promise.all(
      this.#watched.map(async (watched) => {
        const found = await this.#find(watched);
        watched.blankLooks = found === "blank" ? watched.blankLooks + 1 : 0;
        if (typeof found === "object") await this.#compare(watched, found);
      }),
    );
    for (const watched of this.#watched) {
      if (watched.blankLooks < LOOKS_BEFORE || this.#isClosed) continue;
      const refusal = await this.#refusalOf(watched);
      if (refusal === undefined) await this.#layOut(watched);
      else this.#tell(watched, refusal);
    }
  }

  async #find(watched: Watched): Promise<DriveIdentity | "blank" | "unknown"> {
    try {
      return (await readIdentity(watched.disk)) ?? "blank";
    } catch (error) {
      // It does not answer, or holds something else: nothing is laid out over that.
      const words = error instanceof Error ? error.message : String(error);
      this.#tell(watched, words);
      return "unknown";
    }
  }

  async #compare(watched: Watched, { createdAt, driveId }: DriveIdentity): Promise<void> {
    if (driveId !== watched.driveId) return this.#tell(watched, "another drive is there");
    watched.isTold = false;
    watched.createdAt ??= createdAt;
    if (watched.createdAt !== createdAt) await this.#takeOn(watched, createdAt);
  }

  async #refusalOf(watched: Watched): Promise<string | undefined> {
    const { driveId, path } = watched;
    const { home, parityShards } = this.#options;
    const { slots } = this.#drives;
    const slot = slots.find((each) => each.driveId === driveId);
    if (slot === undefined || path === home.path) {
      return "it held the database: the next start makes that anew from its copies";
    }
    if (slot.wasMountPoint && !(await isMountPoint(path))) {
      return "its mount is missing, and nothing is written there";
    }
    const above = await deviceAbove(path);
    if (above === undefined || above !== (await watched.deviceAbove)) {
      return "what it lies in is on another disk than before: a mount is missing, and nothing is written there";
    }
    const blank = this.#watched.filter(({ blankLooks }) => blankLooks > 0);
    const lost = new Set([...this.#renewed, ...blank.map((each) => each.driveId)]);
    const absentCount = slots.length - this.#watched.length;
    if (lost.size + absentCount <= parityShards) return undefined;
    return `${lost.size + absentCount} drives are away or emptied, and parity replaces ${parityShards}`;
  }

  async #layOut(watched: Watched): Promise<void> {
    const { clusterId, logger } = this.#options;
    const { changes, slots } = this.#drives;
    const { driveId, disk, path } = watched;
    // As at a start: it is compared with when the cluster began.
    const createdAt = Date.now();
    const slot = slots.findIndex((each) => each.driveId === driveId);
    const first = { clusterId, driveId, slot, slots, createdAt };
    const identity: DriveIdentity = changes === undefined ? first : { ...first, changes };
    try {
      await formatDrive(disk, identity);
    } catch (err) {
      logger.error({ err, drive: path }, "an emptied drive could not be laid out anew");
      return;
    }
    logger.warn({ drive: path }, "a drive was emptied while in use, and is laid out anew");
    // One that no look has seen before, too, held something.
    watched.createdAt ??= 0;
    await this.#takeOn(watched, createdAt);
  }

  /** Has all that was on it looked for. Never rejects: what fails is done again at the next look. */
  async #takeOn(watched: Watched, createdAt: number): Promise<void> {
    const { lockAnew, logger } = this.#options;
    const { driveId, path } = watched;
    try {
      await lockAnew(path);
      await this.#listener({ driveId, createdAt });
    } catch (err) {
      logger.error({ err, drive: path }, "a drive that was laid out anew could not be taken on");
      return;
    }
    this.#renewed.add(driveId);
    watched.blankLooks = 0;
    watched.createdAt = createdAt;
  }

  #tell(watched: Watched, why: string): void {
    if (watched.isTold) return;
    watched.isTold = true;
    this.#options.logger.warn({ drive: watched.path, why }, "a drive is not as it was left");
  }
}
