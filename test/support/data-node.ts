// A data node on loopback and a client to it, for tests: drives on simulated disks, closed when the test is over.

import { randomBytes } from "node:crypto";
import {
  openNodeClient,
  type NodeClient,
  type NodeClientOptions,
} from "../../src/datanode/client.ts";
import { formatDrive, newDriveId } from "../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../src/datanode/local-drive.ts";
import type { DriveJournal } from "../../src/datanode/node-journal.ts";
import { openNodeServer, type NodeServer } from "../../src/datanode/node-server.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";
import { realClock, type Clock } from "../../src/util/clock.ts";
import { atEnd } from "./at-end.ts";

export const CLUSTER_SECRET = "a cluster secret that is long enough";

export interface DataNodeOptions {
  readonly nodeId?: string;
  readonly drives?: readonly ShardStore[];
  readonly journals?: readonly DriveJournal[];
  readonly secret?: string;
  readonly clock?: Clock;
  /** A fixed port, for a node that comes back where it was. */
  readonly port?: number;
}

export interface RunningNode {
  readonly url: string;
  readonly port: number;
  readonly nodeId: string;
  readonly drives: readonly ShardStore[];
  readonly server: NodeServer;
}

/** Starts a node with one drive of its own, or with the drives given. */
export async function givenNode(options: DataNodeOptions = {}): Promise<RunningNode> {
  const { secret = CLUSTER_SECRET, clock = realClock, journals = [] } = options;
  const nodeId = options.nodeId ?? `node-${randomBytes(4).toString("hex")}`;
  const drives = options.drives ?? [await givenLocalDrive()];
  const parts = { drives, journals, nodeId, secret, clock };
  const server = await openNodeServer({ ...parts, logger: silentLogger });
  const { port } = await server.listen("127.0.0.1", options.port ?? 0);
  atEnd(() => server.close(0));
  return { url: `http://127.0.0.1:${port}`, port, nodeId, drives, server };
}

export async function givenClient(
  url: string,
  options: Partial<NodeClientOptions> = {},
): Promise<NodeClient> {
  const client = await openNodeClient({ url, secret: CLUSTER_SECRET, retryMs: 20, ...options });
  atEnd(() => client.close());
  return client;
}

/** A formatted drive on a simulated disk, or on the disk given. */
export async function givenLocalDrive(disk: Disk = new SimDrive({ seed: 1 })): Promise<ShardStore> {
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "test", driveId, slot: 0, slots, createdAt: 0 });
  const store = await openLocalDrive({ disk, driveId });
  atEnd(() => store.close());
  return store;
}

/** The only drive of a node, as its client sees it. */
export function driveOf(client: NodeClient): ShardStore {
  const [drive] = client.drives;
  if (drive === undefined) throw new Error(`no drive: ${client.problem}`);
  return drive;
}
