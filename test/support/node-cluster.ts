// A gateway and data nodes in the test's own process: real servers on free ports, real folders, no process to wait for.
// Nodes can be stopped, emptied and brought back where they were. Everything ends with the test.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import { openGateway, type RunningServer } from "../../src/server.ts";
import { openLogger } from "../../src/telemetry/logger.ts";
import { realClock } from "../../src/util/clock.ts";
import { openDataNode, type RunningNode } from "../../src/wiring/data-node.ts";
import { atEnd } from "./at-end.ts";
import { commandScreen, type CommandScreen } from "./command-screen.ts";
import { EMBEDDED } from "./embedded.ts";
import { sdkClientOf } from "./sdk-client.ts";

const KEYS = { accessKey: "cluster-root", secretKey: "cluster-root-secret" };
/** The cluster secret. */
export const SECRET = "the secret of a cluster within a test";
const LOGGER = openLogger("silent");

interface NodeSlot {
  readonly folders: readonly string[];
  readonly zone: string | undefined;
  /** Fixed from the first start on. */
  readonly port: number;
  running: RunningNode | undefined;
}

export interface NodeOptions {
  /** One folder each. */
  readonly driveCount?: number;
  readonly zone?: string;
}

export class NodeCluster {
  readonly #folder: string;
  readonly #nodes: NodeSlot[] = [];
  #gateway: RunningServer | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Nodes only: the gateway is started by itself. */
  static async start(nodes: readonly NodeOptions[]): Promise<NodeCluster> {
    const folder = await mkdtemp(join(tmpdir(), "kintsugi-nodes-"));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    const cluster = new NodeCluster(folder);
    for (const options of nodes) await cluster.addNode(options);
    atEnd(() => cluster.stop());
    return cluster;
  }

  get gateway(): RunningServer {
    if (this.#gateway === undefined) throw new Error("the gateway was not started");
    return this.#gateway;
  }

  client(): S3Client {
    return sdkClientOf(this.gateway.endpoint, KEYS);
  }

  url(index: number): string {
    return `http://127.0.0.1:${this.#slot(index).port}`;
  }

  get urls(): readonly string[] {
    return this.#nodes.map((_, index) => this.url(index));
  }

  /** Resolves to its URL: no gateway has heard of it. */
  async addNode({ driveCount = 1, zone }: NodeOptions = {}): Promise<string> {
    const index = this.#nodes.length;
    const folders = Array.from({ length: driveCount }, (_, drive) =>
      join(this.#folder, `node-${index}-${drive}`),
    );
    const running = await openNode({ folders, zone, port: 0 });
    const port = Number(new URL(running.endpoint).port);
    this.#nodes.push({ folders, zone, port, running });
    return this.url(index);
  }

  async stopNode(index: number): Promise<void> {
    const slot = this.#slot(index);
    await slot.running?.close();
    slot.running = undefined;
  }

  async startNode(index: number): Promise<void> {
    const slot = this.#slot(index);
    slot.running = await openNode(slot);
  }

  /** Of a stopped node. */
  async emptyNode(index: number): Promise<void> {
    for (const folder of this.#slot(index).folders) {
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
  }

  /** Named to it: those nodes, in the order of the indexes. */
  async startGateway(nodes: readonly number[]): Promise<S3Client> {
    this.#gateway = await openGateway({
      ...EMBEDDED,
      logger: LOGGER,
      clock: realClock,
      keys: KEYS,
      encryption: undefined,
      admin: {
        host: "127.0.0.1",
        port: 0,
        isPortGiven: true,
        metrics: { isPublic: false, token: undefined },
      },
      folder: join(this.#folder, "gateway"),
      nodes: nodes.map((index) => this.url(index)),
      clusterSecret: SECRET,
      onProgress: () => undefined,
      onFenced: (words) => {
        throw new Error(words);
      },
    });
    return this.client();
  }

  async stopGateway(): Promise<void> {
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  loseGatewayFolder(): Promise<void> {
    return rm(join(this.#folder, "gateway"), { recursive: true });
  }

  /** What a command of the `kintsugi` program is given, and what it has printed. */
  screen(): CommandScreen {
    return commandScreen(this.gateway.adminEndpoint ?? "", KEYS);
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    await Promise.all(this.#nodes.flatMap(({ running }) => running?.close() ?? []));
  }

  #slot(index: number): NodeSlot {
    const slot = this.#nodes[index];
    if (slot === undefined) throw new Error(`there is no node ${index}`);
    return slot;
  }
}

function openNode({
  folders,
  zone,
  port,
}: Pick<NodeSlot, "folders" | "port" | "zone">): Promise<RunningNode> {
  return openDataNode({
    folders,
    zone,
    host: "127.0.0.1",
    port,
    clusterSecret: SECRET,
    clock: realClock,
    logger: LOGGER,
  });
}
