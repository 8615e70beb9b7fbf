// What the files of the object store share: the three engines and the store's own state. Made once, by openObjectStore.

import type { ErasureCodec } from "../erasure/erasure-codec.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { BufferPools } from "./buffer-pools.ts";
import type { KeyProvider } from "./encryption/key-provider.ts";
import type { DriveSet } from "./drive-set.ts";
import type { DriveTurns } from "./drive-turns.ts";
import type { Litter } from "./litter.ts";
import type { LostShards } from "./lost-shards.ts";
import type { Packs } from "./packs.ts";
import type { ReadTracker } from "./read-tracker.ts";
import type { SetIds } from "./set-ids.ts";
import type { SpaceLimits, SpaceWatch } from "./space-watch.ts";
import type { WriteTracker } from "./write-tracker.ts";

export interface StoreLimits extends SpaceLimits {
  /** Objects and parts up to this size lie in the metadata. */
  readonly inlineBytesMax: number;
  /** Larger ones, up to this size, go to packs. */
  readonly packBytesMax: number;
  /** A pack that holds so much data takes no more. */
  readonly packSealBytes: number;
  /** A drive that does not take an append, or finish a shard, in this time is given up for that write. */
  readonly writeDeadlineMs: number;
  /** A drive that does not answer a read in this time has failed it. */
  readonly readDeadlineMs: number;
  /** The shortest time after which another shard is asked for what a slow drive owes. */
  readonly hedgeMsMin: number;
  /** One unit of a new set's stripes. */
  readonly unitBytes: number;
  /** The smallest part of an upload, but for its last. */
  readonly partBytesMin: number;
  /** Bytes of bodies and answers that are under way at a time, of all clients. */
  readonly bufferBytesMax: number;
  /** Processes that serve from these drives, this one included. */
  readonly processCount: number;
  /** How long a deleted set's shards stay at least, in monotonic milliseconds. */
  readonly trashGraceMs: number;
  /** How long they stay beyond that, for a restore to a time before: in milliseconds of wall time since the deletion. */
  readonly keepTrashMs: number;
}

export interface StoreContext {
  readonly metadata: MetadataStore;
  readonly drives: DriveSet;
  /** Of the disk that the metadata lies on, where that is known. */
  readonly metadataSpace: SpaceWatch | undefined;
  readonly codec: ErasureCodec;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Wraps the data keys of what is encrypted with keys of the store's own. */
  readonly keys: KeyProvider;
  readonly clusterId: string;
  readonly setIds: SetIds;
  readonly pools: BufferPools;
  readonly driveTurns: DriveTurns;
  /** See ObjectStoreOptions. */
  readonly hasFastEtags: boolean;
  readonly readings: ReadTracker;
  readonly writings: WriteTracker;
  readonly litter: Litter;
  readonly lostShards: LostShards;
  readonly packs: Packs;
  readonly limits: StoreLimits;
}

/** Stripes that are written, and read, at a time at most: one mebibyte of data with four data shards. */
export const STRIPES_PER_WINDOW = 4;
