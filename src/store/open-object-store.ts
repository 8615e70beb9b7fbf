// Puts the object store together: layout, drives, this process's incarnation. The drives that are given and those that
// the layout names may differ; that is said in the log and never acted on.

import { totalmem } from "node:os";
import { DEFAULT_CHECKSUM_ALGORITHM } from "../core/checksum.ts";
import { INLINE_BYTES_MAX, PACK_BYTES_MAX, PART_BYTES_MIN, UNIT_BYTES } from "../core/limits.ts";
import type { ShardStore, SpaceInfo } from "../datanode/shard-store.ts";
import type { ErasureCodec } from "../erasure/erasure-codec.ts";
import type { DriveId, Incarnation } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { silentLogger, type Logger } from "../telemetry/logger.ts";
import { assert } from "../util/assert.ts";
import { loadChecksumHasher } from "../util/checksum-hasher.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste } from "../util/lab-haste.ts";
import { bucketOperations } from "./buckets.ts";
import { BufferPools, defaultBudget } from "./buffer-pools.ts";
import { Compaction, type CompactOptions, type CompactProgress } from "./compaction.ts";
import { Drive, type DriveCalls } from "./drive.ts";
import { DriveSet } from "./drive-set.ts";
import { DriveTurns } from "./drive-turns.ts";
import { NO_KEYS, type KeyProvider } from "./encryption/key-provider.ts";
import { layoutOperations, type LayoutOperations } from "./layout/layout-operations.ts";
import { reshapeOperations, type ReshapeOperations } from "./reshape/reshape-operations.ts";
import { spreadOverZones, type ZoneOf } from "./layout/spread-over-zones.ts";
import { Litter } from "./litter.ts";
import { LostShards } from "./lost-shards.ts";
import { multipartOperations } from "./multipart.ts";
import type { ObjectStore } from "./object-store.ts";
import { newGeometry } from "./new-geometry.ts";
import { objectOperations } from "./objects.ts";
import { Packs } from "./packs.ts";
import { makeLayout } from "./placement.ts";
import { OrphanSweep } from "./orphan-sweep.ts";
import { repairOperations, type RepairOperations } from "./repair/repair-operations.ts";
import { ReadTracker } from "./read-tracker.ts";
import { makeIncarnation, SetIds } from "./set-ids.ts";
import { SpaceWatch } from "./space-watch.ts";
import { stripeAllocator } from "./stripe-allocator.ts";
import type { StoreContext, StoreLimits } from "./store-context.ts";
import { reportOf, Sides, type SideReport, type SideWorkers } from "./side-workers.ts";
import { StoreInspector, type StoreStatus } from "./store-status.ts";
import type { OrphanSet, SweepOptions, SweepReport } from "./sweep-report.ts";
import { TrashCollector, type TrashStep } from "./trash-collector.ts";
import type { VerifyQuery, VerifyReport, VerifyWatcher } from "./verify-report.ts";
import { verifyObjects } from "./verify.ts";
import { WriteTracker } from "./write-tracker.ts";
import { quorumOfWrite } from "./write-quorum.ts";

export interface ObjectStoreOptions {
  readonly metadata: MetadataStore;
  /** Those that are there. On the first start all of them: they make the layout. Closed by the store. */
  readonly drives: readonly ShardStore[];
  /** What drives fail together with, where that is known: the first layout is made by it. */
  readonly zoneOf?: ZoneOf | undefined;
  /** What is left on the disk that the metadata lies on. Has a deadline of its own. */
  readonly metadataSpace?: (() => Promise<SpaceInfo>) | undefined;
  readonly codec: ErasureCodec;
  readonly clock: Clock;
  /** Written into every shard. */
  readonly clusterId: string;
  readonly logger?: Logger;
  /** Of encryption with keys of the store's own (SSE-S3); refused without. */
  readonly keys?: KeyProvider | undefined;
  readonly limits?: Partial<StoreLimits>;
  /**
   * Whether what is larger than a packed object gets an ETag that is no MD5, and says so, where nobody sent an MD5 to
   * compare with: computing it is a third of what such an upload costs. Default: no.
   */
  readonly hasFastEtags?: boolean | undefined;
  /**
   * Whether no other process writes to this cluster: locks on the drives, or the members' promise, say so. Then whoever
   * wrote before has ended, and what it left is swept. Default: no.
   */
  readonly isSoleOwner?: boolean | undefined;
  /**
   * The incarnation that the lead's `beginSide` gave: this store is one of several processes'. It begins and ends none
   * itself; trash, sweep and compaction are the lead's. Default: the store is the lead, or the only one.
   */
  readonly sideIncarnation?: Incarnation | undefined;
  /** Fills bytes of ids at random; a test may have them repeat. */
  readonly fillRandom?: ((target: Buffer) => void) | undefined;
}

