// Wires the layers, for main.ts and index.ts: the embedded server, whose drives are folders of this machine, and the
// gateway, whose drives are in data nodes.

import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { startWorker } from "./background/worker.ts";
import { UNIT_BYTES } from "./core/limits.ts";
import type { ShardStore } from "./datanode/shard-store.ts";
import { geometryFor, type Geometry } from "./erasure/geometry.ts";
import { createReedSolomonCodec } from "./erasure/rs-codec.ts";
import type { MetadataStore } from "./metadata/metadata-store.ts";
import { openSqliteMetadata } from "./metadata/sqlite/open-sqlite-metadata.ts";
import { openObjectStore, type OpenObjectStore } from "./store/open-object-store.ts";
import type { Logger } from "./telemetry/logger.ts";
import { loadChecksumHasher } from "./util/checksum-hasher.ts";
import type { Clock } from "./util/clock.ts";
import type { DriveSummary } from "./wiring/banner.ts";
import { CloseStack } from "./wiring/close-stack.ts";
import { disksThatMayFail } from "./wiring/disk-losses.ts";
import { resolveDrivePaths, type DriveCount } from "./wiring/drive-paths.ts";
import { knownDrives, openGatewayNodes } from "./wiring/gateway-nodes.ts";
import { makeBuckets } from "./wiring/make-buckets.ts";
import { openDrives, type FirstDrive } from "./wiring/open-drives.ts";
import type { RootKeys } from "./wiring/root-keys.ts";
import { openS3Face, type S3FaceOptions } from "./wiring/s3-face.ts";
import { StartError } from "./wiring/start-error.ts";

export interface EmbeddedOptions extends S3FaceOptions {
  /** One that holds the drive folders, or the drive folders themselves. */
  readonly folders: readonly string[];
  /** How many drive folders are made when one folder is given. */
  readonly drives: DriveCount;
}

export interface GatewayOptions extends S3FaceOptions {
  /** Holds the metadata. */
  readonly folder: string;
  /** The data nodes' URLs. */
  readonly nodes: readonly string[];
  readonly clusterSecret: string;
  /** Called with a sentence while the start waits for nodes. */
  readonly onProgress: (words: string) => void;
}

export interface RunningServer {
  readonly endpoint: string;
  readonly keys: RootKeys;
  readonly drives: DriveSummary;
  /** What was found odd at the start, in sentences. */
  readonly remarks: readonly string[];
  /** Removes every bucket and upload, and makes the configured buckets anew. */
  reset(): Promise<void>;
  /** Finishes requests under way, for a bounded time, and gives everything up. Harmless when repeated. */
  close(): Promise<void>;
}

const METADATA_FOLDER = "metadata";
/** How often the trash is looked at while there is nothing to do. */
const TRASH_IDLE_MS = 5_000;
const CLUSTER_ID = "cluster.id";

/** Serves when it resolves. @throws StartError, DriveIdentityError, UsageError: in words for whoever started it. */
export function openEmbedded(options: EmbeddedOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    const { paths, remarks } = await resolveDrivePaths(options.folders, options.drives);
    let metadata: MetadataStore | undefined;
    const opened = await openDrives({
      paths,
      nodeName: "local",
      onFirstDrive: async (first) => {
        metadata = await openDriveMetadata(first, options.clock, closeStack);
      },
    });
    closeStack.add(opened.release);
    if (metadata === undefined) throw new StartError("there is no drive for the metadata");
    const geometry = geometryFor(opened.slots.length, UNIT_BYTES);
    if (opened.drives.length < geometry.dataShards) {
      throw new StartError(
        `${opened.drives.length} of ${opened.slots.length} drives are there, and reading takes ${geometry.dataShards}. ` +
          `Nothing was changed. ${opened.remarks.join("; ")}`,
      );
    }
    // The first layout is made of the drives that are given, and names them for good.
    if (opened.drives.length < opened.slots.length && (await metadata.findLayouts()).length === 0) {
      throw new StartError(`a first start needs all its drives. ${opened.remarks.join("; ")}`);
    }
    return serve(
      {
        metadata,
        clusterId: opened.clusterId,
        drives: opened.drives,
        driveCount: opened.slots.length,
        remarks: [...remarks, ...opened.remarks],
      },
      options,
      closeStack,
    );
  });
}

