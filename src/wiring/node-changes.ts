// Data nodes that are added, drained, replaced and taken out while a gateway runs: what is asked is checked here, kept in
// the list of nodes, and published as a layout; the mover (layout/) does the rest. One at a time.

import { setTimeout as sleep } from "node:timers/promises";
import { AdminError } from "../admin/admin-error.ts";
import type {
  AdminNodes,
  NodeChangeOptions,
  NodeEntry,
  NodesReport,
} from "../admin/admin-nodes.ts";
import type { DriveId } from "../core/ids.ts";
import type { JournalReport } from "../metadata/metadata-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { changeLayout, placeCounts } from "../store/layout/change-layout.ts";
import { spreadOverZones, worstZone, type ZoneOf } from "../store/layout/spread-over-zones.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import { geometryOf, PARTITION_COUNT } from "../store/placement.ts";
import type { Logger } from "../telemetry/logger.ts";
import { withDeadline } from "../util/deadline.ts";
import { isThere, zonesOf, type ClusterNode, type ClusterNodes } from "./cluster-nodes.ts";
import { areReadsOver, requireRoom, weighDrives, weighNew } from "./layout-rules.ts";
import type { LayoutWork } from "./layout-work.ts";
import { refusal } from "./new-drive-folder.ts";
import { openNewNode } from "./new-node.ts";
import type { AdminParts } from "./serve-store.ts";

/** How long whoever removes a node waits for its copies of the metadata to be elsewhere. */
const MEMBER_MS_MAX = 20_000;
const MEMBER_EVERY_MS = 250;

/** Of a server whose drives are folders there is nothing to be changed here. */
export function adminNodesOf(parts: AdminParts): AdminNodes {
  const { engines, logger, mover: work, store, tellOthers } = parts;
  const { clusterNodes: nodes, metadata } = engines;
  if (nodes === undefined) return NO_NODES;
  const journal = () => metadata.journalReport();
  return new NodeChanges({ nodes, store, work, tellOthers, journal, logger });
}

const refuse = (): Promise<never> =>
  Promise.reject(
    refusal("this server has drives of its own and no data nodes: see kintsugi drive"),
  );
const NO_NODES: AdminNodes = {
  list: refuse,
  add: refuse,
  drain: refuse,
  replace: refuse,
  remove: refuse,
};

export interface NodeChangesParts {
  readonly nodes: ClusterNodes;
  readonly store: OpenObjectStore;
  readonly work: LayoutWork;
  readonly journal: () => JournalReport | undefined;
  readonly tellOthers: () => Promise<void>;
  readonly logger: Logger;
}

/** What a change leads to. */
interface NextNodes {
  /** Drives of the layout that stay. */
  readonly rest: readonly DriveId[];
  readonly added: readonly ClusterNode[];
  readonly all: readonly ClusterNode[];
}

