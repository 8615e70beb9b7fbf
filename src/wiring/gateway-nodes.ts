// The data nodes that a gateway has a way to: those that it was given, and those that its cluster's list of nodes names
// beside them. Asked all at once, and at a start waited for until there are enough of them, but in vain only so long.
// Who says which nodes there are: the newest list, wherever it stands (the metadata, the drives of nodes). Until one is
// found, the nodes that were given are all there are.

import { setTimeout } from "node:timers/promises";
import type { DriveId } from "../core/ids.ts";
import { openNodeClient, type NodeClient } from "../datanode/client.ts";
import type { ListedNode, NodeList } from "../datanode/node-list.ts";
import type { ShardError, ShardStore } from "../datanode/shard-store.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { CloseStack } from "./close-stack.ts";
import { StartError } from "./start-error.ts";

export interface GatewayNodesOptions {
  readonly urls: readonly string[];
  readonly clusterSecret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For whom shards are written and deleted; undefined until that is settled. */
  readonly owner: () => Authority | undefined;
  /** Another gateway has taken over. */
  readonly onFenced: (error: ShardError) => void;
  /** Called with a sentence while the start waits. */
  readonly onProgress: (words: string) => void;
}

/** Opens the way to a node; `expected`: what it is known to be. */
type OpenNode = (url: string, expected?: ListedNode) => Promise<NodeClient>;
type DrivesListener = (client: NodeClient, drives: readonly ShardStore[]) => void;

/** Health checks of container engines have given up by then. */
const WAIT_MS_MAX = 90_000;
const PROGRESS_EVERY_MS = 5_000;
/** Once there are enough, how long the others may still come before the start goes on without them. */
const STRAGGLERS_MS = 1_500;
/** How long the start waits before it says so. */
const QUIET_MS = 300;
const LOOK_EVERY_MS = 10;

export class GatewayNodes {
  readonly #onProgress: (words: string) => void;
  readonly #open: OpenNode;
  readonly #deadline = performance.now() + WAIT_MS_MAX;
  #named: readonly NodeClient[];
  /** Those that a list named, and those that were added. */
  #others: readonly NodeClient[] = [];
  /** Those that have said which nodes they know of, or would not. */
  readonly #asked = new Set<NodeClient>();
  readonly #told = new Set<NodeClient>();
  readonly #listeners: DrivesListener[] = [];
  #list: NodeList | undefined;
  #clusterId: string | undefined;
  /** Of which cluster each was told to be that keeps a list. */
  readonly #clusterIds = new Map<NodeClient, string>();
  #hasWaitedForRest = false;

  constructor(named: readonly NodeClient[], open: OpenNode, onProgress: (words: string) => void) {
    this.#named = named;
    this.#open = open;
    this.#onProgress = onProgress;
    for (const client of named) this.#follow(client);
  }