export interface OpenObjectStore
  extends ObjectStore, LayoutOperations, RepairOperations, ReshapeOperations, SideWorkers {
  /** Adds a drive that was absent at start. False when the layout does not name it, or it is there already. */
  attachDrive(drive: ShardStore): boolean;
  /** Has another folder stand for a drive. False when no layout names it. */
  swapDrive(drive: ShardStore): Promise<boolean>;
  /** Gives up a drive that is no more where it was. Until it is attached it is absent. */
  dropDrive(driveId: DriveId): Promise<void>;
  /** Says where the drives are that are used here: the lead waits for sides that use them elsewhere. */
  notePlaces(places: ReadonlyMap<DriveId, string>): void;
  /** One step of the trash collector, for a background worker. */
  collectTrash(): Promise<TrashStep>;
  /** Removes shards that no metadata names, of processes that have ended, on all drives that are there. */
  sweepOrphans(options?: SweepOptions): Promise<SweepReport>;
  /** What a sweep would remove in the end, at most `limit` sets (1,000). Removes nothing. */
  listOrphans(limit?: number): Promise<readonly OrphanSet[]>;
  /** Sweeps the drives for which it is time, with rests, for a background worker. Undefined: it was time for none. */
  sweepDue(signal: AbortSignal): Promise<SweepReport | undefined>;
  /** Empties packs of which much is dead. @throws S3Error ServiceUnavailable, InsufficientStorage */
  compactPacks(options: CompactOptions): Promise<CompactProgress>;
  /** Empties one pack of which more than COMPACT_DEAD_SHARE is dead, for a background worker. */
  compactDue(signal?: AbortSignal): Promise<CompactProgress>;
  /**
   * Reads every shard of every version and part, and compares them with each other and with the metadata. A report of
   * what was found; the findings themselves go to the watcher. @throws S3Error NoSuchBucket
   */
  verifyObjects(query: VerifyQuery, watcher?: VerifyWatcher): Promise<VerifyReport>;
  /** What this process tells its lead of itself. */
  reportOfSide(): SideReport;
  /** What a side does beside its requests, every few seconds: it removes what it left on drives that were away. */
  tendSide(): Promise<void>;
  /** Ends the pack that is open, so that the lead can compact it; resolves when the metadata knows. */
  sealOpenPack(): Promise<void>;
  /** What became of this process's calls to each drive. */
  driveCalls(): ReadonlyMap<DriveId, DriveCalls>;
  /** How many drives new sets may lie on, there or not. */
  driveCount(): number;
  /** How many drives do not answer now, this process or a side, absent ones included. */
  awayCount(): number;
  /** How many readings are open, here and at sides. */
  openReadings(): number;
  /** Bytes of bodies and answers under way, as buffers hold them. */
  bufferBytes(): number;
  /** Shards of failed writes that wait for their drive to be removed, here and at sides. */
  litterCount(): number;
  /** Whether enough drives answer to take writes. */
  isWritable(): Promise<boolean>;
  /** How it is doing: drives, what may still fail, totals. */
  inspect(): Promise<StoreStatus>;
  /** Ends the incarnation and closes the drives; the metadata stays open: whoever opened it closes it. */
  close(): Promise<void>;
}

