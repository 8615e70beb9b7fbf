// An object store whose process and drives can die: simulated drives, metadata in memory (which a crash spares), and a
// fence that lets nothing of a dead process through. Units, packs and parts are small, so that every way of storing an
// object is gone through thousands of times a second.

import {
  DriveIdentityError,
  formatDrive,
  newDriveId,
} from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import type { DriveId } from "../../../src/core/ids.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { Unsynced } from "../../../src/disk/sim-file.ts";
import { geometryFor } from "../../../src/erasure/geometry.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import type { BucketView } from "../../../src/store/bucket-view.ts";
import { openObjectStore, type OpenObjectStore } from "../../../src/store/open-object-store.ts";
import type { StoreLimits } from "../../../src/store/store-context.ts";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { callsOf, HandClock, OWNER } from "../../support/store-lab.ts";
import { fenced, type Life } from "./fence.ts";
import { tableCodec } from "./table-codec.ts";

/** Sizes up to the first lie in the metadata, up to the second in packs, others in sets of their own. */
const INLINE_BYTES_MAX = 512;
const PACK_BYTES_MAX = 4_096;
const LIMITS: Partial<StoreLimits> = {
  inlineBytesMax: INLINE_BYTES_MAX,
  packBytesMax: PACK_BYTES_MAX,
  packSealBytes: 20_000,
  unitBytes: 512,
  partBytesMin: 600,
  trashGraceMs: 60_000,
  // Nothing here takes time, so nothing is late but what hangs, and that says so itself.
  hedgeMsMin: 2_000,
};
/** Longer than a drive is ever set aside. */
const LONG_MS = 61_000;
const ID_BYTES = 8;
/** Of 256. */
const FOLDERS = 4;
const CLUSTER = "cluster";
const codec = tableCodec(createReedSolomonCodec());

export class ModelStore {
  readonly clock = new HandClock();
  readonly metadata: MetadataStore = openMemoryMetadata(this.clock);
  /** How many shards of a set may be lost. */
  readonly parity: number;
  readonly #seed: number;
  readonly #ids: SeededRandom;
  readonly #driveIds: readonly DriveId[];
  readonly #disks: SimDrive[];
  #generation = 0;
  #life: Life = { isOver: true };
  #store: OpenObjectStore | undefined;
  #bucket: BucketView | undefined;

  private constructor(seed: number, driveCount: number) {
    this.parity = geometryFor(driveCount, 1).parityShards;
    this.#seed = seed;
    this.#ids = seededRandom(seed);
    this.#driveIds = Array.from({ length: driveCount }, newDriveId);
    this.#disks = this.#driveIds.map((_, slot) => this.#newDisk(slot));
  }

  static async make(seed: number, driveCount: number): Promise<ModelStore> {
    const model = new ModelStore(seed, driveCount);
    await Promise.all(model.#disks.map((disk, slot) => model.#format(disk, slot)));
    await model.open();
    model.#bucket = await model.store.createBucket({
      name: "bucket",
      owner: OWNER,
      region: "us-east-1",
    });
    return model;
  }

  get disks(): readonly SimDrive[] {
    return this.#disks;
  }

  get store(): OpenObjectStore {
    if (this.#store === undefined) throw new Error("the store is not open");
    return this.#store;
  }

  get bucket(): BucketView {
    if (this.#bucket === undefined) throw new Error("there is no bucket yet");
    return this.#bucket;
  }

  get life(): Life {
    return this.#life;
  }

  async open(): Promise<void> {
    const life: Life = { isOver: false };
    const drives = await Promise.all(this.#disks.map((disk, slot) => this.#openDrive(disk, slot)));
    this.#life = life;
    this.#store = await openObjectStore({
      metadata: fenced(this.metadata, life),
      drives: drives.flatMap((drive) => (drive === undefined ? [] : fenced(callsOf(drive), life))),
      codec,
      clock: this.clock,
      clusterId: CLUSTER,
      isSoleOwner: true,
      limits: LIMITS,
      fillRandom: (target) => this.#fillIds(target),
    });
  }

  /** The process ends in good order, and another begins. */
  async restart(): Promise<void> {
    await this.store.close();
    await this.open();
  }

  /** The machine loses power, and starts again with its drives well. */
  async crash(unsynced: Unsynced, replaced?: SimDrive): Promise<void> {
    this.#life.isOver = true;
    for (const disk of this.#disks) disk.crash(unsynced);
    // Frees timers; what it asks of metadata and drives is refused.
    await this.#store?.close().catch(() => undefined);
    for (const disk of this.#disks) disk.heal();
    if (replaced !== undefined) await this.#replace(replaced);
    await this.open();
  }

  /** Lets so much time pass that no drive is set aside any more and what is in the trash may go. */
  passTime(): void {
    this.clock.nowMs += LONG_MS;
  }

  async close(): Promise<void> {
    this.#life.isOver = true;
    await this.#store?.close().catch(() => undefined);
  }

  /** Paths of all shard files of a drive. */
  async shardFiles(disk: SimDrive): Promise<readonly string[]> {
    const folders = await disk.list("shards");
    const names = await Promise.all(
      folders.map(async ({ name }) => {
        return (await disk.list(`shards/${name}`)).map((file) => `shards/${name}/${file.name}`);
      }),
    );
    return names.flat();
  }

  /** Random ids of eight bytes, of which the last names one of few folders: making those is dear. */
  #fillIds(target: Buffer): void {
    for (let at = 0; at < target.length; at += ID_BYTES) {
      target.writeUInt32LE(this.#ids.below(2 ** 32), at);
      target.writeUInt32LE(this.#ids.below(2 ** 32), at + 4);
      target.writeUInt8(this.#ids.below(FOLDERS) * (256 / FOLDERS), at + ID_BYTES - 1);
    }
  }

  /** A blank drive is laid out in the slot of one that is gone. */
  async #replace(disk: SimDrive): Promise<void> {
    const slot = this.#disks.indexOf(disk);
    const blank = this.#newDisk(slot);
    await this.#format(blank, slot);
    this.#disks[slot] = blank;
  }

  /** Undefined where the drive has lost its identity: then it is left alone. */
  async #openDrive(disk: SimDrive, slot: number): Promise<ShardStore | undefined> {
    try {
      return await openLocalDrive({ disk, driveId: this.#driveIds[slot] ?? newDriveId() });
    } catch (error) {
      if (error instanceof DriveIdentityError) return undefined;
      throw error;
    }
  }

  #newDisk(slot: number): SimDrive {
    this.#generation += 1;
    return new SimDrive({
      name: `drive-${slot}`,
      seed: this.#seed * 1_009 + this.#generation,
      deadlineMs: 50,
      // Time passes at once: a hang is a TIMEOUT some turns later.
      wait: () => new Promise((resolve) => setImmediate(resolve)),
    });
  }

  async #format(disk: SimDrive, slot: number): Promise<void> {
    const slots = this.#driveIds.map((driveId) => ({ driveId, wasMountPoint: false }));
    const driveId = this.#driveIds[slot] ?? newDriveId();
    await formatDrive(disk, { clusterId: CLUSTER, driveId, slot, slots, createdAt: 0 });
  }
}