/** Serves when it resolves. @throws StartError, UsageError: in words for whoever started it. */
export function openGateway(options: GatewayOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    const { clock, logger, clusterSecret } = options;
    const folder = join(resolve(options.folder), METADATA_FOLDER);
    const metadata = await openMetadata(folder, clock, closeStack);
    const clusterId = await metadata.ensureSetting(CLUSTER_ID, randomUUID());
    const layout = (await metadata.findLayouts()).at(-1);
    const clients = await openGatewayNodes(
      {
        urls: options.nodes,
        clusterSecret,
        clock,
        logger,
        layout,
        neededCount: geometryFor(layout?.drives.length ?? 1, UNIT_BYTES).dataShards,
        onProgress: options.onProgress,
      },
      closeStack,
    );
    const drives = knownDrives(clients);
    const away = clients.filter(({ known }) => known === undefined);
    return serve(
      {
        metadata,
        clusterId,
        clusterSecret,
        drives,
        driveCount: layout?.drives.length ?? drives.length,
        remarks: away.map(({ url, problem }) => `${url} is away: ${problem ?? ""}`),
        whenDrives: (attach) => {
          for (const client of away) client.onDrives((found) => found.forEach(attach));
        },
      },
      options,
      closeStack,
    );
  });
}

/** The parts that differ between the two. */
interface Engines {
  readonly metadata: MetadataStore;
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

async function serve(
  engines: Engines,
  options: S3FaceOptions,
  closeStack: CloseStack,
): Promise<RunningServer> {
  const { metadata, clusterId, drives, driveCount, clusterSecret } = engines;
  const { clock, logger, buckets, region } = options;
  await loadChecksumHasher();
  const codec = createReedSolomonCodec();
  const geometry = geometryFor(driveCount, UNIT_BYTES);
  const store = await openObjectStore({ metadata, drives, codec, clock, logger, clusterId });
  closeStack.add(() => store.close());
  closeStack.add(startTrashWorker(store, logger));
  engines.whenDrives?.((drive) => store.attachDrive(drive));
  const face = await openS3Face(
    {
      metadata,
      store,
      closeStack,
      isReady: () => driveCount - store.awayCount() >= geometry.dataShards,
      ...(clusterSecret === undefined ? {} : { clusterSecret }),
    },
    options,
  );
  return {
    endpoint: face.endpoint,
    keys: face.keys,
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

/** Closes what was opened when the start fails. */
async function opening(
  open: (closeStack: CloseStack) => Promise<RunningServer>,
): Promise<RunningServer> {
  const closeStack = new CloseStack();
  try {
    return await open(closeStack);
  } catch (error) {
    // What went wrong first is what there is to tell.
    await closeStack.close().catch(() => undefined);
    throw error;
  }
}

async function openDriveMetadata(
  first: FirstDrive,
  clock: Clock,
  closeStack: CloseStack,
): Promise<MetadataStore> {
  const folder = join(first.path, METADATA_FOLDER);
  if (!first.isNew && (await isAbsent(folder))) throw lostMetadata(folder);
  const metadata = await openMetadata(folder, clock, closeStack);
  const clusterId = await first.readClusterId();
  const standing = first.isNew
    ? await metadata.ensureSetting(CLUSTER_ID, clusterId)
    : await metadata.findSetting(CLUSTER_ID);
  if (standing === undefined) throw lostMetadata(folder);
  if (standing !== clusterId) {
    throw new StartError(`${folder} is the metadata of another cluster. Nothing was changed`);
  }
  return metadata;
}

function lostMetadata(folder: string): StartError {
  return new StartError(
    `the metadata that was in ${folder} is gone: without it the drives' contents have no names. ` +
      "Nothing was changed; give it back, or name empty folders to begin anew",
  );
}

async function isAbsent(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length === 0;
}

async function openMetadata(
  folder: string,
  clock: Clock,
  closeStack: CloseStack,
): Promise<MetadataStore> {
  try {
    const metadata = await openSqliteMetadata({ folder, clock });
    closeStack.add(() => metadata.close());
    return metadata;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StartError(`the metadata cannot be opened: ${words}`, { cause: error });
  }
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
    disksMayFail: disksThatMayFail(devices, geometry),
  };
}
