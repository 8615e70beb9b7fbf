// An object store over simulated drives and in-memory metadata, for tests: what a client would do, in one call each, and
// what happens to drives. Everything is closed when the test is over.

import { createHash } from "node:crypto";
import type { Account } from "../../src/core/account.ts";
import type { ObjectChecksum } from "../../src/core/checksum.ts";
import type { AccountId, Incarnation, SetId } from "../../src/core/ids.ts";
import { formatDrive, newDriveId } from "../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../src/datanode/local-drive.ts";
import type { ShardStore, SpaceInfo } from "../../src/datanode/shard-store.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { SimDrive, type SimDriveOptions } from "../../src/disk/sim-drive.ts";
import { UNIT_BYTES } from "../../src/core/limits.ts";
import type { ErasureCodec } from "../../src/erasure/erasure-codec.ts";
import { geometryFor } from "../../src/erasure/geometry.ts";
import { openErasureCodec } from "../../src/erasure/open-codec.ts";
import { openMemoryMetadata } from "../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import type { BucketView } from "../../src/store/bucket-view.ts";
import type { ByteWindows } from "../../src/store/byte-window.ts";
import type { KeyProvider } from "../../src/store/encryption/key-provider.ts";
import type { NewObject } from "../../src/store/object-store.ts";
import { openObjectStore, type OpenObjectStore } from "../../src/store/open-object-store.ts";
import type { StoreLimits } from "../../src/store/store-context.ts";
import type { UploadBody } from "../../src/store/upload-body.ts";
import type { Clock } from "../../src/util/clock.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { atEnd } from "./at-end.ts";

export const OWNER: Account = {
  id: "owner" as AccountId,
  name: "owner",
  displayName: "owner",
  email: undefined,
};

/** A clock whose monotonic time is moved by hand. */
export class HandClock implements Clock {
  nowMs = 1_700_000_000_000;

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }

  translate(dateMs: number): number {
    return dateMs;
  }
}

export interface LabOptions {
  readonly driveCount?: number;
  /** Without `packBytesMax` there are no packs: what is not inline has a set of its own. */
  readonly limits?: Partial<StoreLimits>;
  readonly clock?: Clock;
  /** What a drive is like. */
  readonly drive?: (position: number) => Partial<SimDriveOptions>;
  readonly metadataSpace?: () => Promise<SpaceInfo>;
  readonly hasFastEtags?: boolean;
  /** Of encryption with keys of the store's own; none without. */
  readonly keys?: KeyProvider;
  /** Wraps what the store sees of each drive. */
  readonly wrap?: (drive: ShardStore, position: number) => ShardStore;
  readonly wrapCodec?: (codec: ErasureCodec) => ErasureCodec;
  readonly wrapMetadata?: (metadata: MetadataStore) => MetadataStore;
  /** Of a store that is one of several processes'. */
  readonly sideIncarnation?: Incarnation;
}

export interface StoreLab {
  readonly store: OpenObjectStore;
  readonly clock: Clock;
  readonly metadata: MetadataStore;
  readonly disks: readonly SimDrive[];
  readonly bucket: BucketView;
  readonly put: (
    key: string,
    bytes: Uint8Array,
    more?: Partial<UploadBody>,
  ) => Promise<ObjectRecord>;
  readonly get: (key: string, start?: number, end?: number) => Promise<Buffer>;
  readonly target: (key: string, more?: Partial<NewObject>) => NewObject;
  /** The file of a shard, and the disk that it is on. */
  readonly shardOf: (object: ObjectRecord, index: number) => Promise<ShardFile>;
  /** All shard files on all drives. */
  readonly shardFiles: () => Promise<readonly string[]>;
}

interface ShardFile {
  readonly disk: SimDrive;
  readonly path: string;
}

