// The data nodes of a gateway's cluster, as they are now: which they are, where they are, and who says so. A change is kept
// in the metadata before anything else is done, and then on every drive of every node that is there, so that a start
// finds nodes that nobody names to it, by whichever is left.

import type { DriveId } from "../core/ids.ts";
import type { NodeClient } from "../datanode/client.ts";
import { renderNodeList, type ListedNode, type NodeList } from "../datanode/node-list.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { MemberedMetadata } from "../metadata/sqlite/open-sqlite-metadata.ts";
import type { ZoneOf } from "../store/layout/spread-over-zones.ts";
import type { Logger } from "../telemetry/logger.ts";
import { memberOnNode, NODE_LIST_SETTING } from "./gateway-metadata.ts";
import type { GatewayNodes } from "./gateway-nodes.ts";
import type { DriveAt } from "./open-drives.ts";

export interface ClusterNodesParts {
  readonly clusterId: string;
  readonly clusterSecret: string;
  readonly nodes: GatewayNodes;
  readonly metadata: Pick<MetadataStore, "findLayouts" | "journalReport" | "putSetting">;
  readonly changeMembers: MemberedMetadata["changeMembers"];
  /** For whom drives are changed. */
  readonly authority: () => Authority | undefined;
  readonly logger: Logger;
}

/** A node of the cluster, and the way to it. */
export interface ClusterNode extends ListedNode {
  /** Undefined where the node at its address is another. */
  readonly client: NodeClient | undefined;
}

export class ClusterNodes {
  readonly clusterId: string;
  readonly #parts: ClusterNodesParts;
  #writing: Promise<void> = Promise.resolve();
  #listing: Promise<void> | undefined;

  constructor(parts: ClusterNodesParts) {
    this.#parts = parts;
    this.clusterId = parts.clusterId;
  }

  /** To whom drives are promised that this gateway uses. */
  get authority(): Authority | undefined {
    return this.#parts.authority();
  }

  /** All of the cluster, there or not; before there is a list, those that have been there. */
  get all(): readonly ClusterNode[] {
    const { nodes } = this.#parts;
    const listed =
      nodes.list?.nodes ??
      nodes.clients.flatMap(({ known, url }) =>
        known === undefined ? [] : [{ ...known, url, isLeaving: false, zone: known.zone }],
      );
    return listed.map((node) => {
      const client = nodes.clientOf(node);
      // Where it is now, and what it says now.
      const { url = node.url, known } = client ?? {};
      return { ...node, url, zone: known === undefined ? node.zone : known.zone, client };
    });
  }

  /** Where each of their drives is. */
  get places(): readonly DriveAt[] {
    return this.all.flatMap(({ client, driveIds, url }) =>
      (client?.known?.driveIds ?? driveIds).map((driveId) => ({ driveId, path: url })),
    );
  }

  /** Those that were given to the gateway and are none of the cluster's. */
  get strangers(): readonly NodeClient[] {
    return this.#parts.nodes.strangers;
  }

  /** Whether there is a list: from then on it is known of every node where it was. */
  get isListed(): boolean {
    return this.#parts.nodes.list !== undefined;
  }

  /** Keeps which nodes there are, where nobody has yet and each has been there. Harmless when repeated; never rejects. */
  listFirst(): Promise<void> {
    if (this.isListed) return Promise.resolve();
    this.#listing ??= this.#listFirst().finally(() => (this.#listing = undefined));
    return this.#listing;
  }