  /** The cluster's, there or not; as long as it is unknown which those are, all that were given. */
  get clients(): readonly NodeClient[] {
    const list = this.#list;
    if (list !== undefined && this.#clusterId !== undefined) {
      return list.nodes.flatMap((node) => this.clientOf(node) ?? []);
    }
    const ids = new Set(this.#named.map(({ known }) => known?.nodeId));
    return [...this.#named, ...this.#others.filter(({ known }) => !ids.has(known?.nodeId))];
  }

  /** Those that were given, have said who they are, and are none of the cluster's. */
  get strangers(): readonly NodeClient[] {
    const own = new Set(this.clients);
    return this.#named.filter((client) => client.known !== undefined && !own.has(client));
  }

  /** Which nodes there are; undefined: no list was found. */
  get list(): NodeList | undefined {
    return this.#list;
  }

  /** The way to a node of the list: one that was given is where it says, whatever was noted. */
  clientOf({ nodeId, url }: ListedNode): NodeClient | undefined {
    return (
      [...this.#named, ...this.#others].find(({ known }) => known?.nodeId === nodeId) ??
      this.#named.find((client) => client.known === undefined && client.url === url)
    );
  }

  /** Only its lists count from now on. */
  useCluster(clusterId: string): void {
    this.#clusterId = clusterId;
    if (this.#list !== undefined && this.#list.clusterId !== clusterId) this.#list = undefined;
    this.#tellAll();
  }

  /** Goes by a list, where none that is newer is known, and opens the way to nodes that nobody gave. */
  async follow(list: NodeList): Promise<void> {
    const known = this.#list;
    const clusterId = this.#clusterId ?? known?.clusterId ?? list.clusterId;
    if (list.clusterId !== clusterId) return;
    if (known !== undefined && list.generation <= known.generation) return;
    this.#list = list;
    await this.#complete();
  }

  /** Takes a node in that nobody gave; the list must name it for it to be the cluster's. */
  add(client: NodeClient): void {
    if (this.#named.includes(client) || this.#others.includes(client)) return;
    this.#others = [...this.#others, client];
    this.#follow(client);
  }

  /** Gives up the way to nodes that the list names no more. */
  async leaveOut(nodeId: string): Promise<void> {
    const isGone = ({ known }: NodeClient): boolean => known?.nodeId === nodeId;
    const gone = [...this.#named, ...this.#others].filter(isGone);
    this.#named = this.#named.filter((client) => !isGone(client));
    this.#others = this.#others.filter((client) => !isGone(client));
    await Promise.all(gone.map((client) => client.close()));
  }

  /** Opens the way to a node that may become one of the cluster's. @throws TypeError when the URL is none */
  openCandidate(url: string): Promise<NodeClient> {
    const stranger = this.strangers.find((client) => client.url === url);
    return stranger === undefined ? this.#open(url) : Promise.resolve(stranger);
  }

  /** Calls back for each node of the cluster, once, when its drives are known; at once where they are already. */
  onDrives(listener: DrivesListener): void {
    this.#listeners.push(listener);
    for (const client of this.clients) {
      if (this.#told.has(client)) listener(client, client.drives);
    }
  }

  /** Those that are there now. */
  get present(): readonly NodeClient[] {
    return this.clients.filter((client) => client.problem === undefined);
  }

  /** Whether each is there and has said which others it knows of; where another is at its address it will not come. */
  get areAllPresent(): boolean {
    return this.clients.every(
      (client) =>
        (client.problem === undefined && this.#asked.has(client)) || this.isDisplaced(client),
    );
  }

  /** Whether another node is at its address: it has lost its drives, or was put there by mistake. */
  isDisplaced({ url }: NodeClient): boolean {
    return this.strangers.some((other) => other.url === url && other.problem === undefined);
  }

  /** Whether the start has waited as long as it may. */
  get isTimeUp(): boolean {
    return performance.now() > this.#deadline;
  }

  /** Which nodes are away and why, in words. */
  get problems(): string {
    return this.clients
      .flatMap(({ url, problem }) => (problem === undefined ? [] : `${url} (${problem})`))
      .join(", ");
  }

  /** The drives that are known by now. @throws StartError when two nodes serve the same drive. */
  knownDrives(): readonly ShardStore[] {
    const byId = new Map<DriveId, string>();
    return this.clients.flatMap((client) => {
      for (const { driveId } of client.drives) {
        const other = byId.get(driveId);
        if (other !== undefined) {
          throw new StartError(`${other} and ${client.url} serve the same drive ${driveId}`);
        }
        byId.set(driveId, client.url);
      }
      return client.drives;
    });
  }

  /** Waits until `hasEnough` says so, and, once, a little for the rest. @throws StartError when they do not come in time. */
  async waitUntil(hasEnough: () => boolean, problems = () => this.problems): Promise<void> {
    // Those that are there have only to be heard out.
    await within(QUIET_MS, hasEnough);
    while (!hasEnough()) {
      this.#requireOneCluster();
      if (this.isTimeUp)
        throw new StartError(withNames("too few data nodes are there", problems()));
      await this.waitForMore(withNames("waiting for data nodes", problems()), hasEnough);
    }
    const isFirst = !this.#hasWaitedForRest;
    this.#hasWaitedForRest = true;
    if (isFirst) await within(STRAGGLERS_MS, () => this.areAllPresent);
    this.#requireOneCluster();
  }

  /** Waits for a while, less when `isEnough` says so. */
  async waitForMore(words: string, isEnough: () => boolean): Promise<void> {
    this.#onProgress(words);
    await within(PROGRESS_EVERY_MS, isEnough);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#named, ...this.#others].map((client) => client.close()));
  }

  /** @throws StartError when a node that was given is another cluster's than the rest */
  #requireOneCluster(): void {
    let standing = this.#clusterId;
    for (const client of this.#named) {
      const clusterId = this.#clusterIds.get(client);
      standing ??= clusterId;
      if (clusterId !== undefined && clusterId !== standing) {
        throw new StartError(
          `${client.url} is a node of another cluster (${clusterId}, not ${standing ?? ""}). Nothing was changed: name only ` +
            "nodes of one cluster, or say which it is with --cluster-id",
        );
      }
    }
  }

  #follow(client: NodeClient): void {
    client.onDrives(() => {
      this.#tellAll();
      // It may be another node than the list has there.
      void this.#complete();
    });
    void client.ready().then(
      () => this.#ask(client),
      () => undefined,
    );
  }

  /** Which nodes it knows of. Never rejects: one that does not say is none the worse for it. */
  async #ask(client: NodeClient): Promise<void> {
    for (const { driveId } of client.drives) {
      const list = await client.readNodeList(driveId).catch(() => undefined);
      if (list === undefined) continue;
      this.#clusterIds.set(client, list.clusterId);
      await this.follow(list);
      break;
    }
    this.#asked.add(client);
  }

  /** Opens the way to nodes of the list that there is none to. Never rejects. */
  async #complete(): Promise<void> {
    const missing = (this.#list?.nodes ?? []).filter((node) => this.clientOf(node) === undefined);
    const opened = await Promise.allSettled(missing.map((node) => this.#open(node.url, node)));
    for (const result of opened) {
      if (result.status === "rejected") continue;
      const { value: client } = result;
      const isTwice = this.#others.some(({ known }) => known?.nodeId === client.known?.nodeId);
      if (isTwice) await client.close();
      else this.add(client);
    }
    this.#tellAll();
  }

  #tellAll(): void {
    for (const client of this.clients) {
      if (client.known === undefined || this.#told.has(client)) continue;
      this.#told.add(client);
      for (const listener of this.#listeners) listener(client, client.drives);
    }
  }
}

/** A node may be there without all that is waited for. */
function withNames(words: string, names: string): string {
  return names === "" ? words : `${words}: ${names}`;
}

/** Resolves when `isEnough` says so, or the time is over. */
async function within(timeMs: number, isEnough: () => boolean): Promise<void> {
  const deadline = performance.now() + timeMs;
  while (!isEnough() && performance.now() < deadline) await setTimeout(LOOK_EVERY_MS);
}

/** Opens the way to every node that was given, there or not; it is put on the close stack. */
export async function openGatewayNodes(
  options: GatewayNodesOptions,
  closeStack: CloseStack,
): Promise<GatewayNodes> {
  const { urls, clusterSecret: secret, clock, logger, owner, onFenced, onProgress } = options;
  const open: OpenNode = (url, expected) =>
    openNodeClient({ url, secret, clock, logger, owner, onFenced, expected });
  const named = await Promise.all(urls.map((url) => open(url)));
  const nodes = new GatewayNodes(named, open, onProgress);
  closeStack.add(() => nodes.close());
  return nodes;
}
