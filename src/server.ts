// Wires the layers, for main.ts and index.ts: the embedded server, whose drives are folders of this machine, and the
// gateway, whose drives are in data nodes.

import { join } from "node:path";
import type { SpaceInfo } from "./disk/disk.ts";
import type { DriveId } from "./core/ids.ts";
import { prepareWriter, type SpawnWriter } from "./metadata/sqlite/spawn-writer.ts";
import type { Logger } from "./telemetry/logger.ts";
import { CloseStack } from "./wiring/close-stack.ts";
import { refuseWithoutMetadata } from "./wiring/drive-contents.ts";
import { leadsTo, resolveDrivePaths, type DriveCount } from "./wiring/drive-paths.ts";
import { watchEmptiedDrives, type EmptiedDrives } from "./wiring/emptied-drives.ts";
import { LocalDrives } from "./wiring/local-drives.ts";
import {
  openDrives,
  type DriveAt,
  type FoundBlanks,
  type OpenedDrives,
} from "./wiring/open-drives.ts";
import { makeOwner, METADATA_FOLDER, metadataDrive, openMetadata } from "./wiring/open-metadata.ts";
import { finishPlacing } from "./wiring/place-metadata.ts";
import type { GatewayOptions } from "./wiring/gateway-engines.ts";
import type { S3FaceOptions } from "./wiring/s3-face.ts";
import { drivesToWalk } from "./wiring/returned-drives.ts";
import type { RunningServer } from "./wiring/serve-store.ts";
import { makeSideFolder, writerDoorOf } from "./wiring/side-folder.ts";
import type { SideWelcome } from "./wiring/side-protocol.ts";
import type { SidePlan } from "./wiring/supervisor-protocol.ts";
import { StartError } from "./wiring/start-error.ts";

export type { RunningServer } from "./wiring/serve-store.ts";

export interface EmbeddedOptions extends S3FaceOptions {
  /** One that holds the drive folders, or the drive folders themselves. */
  readonly folders: readonly string[];
  /** How many drive folders are made when one folder is given. */
  readonly drives: DriveCount;
  /** Whether to start although more drives are blank than parity replaces. Default: no. */
  readonly acceptLoss?: boolean;
  /** The only cluster that the drives may be; undefined: whichever they are, or a new one. */
  readonly clusterId?: string | undefined;
  readonly supervision?: Supervision;
  /** Workers that are to serve beside this process, where a supervisor starts any, and what they are to know. */
  readonly sides?: { readonly count: number; readonly config: SideWelcome["config"] } | undefined;
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

/** Serves when it resolves. @throws StartError, DriveIdentityError, UsageError: in words for whoever started it. */
export function openEmbedded(options: EmbeddedOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    const writer = prepareWriter();
    closeStack.add(() => writer.release());
    const { acceptLoss = false, supervision } = options;
    const { avoidDrives = [], replacedPids = [] } = supervision?.orders ?? {};
    const { paths, remarks } = await resolveDrivePaths(
      options.folders,
      options.drives,
      avoidDrives,
    );
    supervision?.noteFolders(paths);
    const opened = await openDrives({
      paths,
      nodeName: "local",
      avoidDrives,
      replacedPids,
      ...(options.clusterId === undefined
        ? {}
        : { expected: { clusterId: options.clusterId, mayBegin: acceptLoss } }),
      ...(acceptLoss ? {} : refusalsOf(options)),
    });
    closeStack.add(opened.release);
    refuseUnreadable(opened, opened.geometry.dataShards);
    const finished = await finishPlacing(opened.places);
    const home = await metadataDrive(staying(opened));
    supervision?.noteMetadata(home.path);
    const emptied = watchEmptied(opened, home, options);
    closeStack.add(() => emptied.close());
    const sides = options.sides && {
      config: options.sides.config,
      plan: await makeSideFolder(options.sides.count, closeStack),
    };
    const standing = { opened, home, emptied, sides, spawn: writer.spawn };
    const homeOpening = openHome(standing, options, closeStack);
    // Evaluating so much code keeps this thread: not before the writer's has all that it needs to begin.
    const serving = loadServing();
    const { metadata, metadataFolder, localDrives, remarks: found } = await homeOpening;
    // The first layout is made of the drives that are given, and names them for good.
    if (opened.drives.length < opened.slots.length && (await metadata.findLayouts()).length === 0) {
      throw new StartError(`a first start needs all its drives. ${opened.remarks.join("; ")}`);
    }
    const { serveStore } = await serving;
    return serveStore(
      {
        metadata,
        metadataFolder,
        metadataSpace: spaceOf(home.driveId, opened),
        clusterId: opened.clusterId,
        drives: opened.drives,
        driveCount: opened.slots.length,
        geometry: opened.geometry,
        renewed: await drivesToWalk(metadata, opened),
        emptied,
        localDrives,
        remarks: [...remarks, ...opened.remarks, ...finished, ...found],
        sides: sides && {
          plan: sides.plan,
          welcome: { ...welcomeFor(standing, options), config: sides.config },
        },
      },
      options,
      closeStack,
    );
  });
}

interface Standing {
  readonly opened: OpenedDrives;
  /** The drive that holds the database. */
  readonly home: DriveAt;
  readonly emptied: EmptiedDrives;
  readonly sides: { readonly plan: SidePlan } | undefined;
  readonly spawn: SpawnWriter;
}

