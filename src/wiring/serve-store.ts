// Serves S3 from metadata and drives: the object store over them, the front end before it, and the work in the background.

import { startWorker } from "../background/worker.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { SpaceInfo } from "../disk/disk.ts";
import { geometryFor, type Geometry } from "../erasure/geometry.ts";
import { selfTestCodec } from "../erasure/codec-self-test.ts";
import { createReedSolomonCodec } from "../erasure/rs-codec.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { disksThatMayFail } from "../store/disk-tolerance.ts";
import { openObjectStore, type OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { DriveSummary } from "./banner.ts";
import type { CloseStack } from "./close-stack.ts";
import { makeBuckets } from "./make-buckets.ts";
import type { RootKeys } from "./root-keys.ts";
import { openS3Face, type S3FaceOptions } from "./s3-face.ts";

/** How often the trash is looked at while there is nothing to do. */
const TRASH_IDLE_MS = 5_000;
/** How often it is asked whether a drive is due for a sweep. */
const SWEEP_IDLE_MS = 30_000;

export interface RunningServer {
  readonly endpoint: string;
  readonly keys: RootKeys;
  readonly drives: DriveSummary;
  /** Where the metadata lies. */
  readonly metadataFolder: string;
  /** What was found odd at the start, in sentences. */
  readonly remarks: readonly string[];
  /** Removes every bucket and upload, and makes the configured buckets anew. */
  reset(): Promise<void>;
  /** Finishes requests under way, for a bounded time, and gives everything up. Harmless when repeated. */
  close(): Promise<void>;
}

/** What a server serves from: where the embedded server and the gateway differ. */
export interface Engines {
  readonly metadata: MetadataStore;
  readonly metadataFolder: string;
  /** What is left on the disk that the metadata lies on. */
  readonly metadataSpace: (() => Promise<SpaceInfo>) | undefined;
  readonly clusterId: string;
  readonly clusterSecret?: string;
  /** Those that are there. */
  readonly drives: readonly ShardStore[];
  /** All of the layout. */
  readonly driveCount: number;
  readonly remarks: readonly string[];
  /** Calls `attach` for drives that turn up later. */
  readonly whenDrives?: (attach: (drive: ShardStore) => void) => void;
}

/** Serves when it resolves. What it opens is put on the close stack. */
export async function serveStore(
  engines: Engines,
  options: S3FaceOptions,
  closeStack: CloseStack,
): Promise<RunningServer> {
  const { metadata, metadataSpace, clusterId, drives, driveCount, clusterSecret } = engines;
  const { clock, logger, buckets, region } = options;
  const codec = createReedSolomonCodec();
  selfTestCodec(codec);
  const geometry = geometryFor(driveCount, UNIT_BYTES);
  const parts = { metadata, metadataSpace, drives, codec, clusterId };
  const store = await openObjectStore({ ...parts, clock, logger, isSoleOwner: true });
  closeStack.add(() => store.close());
  closeStack.add(startTrashWorker(store, logger));
  closeStack.add(startSweepWorker(store, logger));
  engines.whenDrives?.((drive) => store.attachDrive(drive));
  const face = await openS3Face(
    {
      metadata,
      store,
      closeStack,
      isReady: () => metadata.isWritable() && driveCount - store.awayCount() >= geometry.dataShards,
      ...(clusterSecret === undefined ? {} : { clusterSecret }),
    },
    options,
  );
  return {
    endpoint: face.endpoint,
    keys: face.keys,
    metadataFolder: engines.metadataFolder,
    drives: await summaryOf(drives, driveCount, geometry),
    remarks: [...engines.remarks, ...face.remarks],
    reset: async () => {
      await metadata.reset();
      await makeBuckets(store, buckets, region);
    },
    close: () => closeStack.close(),
  };
}

/** Removes the shards of what was deleted. Resolves, when it is called, once the step under way has ended. */
function startTrashWorker(store: OpenObjectStore, logger: Logger): () => Promise<void> {
  const worker = startWorker(
    {
      name: "trash",
      step: async () => ((await store.collectTrash()).removedCount > 0 ? "busy" : "idle"),
      idleMs: TRASH_IDLE_MS,
    },
    logger,
  );
  return () => worker.stop();
}

/** Removes what processes that have ended left behind. Resolves, when it is called, once the step under way has ended. */
function startSweepWorker(store: OpenObjectStore, logger: Logger): () => Promise<void> {
  const worker = startWorker(
    {
      name: "sweep",
      step: async (signal) => {
        await store.sweepDue(signal);
        return "idle";
      },
      idleMs: SWEEP_IDLE_MS,
    },
    logger,
  );
  return () => worker.stop();
}

async function summaryOf(
  drives: readonly ShardStore[],
  count: number,
  geometry: Geometry,
): Promise<DriveSummary> {
  const answers = await Promise.allSettled(drives.map((drive) => drive.device()));
  // Of a drive that does not say where it is, nothing good is assumed.
  const devices = answers.map((answer) => (answer.status === "fulfilled" ? answer.value : ""));
  return {
    count,
    presentCount: drives.length,
    geometry,
    disksMayFail: disksThatMayFail({ devices, spareCount: geometry.parityShards }),
  };
}
