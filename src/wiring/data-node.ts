// A data node: drive folders of this machine, served to gateways that know the cluster secret.

import { hostname } from "node:os";
import { resolve } from "node:path";
import { openNodeServer } from "../datanode/node-server.ts";
import type { OpenLogger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { CloseStack } from "./close-stack.ts";
import { endpointOf } from "./endpoint.ts";
import { openDrives } from "./open-drives.ts";
import { StartError } from "./start-error.ts";

export interface DataNodeOptions {
  /** Each is a drive. */
  readonly folders: readonly string[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
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
    // The first drive's id is the node's: as lasting as the drives are, and known without asking anyone.
    const nodeId = opened.slots[0]?.driveId;
    if (nodeId === undefined) throw new StartError("a node needs a drive folder");
    const server = await openNodeServer({
      drives: opened.drives,
      nodeId,
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