/** A pack that holds so much data takes no more. */
const PACK_SEAL_BYTES = 64 * 1024 * 1024;
/** A pack of which so much is dead is worth emptying. */
export const COMPACT_DEAD_SHARE = 0.3;
const DEFAULT_LIMITS: StoreLimits = {
  inlineBytesMax: INLINE_BYTES_MAX,
  packBytesMax: PACK_BYTES_MAX,
  packSealBytes: PACK_SEAL_BYTES,
  unitBytes: UNIT_BYTES,
  partBytesMin: PART_BYTES_MIN,
  writeDeadlineMs: 10_000,
  readDeadlineMs: 10_000,
  hedgeMsMin: 50,
  trashGraceMs: inHaste(60_000),
  keepTrashMs: 0,
  reserveShare: 0.01,
  reserveBytesMax: 2 * 1024 ** 3,
  reserveInodesMax: 10_000,
  spaceEveryMs: 5_000,
  bufferBytesMax: defaultBudget(Math.min(process.constrainedMemory() || Infinity, totalmem())),
  processCount: 1,
};
/** SQLite's log takes so much, and what stands in it needs as much again to go where it belongs. */
const METADATA_RESERVE_BYTES = 32 * 1024 * 1024;
/** Of each buffer size so much is kept for later use. */
const IDLE_BYTES_MAX = 24 * 1024 * 1024;

/** Orphans that are listed where nothing else is said. */
const ORPHANS_LISTED = 1_000;

export async function openObjectStore(options: ObjectStoreOptions): Promise<OpenObjectStore> {
  const context = await openContext(options);
  const { clock, drives, metadata, metadataSpace } = context;
  const { sideIncarnation } = options;
  const incarnation = sideIncarnation ?? makeIncarnation(options.fillRandom);
  const closeDrives = (): Promise<void> => {
    metadataSpace?.close();
    return drives.close();
  };
  try {
    if (sideIncarnation === undefined) await begin(options, incarnation);
  } catch (error) {
    await closeDrives();
    throw error;
  }
  const setIds = new SetIds(incarnation, options.fillRandom);
  const packs = new Packs({ ...context, setIds });
  return assemble({ ...context, setIds, packs }, async () => {
    await packs.close();
    try {
      if (sideIncarnation === undefined) await metadata.endIncarnation(incarnation, clock.now());
    } finally {
      await closeDrives();
    }
  });
}

async function begin(
  { metadata, clock, isSoleOwner }: ObjectStoreOptions,
  incarnation: Incarnation,
): Promise<void> {
  await metadata.beginIncarnation({ incarnation, startedAt: clock.now() });
  if (isSoleOwner === true) await metadata.endOtherIncarnations(incarnation, clock.now());
}

async function openContext(
  options: ObjectStoreOptions,
): Promise<Omit<StoreContext, "packs" | "setIds">> {
  const { metadata, clock, codec, clusterId, logger = silentLogger } = options;
  await loadChecksumHasher(DEFAULT_CHECKSUM_ALGORITHM);
  const layouts = await ensureLayouts(options);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const drives = new DriveSet(layouts, (store) => new Drive(store, { clock, logger, limits }));
  for (const store of options.drives) {
    if (drives.attach(store)) continue;
    logger.warn(
      { drive: store.label, driveId: store.driveId },
      "a drive that the stored layout does not name is left alone",
    );
  }
  for (const driveId of drives.absent) logger.warn({ driveId }, "a drive of the layout is absent");
  return {
    metadata,
    drives,
    metadataSpace: watchMetadata(options.metadataSpace, limits, logger),
    codec,
    clock,
    logger,
    keys: options.keys ?? NO_KEYS,
    clusterId,
    pools: new BufferPools({
      budgetBytes: limits.bufferBytesMax,
      idleBytesMax: IDLE_BYTES_MAX,
      allocate: stripeAllocator(codec, () => newGeometry({ drives, limits })),
    }),
    driveTurns: new DriveTurns(limits.processCount),
    hasFastEtags: options.hasFastEtags === true,
    readings: new ReadTracker(clock),
    writings: new WriteTracker(drives),
    litter: new Litter(),
    lostShards: new LostShards({ metadata, logger }),
    limits,
  };
}

