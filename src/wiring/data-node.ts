// A data node: drive folders of this machine, served to gateways that know the cluster secret.

import { hostname } from "node:os";
import { resolve } from "node:path";
import { readIdentity } from "../datanode/drive-identity.ts";
import type { DriveJournal, NodeListFile } from "../datanode/node-journal.ts";
import { NODE_LIST_FILE } from "../datanode/node-list.ts";
import { openNodeServer } from "../datanode/node-server.ts";
import { ShardError } from "../datanode/shard-store.ts";
import { DiskError } from "../disk/disk.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import type { Authority } from "../journal/journal-member.ts";
import { readPromise } from "../journal/promise-file.ts";
import { openMember } from "../metadata/members/member-spec.ts";
import type { OpenLogger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { CloseStack } from "./close-stack.ts";
import { endpointOf } from "./endpoint.ts";
import { openDrives, type DriveAt } from "./open-drives.ts";
import { StartError } from "./start-error.ts";

export interface DataNodeOptions {
  /** Each is a drive. */
  readonly folders: readonly string[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What fails together with it; undefined: it alone. */
  readonly zone?: string | undefined;
  readonly clusterSecret: string;
  readonly clock: Clock;
  readonly logger: OpenLogger;
}

export interface RunningNode {
  readonly endpoint: string;
  readonly nodeId: string;
  readonly driveCount: number;
  /** What was found odd, in sentences. */
  readonly remarks: readonly string[];
  close(): Promise<void>;
}

const GRACE_MS = 8_000;
/** After so long a file call counts as failed. */
const DISK_DEADLINE_MS = 10_000;

/** Serves when it resolves. @throws StartError, DriveIdentityError */
export async function openDataNode(options: DataNodeOptions): Promise<RunningNode> {
  const { host, clock, logger, clusterSecret } = options;
  const closeStack = new CloseStack();
  try {
    const paths = [...new Set(options.folders.map((folder) => resolve(folder)))];
    const opened = await openDrives({ paths, nodeName: hostname() });
    closeStack.add(opened.release);
    closeStack.add(async () => {
      await Promise.all(opened.drives.map((drive) => drive.close()));
    });
    const journals = await Promise.all(opened.places.map(openJournal));
    closeStack.add(async () => {
      await Promise.all(journals.map(({ member }) => member.close()));
    });
    // The first drive's id is the node's: as lasting as the drives are, and known without asking anyone.
    const nodeId = opened.slots[0]?.driveId;
    if (nodeId === undefined) throw new StartError("a node needs a drive folder");
    const server = await openNodeServer({
      drives: opened.drives,
      journals,
      nodeId,
      zone: options.zone,
      secret: clusterSecret,
      clock,
      logger,
    });
    closeStack.add(() => server.close(GRACE_MS));
    const { port } = await server.listen(host, options.port);
    return {
      endpoint: endpointOf({ host, port, isTls: false }),
      nodeId,
      driveCount: opened.drives.length,
      remarks: opened.remarks,
      close: () => closeStack.close(),
    };
  } catch (error) {
    await closeStack.close().catch(() => undefined);
    throw error;
  }
}

/** The drive as a member of the metadata, and what it keeps of the cluster beside its shards. */
async function openJournal({ driveId, path }: DriveAt): Promise<DriveJournal> {
  const disk = openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight: 1 });
  const checkPresent = async (): Promise<void> => {
    const identity = await readIdentity(disk);
    if (identity?.driveId !== driveId) throw new Error(`${path} is not the drive ${driveId}`);
  };
  const readPromised = async (): Promise<Authority | undefined> => {
    // On a mount that is missing there is no promise either, and that means nothing.
    await checkPresent();
    const { promised, damage } = await readPromise(disk);
    if (damage !== undefined) throw new Error(`its promise cannot be read: ${damage}`);
    return promised;
  };
  const nodeList: NodeListFile = {
    read: () => {
      return onDrive(path, async () => {
        await checkPresent();
        return unlessAbsent(disk.readFile(NODE_LIST_FILE));
      });
    },
    write: (bytes) => {
      return onDrive(path, async () => {
        await checkPresent();
        await disk.writeFile(NODE_LIST_FILE, bytes);
      });
    },
  };
  const member = await openMember({ kind: "folder", driveId, path });
  return { member, readPromised, nodeList };
}

/** @throws ShardError Unavailable, in words, when the drive does not do it */
async function onDrive<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new ShardError("Unavailable", `${path}: ${words}`, { cause: error });
  }
}

async function unlessAbsent<Value>(found: Promise<Value>): Promise<Value | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return undefined;
    throw error;
  }
}