class NodeChanges implements AdminNodes {
  readonly #parts: NodeChangesParts;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: NodeChangesParts) {
    this.#parts = parts;
  }

  async list(): Promise<NodesReport> {
    const { nodes, store, work } = this.#parts;
    const { newest } = store.layoutState();
    const { dataShards, parityShards } = geometryOf(newest);
    const entryOf = await this.#entries(dataShards + parityShards);
    return {
      nodes: nodes.all.map(entryOf),
      strangers: nodes.strangers.map(({ url }) => url),
      shardCount: dataShards + parityShards,
      parityShards,
      worstZone: worstZone(newest, zonesOf(nodes.all)),
      change: work.mover.status,
    };
  }

  add(urls: readonly string[], options: NodeChangeOptions): Promise<NodesReport> {
    return this.#alone(async () => {
      if (urls.length === 0) throw refusal("name the URLs of the new nodes");
      const twice = urls.find((url, index) => urls.indexOf(url) !== index);
      if (twice !== undefined) throw refusal(`${twice} is named twice`);
      await this.#require();
      const { nodes, store } = this.#parts;
      const added: ClusterNode[] = [];
      for (const url of urls) added.push(await openNewNode(this.#parts, url));
      const { newest } = store.layoutState();
      const all = [...without(nodes.all, added), ...added];
      await this.#change({ rest: newest.drives, added, all }, options);
    });
  }

  drain(name: string, options: NodeChangeOptions): Promise<NodesReport> {
    return this.#alone(async () => {
      const node = this.#findUsed(name);
      await this.#require();
      const rest = this.#drivesBut(node);
      await this.#change({ rest, added: [], all: this.#marked(node) }, options);
    });
  }

  replace(
    replaced: { readonly node: string; readonly url: string | undefined },
    options: NodeChangeOptions,
  ): Promise<NodesReport> {
    return this.#alone(async () => {
      const node = this.#findUsed(replaced.node);
      await this.#require();
      const other = await openNewNode(this.#parts, replaced.url ?? node.url);
      const all = [...without(this.#marked(node), [other]), other];
      await this.#change({ rest: this.#drivesBut(node), added: [other], all }, options);
    });
  }

  remove(name: string): Promise<NodesReport> {
    return this.#alone(async () => {
      const { nodes, store, tellOthers } = this.#parts;
      const node = this.#find(name, true);
      const { live } = store.layoutState();
      if (live.some(({ drives }) => node.driveIds.some((driveId) => drives.includes(driveId)))) {
        throw refusal(
          `${node.url} still has what belongs to objects: kintsugi node drain first, and wait until it is drained`,
        );
      }
      await this.#moveMembers(node);
      if (!(await areReadsOver(this.#parts))) {
        throw refusal(
          `requests that began before it was drained still read ${node.url}: try again in a moment`,
        );
      }
      await nodes.become(nodes.all.filter(({ nodeId }) => nodeId !== node.nodeId));
      this.#changeMembers();
      await store.detachDrives((driveId) => node.driveIds.includes(driveId));
      await tellOthers();
    });
  }

  /** Their list is kept before the layout, so that a start finds what the layout names. */
  async #change(
    { rest, added, all }: NextNodes,
    { requiresZones }: NodeChangeOptions,
  ): Promise<void> {
    const { nodes, store, tellOthers, work } = this.#parts;
    const { newest } = store.layoutState();
    const stores = added.flatMap(({ client }) => client?.drives ?? []);
    const weights = await Promise.all(stores.map(weighNew));
    requireEnough(newest, rest.length + weights.length);
    const drives = [...(await weighDrives(store, rest)), ...weights];
    const next = spreadOverZones(changeLayout(newest, drives), zonesOf(all));
    if (requiresZones) requireSpread(next, zonesOf(all));
    await requireRoom(store, next, (driveId) => this.#urlOf(driveId));
    await nodes.become(all);
    await store.publishLayout(next);
    for (const drive of stores) store.attachDrive(drive);
    this.#changeMembers();
    await tellOthers();
    work.wake();
  }

  /** What is said of each node. */
  async #entries(shardCount: number): Promise<(node: ClusterNode) => NodeEntry> {
    const { journal, store } = this.#parts;
    const { newest } = store.layoutState();
    const spaces = await store.driveSpaces();
    const counts = placeCounts(newest);
    const members = new Set(journal()?.members.map(({ driveId }) => driveId));
    return ({ client, driveIds, nodeId, url, zone }) => {
      const sum = (valueOf: (driveId: DriveId) => number): number =>
        driveIds.reduce((total, driveId) => total + valueOf(driveId), 0);
      return {
        nodeId,
        url,
        zone,
        role: this.#roleOf(driveIds),
        isThere: isThere(client),
        problem: client === undefined ? "it was not found" : client.problem,
        driveCount: driveIds.length,
        sharePerMille: Math.round(
          (sum((driveId) => counts.get(driveId) ?? 0) * 1_000) / (PARTITION_COUNT * shardCount),
        ),
        freeBytes: sum((driveId) => spaces.get(driveId)?.freeBytes ?? 0),
        totalBytes: sum((driveId) => spaces.get(driveId)?.totalBytes ?? 0),
        memberCount: sum((driveId) => Number(members.has(driveId))),
      };
    };
  }

  #roleOf(driveIds: readonly DriveId[]): NodeEntry["role"] {
    const { live, newest, written } = this.#parts.store.layoutState();
    const has = ({ drives }: LayoutRecord): boolean =>
      driveIds.some((driveId) => drives.includes(driveId));
    if (has(newest)) return has(written) ? "in-use" : "joining";
    return live.some(has) ? "leaving" : "drained";
  }

  #drivesBut({ driveIds }: ClusterNode): readonly DriveId[] {
    const { newest } = this.#parts.store.layoutState();
    return newest.drives.filter((driveId) => !driveIds.includes(driveId));
  }

  #marked({ nodeId }: ClusterNode): readonly ClusterNode[] {
    return this.#parts.nodes.all.map((node) =>
      node.nodeId === nodeId ? { ...node, isLeaving: true } : node,
    );
  }

  #urlOf(driveId: DriveId): string {
    const { all } = this.#parts.nodes;
    return all.find(({ driveIds }) => driveIds.includes(driveId))?.url ?? driveId;
  }

  /** Its copies of the metadata are brought to other drives; that may take its time. */
  #changeMembers(): void {
    const change = async (): Promise<void> => {
      const { logger, nodes } = this.#parts;
      const problem = await nodes.changeMembers();
      if (problem === undefined) return;
      logger.warn({ problem }, "the members of the metadata are those of before");
    };
    void change();
  }

  /** It keeps no copy of the metadata any more. @throws AdminError while it does */
  async #moveMembers({ driveIds, url }: ClusterNode): Promise<void> {
    const { journal, nodes } = this.#parts;
    const isMember = (): boolean =>
      journal()?.members.some(({ driveId }) => driveIds.includes(driveId)) === true;
    const until = performance.now() + MEMBER_MS_MAX;
    let problem: string | undefined;
    // Of a change that began before, this one may only see the end.
    while (isMember() && performance.now() < until) {
      problem = await withDeadline(nodes.changeMembers(), {
        timeoutMs: Math.max(until - performance.now(), 1),
        onTimeout: () =>
          refusal(
            `${url} keeps a copy of the metadata that is being brought elsewhere: try again later`,
          ),
      });
      if (isMember()) await sleep(MEMBER_EVERY_MS);
    }
    if (!isMember()) return;
    throw refusal(
      `${url} keeps a copy of the metadata, which could not be brought elsewhere: ${problem ?? "no drive can take it"}`,
    );
  }

  /** One change at a time, each with what stands after it. */
  async #alone(change: () => Promise<void>): Promise<NodesReport> {
    const before = this.#running;
    const running = before.catch(() => undefined).then(change);
    this.#running = running;
    await running;
    return this.list();
  }

  async #require(): Promise<void> {
    const { nodes, store } = this.#parts;
    if (store.layoutState().live.length > 1) {
      throw refusal(
        "another change of the nodes is under way: kintsugi node list shows how far it is",
      );
    }
    await nodes.listFirst();
    if (nodes.isListed) return;
    throw refusal(
      "not every node of this cluster has been there since it is kept which there are: bring all of them back once",
    );
  }

  #findUsed(name: string): ClusterNode {
    const node = this.#find(name);
    const { newest } = this.#parts.store.layoutState();
    if (node.driveIds.some((driveId) => newest.drives.includes(driveId))) return node;
    throw refusal(`${node.url} is drained, or being drained, already`);
  }

  /** After a replacement at the same address there are two for a while. */
  #find(name: string, isToLeave = false): ClusterNode {
    const { all } = this.#parts.nodes;
    const url = URL.canParse(name) ? new URL(name).origin : undefined;
    const found =
      all.find(({ nodeId }) => nodeId === name) ??
      all.find((node) => node.url === url && node.isLeaving === isToLeave) ??
      all.find((node) => node.url === url) ??
      (/^[1-9]\d*$/.test(name) ? all[Number(name) - 1] : undefined);
    if (found !== undefined) return found;
    throw new AdminError(
      404,
      "NoSuchNode",
      `there is no node ${name.slice(0, 200)}: kintsugi node list names them`,
    );
  }
}

function requireEnough(layout: LayoutRecord, driveCount: number): void {
  const { dataShards, parityShards } = geometryOf(layout);
  if (driveCount >= dataShards + parityShards) return;
  throw refusal(
    `each object lies on ${dataShards + parityShards} drives (${dataShards}+${parityShards}), and ` +
      `${driveCount} would be left: add a node first, or replace this one`,
  );
}

function requireSpread(layout: LayoutRecord, zoneOf: ZoneOf): void {
  const { parityShards } = geometryOf(layout);
  const { shardCount, zone } = worstZone(layout, zoneOf);
  if (shardCount <= parityShards) return;
  throw refusal(
    `with zone ${zone} ${shardCount} shards of some objects would be lost, and ${parityShards} may be: ` +
      "the other zones have too few drives",
  );
}

/** A node that is taken in again stands in the list once. */
function without(
  all: readonly ClusterNode[],
  added: readonly ClusterNode[],
): readonly ClusterNode[] {
  return all.filter(({ nodeId }) => !added.some((node) => node.nodeId === nodeId));
}