function watchMetadata(
  ask: (() => Promise<SpaceInfo>) | undefined,
  limits: StoreLimits,
  logger: Logger,
): SpaceWatch | undefined {
  if (ask === undefined) return undefined;
  const leastBytes = METADATA_RESERVE_BYTES;
  return new SpaceWatch({ label: "metadata", ask, limits, leastBytes, logger });
}

/** The stored layouts; on the first start, one made of the drives given. */
async function ensureLayouts({
  drives,
  metadata,
  zoneOf = (driveId) => driveId,
}: ObjectStoreOptions): Promise<readonly LayoutRecord[]> {
  const stored = await metadata.findLayouts();
  if (stored.length > 0) return stored;
  const driveIds = drives.map(({ driveId }) => driveId);
  const first = spreadOverZones(makeLayout(1, driveIds), zoneOf);
  try {
    await metadata.addLayout(first);
  } catch (error) {
    // Another gateway may have been first; then its layout stands.
    if ((await metadata.findLayouts()).length === 0) throw error;
  }
  const layouts = await metadata.findLayouts();
  assert(layouts.length > 0, "a layout that was added is there");
  return layouts;
}

function assemble(context: StoreContext, end: () => Promise<void>): OpenObjectStore {
  const trash = new TrashCollector(context);
  const compaction = new Compaction(context);
  const sides = new Sides(context);
  const sweep = new OrphanSweep(context, () => sides.doKnow(context.drives.stamp));
  const inspector = new StoreInspector(context);
  const { drives, litter, readings } = context;
  let closing: Promise<void> | undefined;
  return {
    ...bucketOperations(context),
    ...objectOperations(context),
    ...multipartOperations(context),
    ...repairOperations(context),
    ...layoutOperations(context, { sides, onRetired: () => sweep.soon() }),
    ...reshapeOperations(context, compaction),
    attachDrive: (drive) => drives.attach(drive),
    swapDrive: (drive) => drives.swap(drive),
    dropDrive: (driveId) => drives.drop(driveId),
    notePlaces: (places) => drives.notePlaces(places),
    beginSide: (name) => sides.beginSide(name),
    noteSide: (name, report) => sides.noteSide(name, report),
    endSide: (name) => sides.endSide(name),
    reportOfSide: () => reportOf(context),
    tendSide: async () => {
      readings.cutOffOld();
      await litter.collect();
    },
    sealOpenPack: () => context.packs.sealOpen(),
    collectTrash: async () => {
      await sides.tellEnded();
      return trash.step();
    },
    sweepOrphans: (options) => sweep.run(options),
    listOrphans: (limit = ORPHANS_LISTED) => sweep.list(limit),
    sweepDue: (signal) => sweep.step(signal),
    verifyObjects: (query, watcher = {}) => verifyObjects({ context, sweep, query, watcher }),
    compactPacks: (options) => compaction.run(options),
    compactDue: (signal) =>
      compaction.runDue({
        deadShareMin: COMPACT_DEAD_SHARE,
        packsMax: 1,
        ...(signal === undefined ? {} : { signal }),
      }),
    driveCalls: () => new Map(drives.all.map((drive) => [drive.store.driveId, drive.calls])),
    driveCount: () => drives.written.drives.length,
    awayCount: () => drives.countAway(sides.awayDrives),
    bufferBytes: () => context.pools.outBytes,
    litterCount: () => litter.count + sides.litter,
    openReadings: () => readings.count + sides.openReadings,
    inspect: async () => sides.addTo(await inspector.inspect()),
    isWritable: () =>
      drives.confirmReachable(quorumOfWrite(newGeometry(context), drives.awayCount)),
    close: () => (closing ??= end()),
  };
}
