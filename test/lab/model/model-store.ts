// An object store whose process and drives can die: simulated drives, metadata in memory (which a crash spares), and a
// fence that lets nothing of a dead process through.

import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { Unsynced } from "../../../src/disk/sim-file.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import type { BucketView } from "../../../src/store/bucket-view.ts";
import { openObjectStore, type OpenObjectStore } from "../../../src/store/open-object-store.ts";
import { callsOf, HandClock, OWNER } from "../../support/store-lab.ts";

export const DRIVES = 6;
/** Small, so that most objects have shards. */
const INLINE_BYTES_MAX = 512;
const TRASH_GRACE_MS = 60_000;
/** Longer than a drive is ever set aside. */
const LONG_MS = 61_000;
const CLUSTER = "cluster";
const codec = createReedSolomonCodec();

export interface Life {
  isOver: boolean;
}

export class ModelStore {
  readonly clock = new HandClock();
  readonly disks: readonly SimDrive[];
  readonly metadata: MetadataStore = openMemoryMetadata(this.clock);
  readonly #driveIds = Array.from({ length: DRIVES }, newDriveId);
  #life: Life = { isOver: true };
  #store: OpenObjectStore | undefined;
  #bucket: BucketView | undefined;

  private constructor(seed: number) {
    this.disks = Array.from(
      { length: DRIVES },
      (_, index) =>
        new SimDrive({
          seed: seed * DRIVES + index,
          deadlineMs: 50,
          // Time passes at once: a hang is a TIMEOUT some turns later.
          wait: () => new Promise((resolve) => setImmediate(resolve)),
        }),
    );
  }

  static async make(seed: number): Promise<ModelStore> {
    const model = new ModelStore(seed);
    const slots = model.#driveIds.map((driveId) => ({ driveId, wasMountPoint: false }));
    for (const [slot, disk] of model.disks.entries()) {
      const driveId = model.#driveIds[slot] ?? newDriveId();
      await formatDrive(disk, { clusterId: CLUSTER, driveId, slot, slots, createdAt: 0 });
    }
    await model.open();
    model.#bucket = await model.store.createBucket("bucket", OWNER, "us-east-1");
    return model;
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
    const drives = await Promise.all(
      this.disks.map(async (disk, position) => {
        const driveId = this.#driveIds[position] ?? newDriveId();
        return fenced(callsOf(await openLocalDrive({ disk, driveId })), life);
      }),
    );
    this.#life = life;
    this.#store = await openObjectStore({
      metadata: fenced(this.metadata, life),
      drives,
      codec,
      clock: this.clock,
      clusterId: CLUSTER,
      limits: { inlineBytesMax: INLINE_BYTES_MAX, trashGraceMs: TRASH_GRACE_MS },
    });
  }

  /** The machine loses power, and starts again with its drives well. */
  async crash(unsynced: Unsynced): Promise<void> {
    this.#life.isOver = true;
    for (const disk of this.disks) disk.crash(unsynced);
    // Frees timers; what it asks of metadata and drives is refused.
    await this.#store?.close().catch(() => undefined);
    for (const disk of this.disks) disk.heal();
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
}

/** The same calls, until the life is over: then each is refused, and nothing happens. */
function fenced<Calls extends object>(calls: Calls, life: Life): Calls {
  return new Proxy(calls, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (life.isOver && name !== "close")
          return Promise.reject(new Error("the process is dead"));
        return Reflect.apply(value, target, args);
      };
    },
  });
}