export async function givenStore(options: LabOptions = {}): Promise<StoreLab> {
  const { driveCount = 6, wrap = (drive) => drive } = options;
  const disks = Array.from(
    { length: driveCount },
    (_, seed) => new SimDrive({ seed, deadlineMs: 100, ...options.drive?.(seed) }),
  );
  const drives = await Promise.all(disks.map((disk) => givenDrive(disk)));
  const metadata = openMemoryMetadata();
  const clock = options.clock ?? new HandClock();
  const { codec } = openErasureCodec(geometryFor(driveCount, UNIT_BYTES));
  const store = await openObjectStore({
    metadata: options.wrapMetadata?.(metadata) ?? metadata,
    drives: drives.map((drive, position) => wrap(drive, position)),
    metadataSpace: options.metadataSpace,
    codec: options.wrapCodec?.(codec) ?? codec,
    clock,
    keys: options.keys,
    hasFastEtags: options.hasFastEtags,
    clusterId: "cluster",
    sideIncarnation: options.sideIncarnation,
    limits: { trashGraceMs: 60_000, packBytesMax: 0, ...options.limits },
  });
  atEnd(() => store.close());
  const bucket = await store.createBucket({ name: "bucket", owner: OWNER, region: "us-east-1" });
  const target = (key: string, more: Partial<NewObject> = {}): NewObject => ({
    bucket,
    key,
    ownerId: OWNER.id,
    storageClass: "STANDARD",
    attributes: { headers: {}, userMetadata: {} },
    tags: [],
    acl: undefined,
    lock: { retention: undefined, legalHold: undefined },
    encryption: undefined,
    ...more,
  });
  return {
    store,
    clock,
    metadata,
    disks,
    bucket,
    target,
    put: (key, bytes, more) => store.putObject(target(key), bodyOf(bytes, more)),
    get: (key, start, end) => getBytes(store, bucket, key, { start, end }),
    shardOf: (object, index) => findShard(disks, object, index),
    shardFiles: async () => (await Promise.all(disks.map(listShards))).flat(),
  };
}

async function givenDrive(disk: Disk): Promise<ShardStore> {
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  return openLocalDrive({ disk, driveId });
}

/** A drive's calls as an object of their own, for tests that replace some of them. */
export function callsOf(drive: ShardStore): ShardStore {
  return {
    driveId: drive.driveId,
    label: drive.label,
    create: (name, creation) => drive.create(name, creation),
    createPack: (name) => drive.createPack(name),
    read: (name, offset, target) => drive.read(name, offset, target),
    size: (name) => drive.size(name),
    delete: (name) => drive.delete(name),
    list: (bucket) => drive.list(bucket),
    space: () => drive.space(),
    device: () => drive.device(),
    close: () => drive.close(),
  };
}

/** A body in chunks of odd size, each overwritten once the next is asked for, as the contract allows. */
export function bodyOf(bytes: Uint8Array, more: Partial<UploadBody> = {}): UploadBody {
  return {
    sizeBytes: bytes.length,
    chunks: chunksOf(bytes),
    expectedMd5: undefined,
    checksums: (): readonly ObjectChecksum[] => [],
    ...more,
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const chunkBytes = 60_001;
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const chunk = Buffer.from(bytes.subarray(start, start + chunkBytes));
    yield chunk;
    chunk.fill(0xee);
  }
}

export async function collect(windows: ByteWindows): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const window of windows) {
    for (const chunk of window.chunks) chunks.push(Buffer.from(chunk));
    window.release();
  }
  return Buffer.concat(chunks);
}

async function getBytes(
  store: OpenObjectStore,
  bucket: BucketView,
  key: string,
  range: { readonly start: number | undefined; readonly end: number | undefined },
): Promise<Buffer> {
  const reading = await store.openObject(bucket, key);
  if (reading === undefined) throw new Error(`no object ${key}`);
  return collect(reading.read(range.start ?? 0, range.end ?? reading.object.sizeBytes));
}

/** Bytes that a seed repeats. */
export function bytesOf(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const random = seededRandom(seed);
  const block = Buffer.from(Array.from({ length: 4_099 }, () => random.below(256)));
  for (let at = 0; at < sizeBytes; at += block.length) {
    block.copy(bytes, at);
    // Else the bytes would repeat, and a block in the wrong place could go unseen.
    bytes.writeUInt8(random.below(256), at);
    bytes.writeUInt8(random.below(256), Math.min(at + random.below(4_099), sizeBytes - 1));
  }
  return bytes;
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** The set of an object that has one of its own. */
export function setIdOf(object: ObjectRecord): SetId {
  if (object.content.kind !== "set") throw new Error("the object has no set of its own");
  return object.content.set.id;
}

async function findShard(
  disks: readonly SimDrive[],
  object: ObjectRecord,
  index: number,
): Promise<ShardFile> {
  const setId = setIdOf(object);
  const path = `shards/${setId.slice(-2)}/${setId}.${index}`;
  for (const disk of disks) {
    if ((await listShards(disk)).includes(path)) return { disk, path };
  }
  throw new Error(`no drive holds ${path}`);
}

async function listShards(disk: SimDrive): Promise<readonly string[]> {
  const folders = await disk.list("shards");
  const files = await Promise.all(
    folders.map(async ({ name }) =>
      (await disk.list(`shards/${name}`)).map((file) => `shards/${name}/${file.name}`),
    ),
  );
  return files.flat();
}
