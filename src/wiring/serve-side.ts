// A worker that serves S3 beside the lead: the lead's drives (folders, or those of data nodes) and database, opened here too;
// writes of metadata go to the lead's writer. Background work, the admin API and the buckets of the configuration are the lead's.

import { join } from "node:path";
import type { Incarnation } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import { openErasureCodec } from "../erasure/open-codec.ts";
import type { Authority } from "../journal/journal-member.ts";
import { openSideMetadata } from "../metadata/sqlite/open-side-metadata.ts";
import { openObjectStore } from "../store/open-object-store.ts";
import { processFigures } from "../telemetry/process-figures.ts";
import { RequestCounts } from "../telemetry/request-counts.ts";
import { countsNow } from "../telemetry/summed-counts.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste } from "../util/lab-haste.ts";
import { fromMachineTime } from "../util/machine-time.ts";
import { CloseStack } from "./close-stack.ts";
import { spaceOf } from "./folder-space.ts";
import { openMasterKeys } from "./master-keyring.ts";
import { openDrivesBeside } from "./open-drives.ts";
import { SideDrives, type PlaceOpener } from "./side-drives.ts";
import { openS3Face, type S3FaceOptions } from "./s3-face.ts";
import { isReady } from "./serve-store.ts";
import type { SideControl } from "./side-control.ts";
import { WRITES_SOCKET, type SideWelcome } from "./side-protocol.ts";
import type { SideOrders } from "./supervisor-protocol.ts";
import { shareOfWorker } from "./worker-share.ts";

/** As the lead names this machine to drives. */
const NODE_NAME = "local";
const DATABASE_FILE = "metadata.db";
/** How often drives that did not answer are tried again. */
const ATTACH_MS = 5_000;
const TEND_MS = inHaste(5_000);

export interface SideParts {
  readonly orders: SideOrders;
  readonly control: SideControl;
  readonly welcome: SideWelcome;
  /** What it writes as. */
  readonly incarnation: Incarnation;
  /** Called when it can never write again. */
  readonly onUseless: () => void;
}

export interface SideServer {
  /** So many connections end with their next answer. */
  shed(count: number): void;
  /** How long the oldest write of metadata has been under way, in milliseconds; 0 when there is none. */
  writeWaitMs(): number;
  /** Finishes requests under way, for a bounded time, and gives everything up. */
  close(): Promise<void>;
}

/** Serves when it resolves. @throws when what the lead serves from cannot be opened here. */
export async function serveSide(
  { orders, control, welcome, incarnation, onUseless }: SideParts,
  options: S3FaceOptions,
): Promise<SideServer> {
  const { clusterId, geometry, places, encryption, metadata: home } = welcome;
  const { clock, hasFastEtags, logger } = options;
  const closeStack = new CloseStack();
  const { codec } = openErasureCodec(geometry);
  const metadata = await openSideMetadata({
    databasePath: join(home.folder, DATABASE_FILE),
    socketPath: join(orders.folder, WRITES_SOCKET),
    token: orders.token,
    clock,
  });
  closeStack.add(() => metadata.close());
  const clusterSecret = welcome.nodes?.clusterSecret;
  const secret = options.keys?.secretKey ?? clusterSecret;
  const keyring = await openMasterKeys(metadata, { ...encryption, logger, secret });
  const { keys } = keyring;
  const opener = await openerOf(welcome, { clock, logger, control, onUseless }, closeStack);
  const drives = await opener.open(places);
  const metadataSpace = homeSpaceOf(welcome, drives);
  const parts = { metadata, metadataSpace, drives, codec, clusterId, clock, logger, keys };
  const limits = shareOfWorker(welcome.config.settings.workers);
  const more = { hasFastEtags, limits, sideIncarnation: incarnation };
  const store = await openObjectStore({ ...parts, ...more });
  closeStack.add(() => store.close());
  closeStack.add(
    every(TEND_MS, async () => {
      if (!metadata.isWritable()) onUseless();
      await store.tendSide().catch((error: unknown) => {
        logger.warn({ err: error }, "what was left on drives could not be removed");
      });
    }),
  );
  const sideDrives = new SideDrives(store, opener, { places, opened: drives });
  closeStack.add(every(ATTACH_MS, () => sideDrives.attach()));
  const counts = new RequestCounts();
  await control.begin({
    makeReport: async () => ({
      report: store.reportOfSide(),
      figures: {
        counts: countsNow(counts),
        process: await processFigures(),
        calls: store.driveCalls(),
      },
    }),
    refreshKeys: () => keyring.refresh(),
    sealPack: () => store.sealOpenPack(),
    refreshDrives: (now) => sideDrives.refresh(now),
  });
  const isServing = servingRule(welcome, control, clock);
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
    { ...options, admin: undefined, buckets: [] },
  );
  return {
    shed: (count) => face.shed(count),
    writeWaitMs: () => metadata.writeWaitMs(),
    close: () => closeStack.close(),
  };
}

/** Drives of data nodes may have been taken over by another gateway: the lead says for how long they were not. */
function servingRule({ nodes }: SideWelcome, control: SideControl, clock: Clock): () => boolean {
  if (nodes === undefined) return () => true;
  return () => fromMachineTime(clock, control.confirmedUntil) > clock.monotonic();
}

function homeSpaceOf(
  { metadata: { driveId, folder } }: SideWelcome,
  drives: readonly ShardStore[],
) {
  if (driveId === undefined) return spaceOf(folder);
  const drive = drives.find((each) => each.driveId === driveId);
  return drive && (() => drive.space());
}

/** How drives are opened here. */
async function openerOf(
  { nodes }: SideWelcome,
  {
    clock,
    logger,
    control,
    onUseless,
  }: Pick<SideParts, "control" | "onUseless"> & Pick<S3FaceOptions, "clock" | "logger">,
  closeStack: CloseStack,
): Promise<PlaceOpener> {
  if (nodes === undefined) {
    return {
      open: (wanted) => openDrivesBeside(wanted, NODE_NAME),
      retain: () => Promise.resolve(),
    };
  }
  // Loaded only here: servers with drives of their own have no use for an HTTP client.
  const { NodeDrives } = await import("./side-nodes.ts");
  const owner = (): Authority | undefined => control.authority;
  const opener = new NodeDrives({ ...nodes, clock, logger, owner, onFenced: onUseless });
  closeStack.add(() => opener.close());
  return opener;
}

/** Does it again and again, and never rejects; returns what ends it. */
function every(timeMs: number, work: () => Promise<void>): () => void {
  let isBusy = false;
  const turn = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    await work();
    isBusy = false;
  };
  const timer = setInterval(() => void turn(), timeMs);
  timer.unref();
  return () => clearInterval(timer);
}
