// Wires the layers, for main.ts and index.ts: the embedded server, whose drives are folders of this machine, and the
// gateway, whose drives are in data nodes.

import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { UNIT_BYTES } from "./core/limits.ts";
import { geometryFor } from "./erasure/geometry.ts";
import type { SpaceInfo } from "./disk/disk.ts";
import { openRealDisk } from "./disk/real-disk.ts";
import type { MetadataStore } from "./metadata/metadata-store.ts";
import { CloseStack } from "./wiring/close-stack.ts";
import { resolveDrivePaths, type DriveCount } from "./wiring/drive-paths.ts";
import { openDrives, type FirstDrive, type OpenedDrives } from "./wiring/open-drives.ts";
import {
  CLUSTER_ID,
  METADATA_FOLDER,
  openDriveMetadata,
  openMetadata,
} from "./wiring/open-metadata.ts";
import type { S3FaceOptions } from "./wiring/s3-face.ts";
import type { RunningServer } from "./wiring/serve-store.ts";
import { StartError } from "./wiring/start-error.ts";

/** After so long a question to the metadata's disk counts as failed. */
const DISK_DEADLINE_MS = 10_000;

export type { RunningServer } from "./wiring/serve-store.ts";

export interface EmbeddedOptions extends S3FaceOptions {
  /** One that holds the drive folders, or the drive folders themselves. */
  readonly folders: readonly string[];
  /** How many drive folders are made when one folder is given. */
  readonly drives: DriveCount;
  /** Whether to start although more drives are blank than parity replaces. Default: no. */
  readonly acceptLoss?: boolean;
  readonly supervision?: Supervision;
}

/** What a supervisor tells the process that serves, and wants to hear from it: docs/decisions/0008-supervisor.md. */
export interface Supervision {
  readonly orders: {
    /** Folders that do not answer: they count as away and are never touched. */
    readonly avoidDrives: readonly string[];
    /** Processes before this one that were killed and may not be gone. */
    readonly replacedPids: readonly number[];
  };
  /** Told before any of them is touched by what may block the thread. */
  noteFolders(drives: readonly string[]): void;
  /** Told before the metadata on that drive is opened. */
  noteMetadata(drive: string): void;
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

/** Serves when it resolves. @throws StartError, DriveIdentityError, UsageError: in words for whoever started it. */
export function openEmbedded(options: EmbeddedOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    const serving = loadServing();
    const { supervision } = options;
    const { avoidDrives = [], replacedPids = [] } = supervision?.orders ?? {};
    const { paths, remarks } = await resolveDrivePaths(
      options.folders,
      options.drives,
      avoidDrives,
    );
    supervision?.noteFolders(paths);
    let metadata: MetadataStore | undefined;
    let metadataFolder = "";
    const opened = await openDrives({
      paths,
      nodeName: "local",
      avoidDrives,
      replacedPids,
      onFirstDrive: async (first) => {
        supervision?.noteMetadata(first.path);
        metadataFolder = join(first.path, METADATA_FOLDER);
        metadata = await openDriveMetadata(first, options.clock, closeStack);
        const isFirstStart = (await metadata.findLayouts()).length === 0;
        if (!isFirstStart && options.acceptLoss !== true) refuseLoss(first);
        return { isFirstStart };
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
    const { serveStore } = await serving;
    return serveStore(
      {
        metadata,
        metadataFolder,
        metadataSpace: spaceOfFirst(opened),
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

/** Empty folders are laid out anew without a command only where what they held can be reconstructed. */
function refuseLoss({ blankCount, driveCount }: FirstDrive): void {
  const { parityShards } = geometryFor(driveCount, UNIT_BYTES);
  if (blankCount <= parityShards) return;
  throw new StartError(
    `${blankCount} of ${driveCount} drive folders are empty, and parity replaces ${parityShards}. ` +
      "Nothing was changed: give back their contents (is a disk not mounted?) and start again. " +
      "If they are lost for good, --accept-loss on lays them out anew; objects that need them cannot be read",
  );
}

/** Serves when it resolves. @throws StartError, UsageError: in words for whoever started it. */
export function openGateway(options: GatewayOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    // Loaded only here: the HTTP client for nodes is a fifth of what there is to load.
    const { knownDrives, openGatewayNodes } = await import("./wiring/gateway-nodes.ts");
    const { clock, logger, clusterSecret } = options;
    const serving = loadServing();
    const folder = join(resolve(options.folder), METADATA_FOLDER);
    const metadata = await openMetadata(folder, clock, closeStack);
    const folderDisk = openRealDisk({ root: folder, deadlineMs: DISK_DEADLINE_MS, maxInFlight: 1 });
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
    const { serveStore } = await serving;
    return serveStore(
      {
        metadata,
        metadataFolder: folder,
        metadataSpace: () => folderDisk.space(),
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

/** The drive whose folder holds the metadata answers for both: its calls are bounded. */
function spaceOfFirst({ drives, slots }: OpenedDrives): (() => Promise<SpaceInfo>) | undefined {
  const first = drives.find(({ driveId }) => driveId === slots[0]?.driveId);
  return first && (() => first.space());
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

/** Half of what there is to load, loaded while the drives are looked at and the metadata's writer starts. */
function loadServing() {
  const serving = import("./wiring/serve-store.ts");
  // Whoever awaits it hears of a failure; who fails before need not.
  serving.catch(() => undefined);
  return serving;
}