  async #listFirst(): Promise<void> {
    const { logger, metadata } = this.#parts;
    try {
      const layouts = await metadata.findLayouts();
      const laidOut = new Set(layouts.flatMap(({ drives }) => drives));
      // One that was given by mistake, or is to be added, is none of the cluster's.
      const nodes = this.all.filter(({ driveIds }) => driveIds.some((id) => laidOut.has(id)));
      const known = new Set(nodes.flatMap(({ driveIds }) => driveIds));
      if (laidOut.size > 0 && [...laidOut].every((id) => known.has(id))) await this.become(nodes);
    } catch (error) {
      logger.warn({ err: error }, "which nodes there are could not be kept");
    }
  }

  /** The way to a node that may become one of the cluster's, by what it says now. @throws TypeError */
  openCandidate(url: string): Promise<NodeClient> {
    return this.#parts.nodes.openCandidate(url);
  }

  /** From now on these are the nodes. Kept when it resolves; new ones come with the way to them. */
  become(nodes: readonly ClusterNode[]): Promise<void> {
    const before = this.#writing;
    const writing = before.catch(() => undefined).then(() => this.#write(nodes));
    this.#writing = writing;
    return writing;
  }

  /** Has drives that stay keep the copies of the metadata. Resolves to why others still do. */
  changeMembers(): Promise<string | undefined> {
    const { changeMembers, metadata } = this.#parts;
    const members = new Set(metadata.journalReport()?.members.map(({ driveId }) => driveId));
    const specs = this.all.flatMap(({ client, driveIds, url }) =>
      driveIds
        // One that is away cannot learn what it would have to know; one that has a say keeps it.
        .filter((driveId) => members.has(driveId) || isThere(client))
        .map((driveId) => memberOnNode(url, driveId, this.#parts)),
    );
    const toleratedCount = (metadata.journalReport()?.quorum ?? 1) - 1;
    const change = { drives: this.#stayingDrives(), specs, toleratedCount };
    return changeMembers(change);
  }

  #stayingDrives(): readonly DriveId[] {
    return this.all
      .filter(({ isLeaving }) => !isLeaving)
      .flatMap(({ client, driveIds }) => client?.known?.driveIds ?? driveIds);
  }

  async #write(next: readonly ClusterNode[]): Promise<void> {
    const { clusterId, metadata, nodes } = this.#parts;
    const before = this.all;
    const list: NodeList = {
      clusterId,
      generation: (nodes.list?.generation ?? 0) + 1,
      nodes: next.map(({ nodeId, url, driveIds, isLeaving, zone }) => {
        return { nodeId, url, driveIds, isLeaving, zone };
      }),
    };
    await metadata.putSetting(NODE_LIST_SETTING, Buffer.from(renderNodeList(list)).toString());
    for (const { client } of next) if (client !== undefined) nodes.add(client);
    await nodes.follow(list);
    // Those that are taken out learn of it, too: whoever asks them is shown the others.
    const told = new Set([...before, ...next].flatMap(({ client }) => client ?? []));
    await Promise.all([...told].map((client) => this.#tell(client, list)));
    const gone = before.filter(({ nodeId }) => !next.some((node) => node.nodeId === nodeId));
    for (const { nodeId } of gone) await nodes.leaveOut(nodeId);
  }

  /** Never rejects: whichever drive has it leads to what the metadata says. */
  async #tell(client: NodeClient, list: NodeList): Promise<void> {
    if (!isThere(client)) return;
    const { logger } = this.#parts;
    for (const { driveId, label } of client.drives) {
      try {
        await client.writeNodeList(driveId, list);
      } catch (error) {
        logger.warn(
          { err: error, drive: label },
          "a drive could not be told which nodes there are",
        );
      }
    }
  }
}

/** The zone of each node's drives; a node that was told none is one by itself. */
export function zonesOf(nodes: readonly ListedNode[]): ZoneOf {
  const zones = new Map(
    nodes.flatMap(({ driveIds, nodeId, zone = nodeId }) =>
      driveIds.map((driveId) => [driveId, zone] as const),
    ),
  );
  return (driveId) => zones.get(driveId) ?? driveId;
}

/** Whether a node is known and nothing is known against it. */
export function isThere(client: NodeClient | undefined): client is NodeClient {
  return client?.known !== undefined && client.problem === undefined;
}