function watchEmptied(
  { changes, clusterId, geometry, lockAnew, places, slots }: OpenedDrives,
  home: DriveAt,
  { logger }: EmbeddedOptions,
): EmptiedDrives {
  const { parityShards } = geometry;
  const parts = { changes, clusterId, places, slots, home, parityShards, lockAnew, logger };
  return watchEmptiedDrives(parts);
}

/** Those that are not being drained, where there are any: what must last lies on them. */
function staying({ places, slots }: OpenedDrives): readonly DriveAt[] {
  const leaving = new Set(slots.flatMap((slot) => (slot.isLeaving === true ? slot.driveId : [])));
  const rest = places.filter(({ driveId }) => !leaving.has(driveId));
  return rest.length > 0 ? rest : places;
}

/** Opens the metadata beside its copies on the drives. */
async function openHome(
  { opened, home, emptied, sides, spawn }: Standing,
  { clock, folders, logger, acceptLoss = false, supervision }: EmbeddedOptions,
  closeStack: CloseStack,
) {
  const { slots, places, clusterId, geometry } = opened;
  const metadataFolder = metadataFolderOf(home);
  const membered = await openMetadata(
    {
      folder: metadataFolder,
      members: places.map(({ driveId, path }) => ({ kind: "folder", driveId, path })),
      drives: slots.filter(({ isLeaving }) => isLeaving !== true).map(({ driveId }) => driveId),
      toleratedCount: geometry.parityShards,
      owner: makeOwner(),
      clusterId,
      acceptLoss,
      replacedPids: supervision?.orders.replacedPids ?? [],
      door: writerDoorOf(sides?.plan),
      spawn,
      clock,
      logger,
      onFenced: (words) => endFenced(logger, words),
    },
    closeStack,
  );
  const { metadata, remarks } = membered;
  const localDrives = new LocalDrives({
    opened,
    home,
    emptied,
    leadsTo: (path) => leadsTo(folders, path),
    changeMembers: (change) => membered.changeMembers(change),
    logger,
  });
  return { metadata, metadataFolder, localDrives, remarks };
}

function metadataFolderOf(home: DriveAt): string {
  return join(home.path, METADATA_FOLDER);
}

function welcomeFor({ opened, home }: Standing, { encryption }: EmbeddedOptions) {
  const { clusterId, places, slots } = opened;
  return {
    encryption,
    clusterId,
    driveCount: slots.length,
    geometry: opened.geometry,
    places,
    metadata: { driveId: home.driveId, folder: metadataFolderOf(home) },
  };
}

/** Another process cannot have them while this one holds their locks; if one does, every write is refused from now on. */
function endFenced(logger: Logger, words: string): void {
  logger.fatal({}, `another process has taken over the drives: ${words}`);
}

function refuseUnreadable({ drives, slots, remarks }: OpenedDrives, dataShards: number): void {
  if (drives.length >= dataShards) return;
  throw new StartError(
    `${drives.length} of ${slots.length} drives are there, and reading takes ${dataShards}. ` +
      `Nothing was changed. ${remarks.join("; ")}`,
  );
}

/** What stops a start, unless somebody says that it is lost. */
function refusalsOf({ folders }: EmbeddedOptions) {
  return { onBlanks: refuseLoss, onLostMetadata: () => refuseWithoutMetadata(folders) };
}

/** Empty folders are laid out anew without a command only where what they held can be reconstructed. */
function refuseLoss({ blankCount, driveCount, parityShards }: FoundBlanks): void {
  if (blankCount <= parityShards) return;
  throw new StartError(
    `${blankCount} of ${driveCount} drive folders are empty, and parity replaces ${parityShards}. ` +
      "Nothing was changed: give back their contents (is a disk not mounted?) and start again. " +
      "If they are lost for good, --accept-loss on lays them out anew; objects that need them cannot be read",
  );
}

interface OpenGatewayOptions extends Omit<GatewayOptions, "sides"> {
  readonly sides?: EmbeddedOptions["sides"];
}

/** Serves when it resolves. @throws StartError, UsageError: in words for whoever started it. */
export function openGateway({ sides, ...options }: OpenGatewayOptions): Promise<RunningServer> {
  return opening(async (closeStack) => {
    // Loaded only here: the HTTP client for nodes is a fifth of what there is to load.
    const { openGatewayEngines } = await import("./wiring/gateway-engines.ts");
    const serving = loadServing();
    const plan = sides && (await makeSideFolder(sides.count, closeStack));
    const engines = await openGatewayEngines(
      { ...options, sides: sides && plan && { plan, config: sides.config } },
      closeStack,
    );
    const { serveStore } = await serving;
    return serveStore(engines, options, closeStack);
  });
}

/** The drive whose folder holds the metadata answers for both: its calls are bounded. */
function spaceOf(home: DriveId, { drives }: OpenedDrives): (() => Promise<SpaceInfo>) | undefined {
  const drive = drives.find(({ driveId }) => driveId === home);
  return drive && (() => drive.space());
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

/** Half of what there is to load, loaded while the metadata's writer asks its members. */
function loadServing() {
  const serving = import("./wiring/serve-store.ts");
  // Whoever awaits it hears of a failure; who fails before need not.
  serving.catch(() => undefined);
  return serving;
}
