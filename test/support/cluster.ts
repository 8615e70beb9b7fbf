// A cluster of real processes on loopback: data nodes with a drive folder each, and a gateway. Nodes can be killed,
// stopped and brought back where they were. Everything ends when `onEnd` is called back.

import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { givenFolder, KintsugiProcess } from "./kintsugi-process.ts";
import { keptPort } from "./kept-port.ts";

export type OnEnd = (end: () => Promise<unknown>) => void;

type Env = Readonly<Record<string, string>>;

export interface ClusterOptions {
  /** The root's; drawn where absent. */
  readonly keys?: { readonly accessKey: string; readonly secretKey: string };
  /** Of the gateway; none where absent. */
  readonly adminPort?: string;
  /** What stands before a node: resolves to the URL at which the gateway finds it. */
  readonly front?: (port: number) => Promise<string>;
}

interface NodeSlot {
  readonly folder: string;
  process: KintsugiProcess;
  /** Fixed from the first start on. */
  readonly port: number;
  url: string;
}

export class Cluster {
  readonly #folder: string;
  readonly #onEnd: OnEnd;
  readonly #env: Env;
  readonly #options: ClusterOptions;
  readonly #keys: Required<ClusterOptions>["keys"];
  readonly #nodes: NodeSlot[] = [];
  #gateway: KintsugiProcess | undefined;
  #client: S3Client | undefined;

  private constructor(folder: string, onEnd: OnEnd, options: ClusterOptions) {
    this.#folder = folder;
    this.#onEnd = onEnd;
    this.#options = options;
    const drawn = { accessKey: "cluster-root", secretKey: randomBytes(20).toString("hex") };
    this.#keys = options.keys ?? drawn;
    this.#env = {
      KINTSUGI_CLUSTER_SECRET: randomBytes(32).toString("hex"),
      KINTSUGI_ACCESS_KEY: this.#keys.accessKey,
      KINTSUGI_SECRET_KEY: this.#keys.secretKey,
      KINTSUGI_LOG_LEVEL: "error",
    };
  }

  static async start(
    nodeCount: number,
    onEnd: OnEnd,
    options: ClusterOptions = {},
  ): Promise<Cluster> {
    const cluster = new Cluster(await givenFolder(onEnd), onEnd, options);
    await Promise.all(Array.from({ length: nodeCount }, (_, index) => cluster.#addNode(index)));
    await cluster.startGateway();
    return cluster;
  }

  get client(): S3Client {
    if (this.#client === undefined) throw new Error("the gateway was not started");
    return this.#client;
  }

  get gateway(): KintsugiProcess {
    if (this.#gateway === undefined) throw new Error("the gateway was not started");
    return this.#gateway;
  }

  /** Where the gateway was given a port for its admin API. */
  get gatewayAdmin(): { readonly adminEndpoint: string } {
    const [, adminEndpoint] = /^ *admin +(http:\S+):/m.exec(this.gateway.stdout) ?? [];
    if (adminEndpoint === undefined) throw new Error("the gateway names no admin endpoint");
    return { adminEndpoint };
  }

  /** Starts a gateway, in place of the one there was as far as this object is concerned. */
  async startGateway(folderName = "gateway"): Promise<void> {
    const gateway = this.spawnGateway(folderName);
    this.#gateway = gateway;
    const client = await this.clientOf(gateway);
    this.#client?.destroy();
    this.#client = client;
  }

  /** A gateway that nothing is known of yet, not even whether it will serve. */
  spawnGateway(folderName: string, ...more: readonly string[]): KintsugiProcess {
    const urls = this.#nodes.map(({ url }) => url);
    const folder = this.gatewayFolder(folderName);
    const nodes = ["--nodes", urls.join(",")];
    return this.#spawn([
      "gateway",
      folder,
      "--port",
      "0",
      "--admin-port",
      this.#options.adminPort ?? "none",
      ...nodes,
      ...more,
    ]);
  }

  /** Resolves when the gateway serves. */
  async clientOf(gateway: KintsugiProcess): Promise<S3Client> {
    const { accessKey, secretKey } = this.#keys;
    const client = new S3Client({
      endpoint: await gateway.ready(),
      region: "us-east-1",
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    this.#onEnd(async () => client.destroy());
    return client;
  }

  /** Below the cluster's own folder, unless it is an absolute path. */
  gatewayFolder(folderName = "gateway"): string {
    return resolve(this.#folder, folderName);
  }

  nodeFolder(index: number): string {
    return this.#slot(index).folder;
  }

  async loseGatewayFolder(): Promise<void> {
    await rm(this.gatewayFolder(), { recursive: true });
  }

  /** Kills nodes and empties their disks. */
  async wipe(...indexes: readonly number[]): Promise<void> {
    await this.kill(...indexes);
    for (const index of indexes) {
      await rm(this.nodeFolder(index), { recursive: true });
      await mkdir(this.nodeFolder(index));
    }
  }

  async killGateway(): Promise<void> {
    await this.#gateway?.stop("SIGKILL");
  }

  /** Brings back whatever is dead or stopped. */
  async heal(): Promise<void> {
    for (const { process } of this.#nodes) process.child.kill("SIGCONT");
    const dead = this.#nodes.filter(({ process }) => isDead(process));
    await Promise.all(dead.map((slot) => this.#startNode(slot)));
    if (this.#gateway === undefined || isDead(this.#gateway)) await this.startGateway();
  }

  async kill(...indexes: readonly number[]): Promise<void> {
    await Promise.all(indexes.map((index) => this.#slot(index).process.stop("SIGKILL")));
  }

  /** Starts killed nodes again, where they were. */
  async revive(...indexes: readonly number[]): Promise<void> {
    await Promise.all(indexes.map((index) => this.#startNode(this.#slot(index))));
  }

  /** Starts a killed node again, with settings of this life alone. */
  async reviveWith(index: number, env: Env): Promise<void> {
    await this.#startNode(this.#slot(index), env);
  }

  isDead(index: number): boolean {
    return isDead(this.#slot(index).process);
  }

  signal(index: number, signal: "SIGCONT" | "SIGSTOP"): void {
    this.#slot(index).process.child.kill(signal);
  }

  /** The shard files of a node, as paths. */
  async shardFiles(index: number): Promise<readonly string[]> {
    const shards = join(this.#slot(index).folder, "shards");
    const entries = await readdir(shards, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  }

  async #addNode(index: number): Promise<void> {
    const folder = join(this.#folder, `node-${index}`);
    await mkdir(folder);
    const port = await keptPort();
    const slot = { folder, port, url: "", process: this.#spawnNode(folder, port) };
    this.#nodes[index] = slot;
    await slot.process.ready();
    const { front = (at: number) => Promise.resolve(`http://127.0.0.1:${at}`) } = this.#options;
    slot.url = await front(slot.port);
  }

  async #startNode(slot: NodeSlot, env: Env = {}): Promise<void> {
    slot.process = this.#spawnNode(slot.folder, slot.port, env);
    await slot.process.ready();
  }

  #spawnNode(folder: string, port: number, env: Env = {}): KintsugiProcess {
    return this.#spawn(["node", folder, "--port", String(port)], env);
  }

  #spawn(args: readonly string[], env: Env = {}): KintsugiProcess {
    const process = new KintsugiProcess(args, { env: { ...this.#env, ...env } });
    this.#onEnd(() => process.stop("SIGKILL"));
    return process;
  }

  #slot(index: number): NodeSlot {
    const slot = this.#nodes[index];
    if (slot === undefined) throw new Error(`there is no node ${index}`);
    return slot;
  }
}

function isDead({ child }: KintsugiProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
