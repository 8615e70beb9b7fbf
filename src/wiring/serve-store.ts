// Serves S3 from metadata and drives: the object store over them, the front end before it, and the work in the background.

import type { Worker } from "../background/worker.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { SpaceInfo } from "../disk/disk.ts";
import type { Geometry } from "../erasure/geometry.ts";
import { openErasureCodec } from "../erasure/open-codec.ts";
import { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { RepairSettings } from "../config/repair-settings.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import type { ZoneOf } from "../store/layout/spread-over-zones.ts";
import { disksThatMayFail } from "../store/disk-tolerance.ts";
import { openObjectStore, type OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { RequestCounts } from "../telemetry/request-counts.ts";
import type { Clock } from "../util/clock.ts";
import type { AdminFace } from "./admin-face.ts";
import { openMasterKeys, type MasterKeyring } from "./master-keyring.ts";
import type { DriveSummary } from "./banner.ts";
import { startClockWork } from "./clock-work.ts";
import type { CloseStack } from "./close-stack.ts";
import type { ClusterNodes } from "./cluster-nodes.ts";
import { startLayoutWork, type LayoutWork } from "./layout-work.ts";
import type { LocalDrives } from "./local-drives.ts";
import { startRepair, type RepairWork } from "./repair-work.ts";
import type { EmptiedDrives } from "./emptied-drives.ts";
import type { RootKeys } from "./root-keys.ts";
import { openS3Face, type S3Face, type S3FaceOptions } from "./s3-face.ts";
import { openSideDoor, type SideDoor, type SideDoorParts } from "./side-door.ts";
import type { SidePlan } from "./supervisor-protocol.ts";
import { makeDriveTeller } from "./tell-sides.ts";
import { startUpkeep } from "./upkeep-work.ts";
import { shareOfWorker } from "./worker-share.ts";

export interface RunningServer {
  readonly endpoint: string;
  /** Of the admin API; undefined where it is not open. */
  readonly adminEndpoint: string | undefined;
  readonly keys: RootKeys;
  readonly clusterId: string;
  readonly drives: DriveSummary;
  /** Where the metadata lies. */
  readonly metadataFolder: string;
  /** Drives that hold each change of it. */
  readonly metadataCopies: number;
  /** What was found odd at the start, in sentences. */
  readonly remarks: readonly string[];
  /** Who may serve beside this process; undefined where nobody may. */
  readonly sides: SidePlan | undefined;
  /** So many connections end with their next answer. */
  shed(count: number): void;
  /** How long the oldest write of metadata has been under way, in milliseconds; 0 when there is none. */
  writeWaitMs(): number;
  /** Does all that the lifecycles of buckets have to do by the clock's time, at once. */
  runLifecycle(): Promise<void>;
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
  /** How sets are cut. */
  readonly geometry: Geometry;
  /** Where drives are folders of this machine, so that they can be added and taken out. */
  readonly localDrives?: LocalDrives;
  /** Where drives are those of data nodes, so that nodes can be added and taken out. */
  readonly clusterNodes?: ClusterNodes;
  /** What drives fail together with, for the first layout. */
  readonly zoneOf?: ZoneOf;
  /** Drives that are younger than their cluster: they lack what was written before. */
  readonly renewed?: readonly RenewedDrive[];
  /** Says which drives were emptied, and laid out anew, while in use. */
  readonly emptied?: EmptiedDrives;
  readonly remarks: readonly string[];
  /** Calls `attach` for drives that turn up later. */
  readonly whenDrives?: (attach: (drive: ShardStore) => void) => void;
  /** Whether requests may be answered now; always, where absent. */
  readonly isServing?: () => boolean;
  /** Where others are to serve beside this process: how they find it, and what they serve from. */
  readonly sides?: Pick<SideDoorParts, "confirmation" | "plan" | "welcome"> | undefined;
}

/** Serves when it resolves. What it opens is put on the close stack. */
export async function serveStore(
  engines: Engines,
  options: S3FaceOptions,
  closeStack: CloseStack,
): Promise<RunningServer> {
  const { metadata, clusterId, drives, clusterSecret } = engines;
  const { isServing = () => true } = engines;
  const { clock, logger } = options;
  const { geometry, keyring, store } = await openStore(engines, options, closeStack);
  const counts = new RequestCounts();
  const door =
    engines.sides && (await openSideDoor({ ...engines.sides, store, logger }, closeStack));
  const isBusy = (): boolean => counts.openCount + (door?.openCount ?? 0) > 0;
  const shared = { engines, store, tellOthers: makeDriveTeller(engines, store, door), logger };
  const background = { ...shared, isBusy, clock, repairSettings: options.repair };
  const work = await startWork(background, closeStack);
  const { healing, lifecycle } = work;
  followDrives(shared);
  followEmptied(engines.emptied, { store, door, healing, mover: work.mover });
  const startedAt = clock.now();
  const face = await openS3Face(
    {
      metadata,
      store,
      counts,
      closeStack,
      isServing,
      isReady: () => isServing() && isReady({ metadata, store }),
      ...(clusterSecret === undefined ? {} : { clusterSecret }),
    },
    options,
  );
  const found = [...engines.remarks, ...healing.remarks, ...face.remarks, ...keyring.remarks()];
  const remarks = [...new Set(found)];
  const admin = await openAdmin(
    {
      ...shared,
      ...work,
      keyring,
      isServing,
      counts,
      face,
      door,
      clusterId,
      startedAt,
      remarks,
    },
    options,
    closeStack,
  );
  return {
    endpoint: face.endpoint,
    adminEndpoint: admin.endpoint,
    keys: face.keys,
    clusterId,
    metadataFolder: engines.metadataFolder,
    metadataCopies: metadata.journalReport()?.members.length ?? 1,
    drives: await summaryOf(drives, store, geometry),
    remarks: [...remarks, ...admin.remarks],
    sides: door?.plan,
    shed: (count) => face.shed(count),
    writeWaitMs: () => metadata.writeWaitMs(),
    runLifecycle: () => lifecycle.run(),
    reset: async () => {
      await metadata.reset();
      await face.makeBuckets();
    },
    close: () => closeStack.close(),
  };
}

/** Drives that turn up later are used from then on, by every worker. */
function followDrives({
  engines,
  store,
  tellOthers,
}: Pick<WorkParts, "engines" | "store" | "tellOthers">): void {
  engines.whenDrives?.((drive) => {
    if (store.attachDrive(drive)) void tellOthers();
  });
}

/** Whether enough of it is there to serve. */
export function isReady({ metadata, store }: Pick<Engines, "metadata"> & StoreState): boolean {
  const { dataShards } = store.newCut();
  return metadata.isWritable() && store.driveCount() - store.awayCount() >= dataShards;
}

interface StoreState {
  readonly store: Pick<OpenObjectStore, "awayCount" | "driveCount" | "newCut">;
}

export interface AdminParts {
  readonly store: OpenObjectStore;
  readonly keyring: MasterKeyring;
  readonly healing: RepairWork;
  readonly mover: LayoutWork;
  readonly engines: Engines;
  readonly tellOthers: () => Promise<void>;
  readonly logger: Logger;
  readonly isServing: () => boolean;
  readonly workers: readonly Worker[];
  readonly counts: RequestCounts;
  readonly face: S3Face;
  readonly door: SideDoor | undefined;
  readonly clusterId: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly remarks: readonly string[];
}

/** The admin API, where one is wanted. */
async function openAdmin(
  parts: AdminParts,
  options: S3FaceOptions,
  closeStack: CloseStack,
): Promise<AdminFace> {
  if (options.admin === undefined) return { endpoint: undefined, remarks: [] };
  // Loaded now that S3 is served: nobody waits for it.
  const [{ openAdminFace }, { withSides }, { adminQuotasOf }, { adminCatalogOf }, { readVersion }] =
    await Promise.all([
      import("./admin-face.ts"),
      import("./side-sums.ts"),
      import("./admin-quotas.ts"),
      import("./admin-catalog.ts"),
      import("./read-version.ts"),
    ]);
  const { store, keyring, healing, isServing, workers, face, door } = parts;
  const [{ adminDrivesOf }, { adminNodesOf }] = await Promise.all([
    import("./drive-changes.ts"),
    import("./node-changes.ts"),
  ]);
  const { clusterId, startedAt, remarks } = parts;
  const all = withSides({ store, keyring, counts: parts.counts }, door);
  const version = await readVersion();
  return openAdminFace(
    {
      ...options,
      ...all,
      isServing,
      workers: () => workers.map(({ status }) => status),
      healing: {
        status: () => healing.repair.status,
        hurry: (isUnthrottled) => {
          healing.repair.hurry(isUnthrottled);
          healing.wake();
        },
      },
      quotas: adminQuotasOf(store),
      catalog: adminCatalogOf(store),
      drives: adminDrivesOf(parts),
      nodes: adminNodesOf(parts),
      facts: { version, clusterId, endpoint: face.endpoint, startedAt, remarks },
      root: face.keys,
    },
    options.admin,
    closeStack,
  );
}

interface OpenedStore {
  readonly store: OpenObjectStore;
  readonly keyring: MasterKeyring;
  readonly geometry: Geometry;
}

async function openStore(
  engines: Engines,
  { clock, encryption, hasFastEtags, keepTrashMs = 0, keys: rootKeys, logger }: S3FaceOptions,
  closeStack: CloseStack,
): Promise<OpenedStore> {
  const { metadata, metadataSpace, clusterId, clusterSecret, drives, sides } = engines;
  const { geometry } = engines;
  const { codec, refusal } = openErasureCodec(geometry);
  if (refusal !== undefined) logger.warn({ err: refusal }, "the slow erasure codec is used");
  const parts = { metadata, metadataSpace, drives, codec, clusterId, zoneOf: engines.zoneOf };
  // What is not on the drives, where there is such a thing.
  const secret = rootKeys?.secretKey ?? clusterSecret;
  const keyring = await openMasterKeys(metadata, { ...encryption, logger, secret });
  const { keys } = keyring;
  const limits = { ...shareOfWorker(1 + (sides?.plan.count ?? 0)), keepTrashMs };
  const owner = { isSoleOwner: true, clock, logger, hasFastEtags };
  const store = await openObjectStore({ ...parts, ...owner, keys, limits });
  closeStack.add(() => store.close());
  return { store, keyring, geometry };
}

/** What was on a drive that was emptied while in use is made anew. */
function followEmptied(
  emptied: EmptiedDrives | undefined,
  { store, door, healing, mover }: Pick<AdminParts, "door" | "healing" | "mover" | "store">,
): void {
  const { repair, wake } = healing;
  emptied?.setAllWhole(() => repair.status.state === "idle");
  emptied?.onRenewed(async (drive) => {
    // Their files are still open, and nobody would find them.
    await Promise.allSettled([store.endPacks(), door?.sealPacks()]);
    repair.addRenewed(drive);
    mover.mover.noteEmptied();
    wake();
  });
}

interface WorkParts {
  readonly engines: Engines;
  readonly store: OpenObjectStore;
  /** Has workers beside this one learn of drives that have come or gone. */
  readonly tellOthers: () => Promise<void>;
  /** Whether any worker answers a request now. */
  readonly isBusy: () => boolean;
  readonly repairSettings: RepairSettings | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Work {
  readonly healing: RepairWork;
  readonly mover: LayoutWork;
  readonly lifecycle: Lifecycle;
  readonly workers: readonly Worker[];
}

/** All work in the background. */
async function startWork(
  { engines, store, tellOthers, isBusy, repairSettings, clock, logger }: WorkParts,
  closeStack: CloseStack,
): Promise<Work> {
  const { metadata, renewed = [] } = engines;
  const lifecycle = new Lifecycle({ metadata, store, clock, logger });
  const workers = startUpkeep(store, lifecycle, logger);
  for (const worker of workers) closeStack.add(() => worker.stop());
  const parts = { metadata, store, renewed, isBusy, clock, logger };
  const healing = await startRepair({ ...parts, settings: repairSettings }, closeStack);
  const followMembers = async (): Promise<string | undefined> =>
    engines.localDrives?.changeMembers();
  const layoutParts = { ...parts, tellOthers, followMembers, settings: repairSettings };
  const mover = startLayoutWork(layoutParts, closeStack);
  const others = [...mover.workers, startClockWork(parts, closeStack)];
  return { healing, mover, lifecycle, workers: [...workers, ...healing.workers, ...others] };
}

async function summaryOf(
  drives: readonly ShardStore[],
  store: OpenObjectStore,
  { unitBytes }: Geometry,
): Promise<DriveSummary> {
  const count = store.driveCount();
  const geometry = { ...store.newCut(), unitBytes };
  const cuts = [geometry, ...(await store.findOtherCuts())];
  const spareCount = Math.min(...cuts.map(({ parityShards }) => parityShards));
  const answers = await Promise.allSettled(drives.map((drive) => drive.device()));
  // Of a drive that does not say where it is, nothing good is assumed.
  const devices = answers.map((answer) => (answer.status === "fulfilled" ? answer.value : ""));
  const presentCount = Math.min(drives.length, count);
  const awayCount = count - presentCount;
  return {
    count,
    presentCount,
    geometry,
    // What is away counts as lost.
    disksMayFail: disksThatMayFail({
      devices,
      spareCount: Math.max(0, spareCount - awayCount),
    }),
  };
}
