// The metadata of a gateway: a file in its own folder, which may be lost, and copies of every change on drives of the data
// nodes. The first start needs every node, for then it is settled which drives there are; later ones as many as know
// all that was acknowledged, and as many as reading takes.

import type { DriveId } from "../core/ids.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import type { NodeClient } from "../datanode/client.ts";
import { parseNodeList, type NodeList } from "../datanode/node-list.ts";
import { geometryFor } from "../erasure/geometry.ts";
import { ContentError } from "../journal/checked-json.ts";
import type { MemberSpec } from "../metadata/members/member-spec.ts";
import { parseRoster, readQuorum, type Roster } from "../metadata/members/roster.ts";
import type { MemberedMetadata } from "../metadata/sqlite/open-sqlite-metadata.ts";
import { peekDatabase } from "../metadata/sqlite/peek-database.ts";
import type { WriterDoor } from "../metadata/sqlite/write-listener.ts";
import { MetadataRefusedError } from "../metadata/sqlite/writer-client.ts";
import { geometryOf } from "../store/placement.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { CloseStack } from "./close-stack.ts";
import type { GatewayNodes } from "./gateway-nodes.ts";
import { CLUSTER_ID, openMetadata } from "./open-metadata.ts";
import { StartError } from "./start-error.ts";

export interface GatewayMetadataOptions {
  /** Holds metadata.db; made when absent. */
  readonly folder: string;
  readonly nodes: GatewayNodes;
  readonly clusterSecret: string;
  /** Names this process to the drives. */
  readonly owner: string;
  /** The only one that it may be; undefined: whatever cluster the drives belong to. */
  readonly clusterId: string | undefined;
  readonly acceptLoss: boolean;
  /** Where workers beside this one reach the writer; undefined: there are none. */
  readonly door: WriterDoor | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another gateway has taken over. */
  readonly onFenced: (words: string) => void;
}

/** The setting that holds the list of nodes. */
export const NODE_LIST_SETTING = "cluster.nodes";
/** How soon a drive that could not say what it holds is asked again. */
const ASK_AGAIN_MS = 1_000;

/** What is known of the cluster before its metadata is open. */
interface KnownCluster {
  readonly clusterId: string | undefined;
  /** Undefined: nothing is known, this may be its first start. */
  readonly drives: readonly DriveId[] | undefined;
  readonly toleratedCount: number;
  readonly hasEnough: () => boolean;
}

/** @throws StartError in words for whoever started it. */
export async function openGatewayMetadata(
  options: GatewayMetadataOptions,
  closeStack: CloseStack,
): Promise<MemberedMetadata> {
  const { nodes } = options;
  const known = await knowCluster(options);
  if (known.drives === undefined) refuseNewCluster(options);
  for (;;) {
    await nodes.waitUntil(known.hasEnough);
    try {
      const opened = await open(options, known, closeStack);
      await useNodeList(opened, nodes);
      await waitForReaders(opened, options);
      joinLater(opened, options);
      return opened;
    } catch (error) {
      // With every node there, or no time left, it will not be better.
      const isRefused = error instanceof StartError && error.cause instanceof MetadataRefusedError;
      if (!isRefused || nodes.areAllPresent || nodes.isTimeUp) throw error;
      const words = `waiting for data nodes: ${nodes.problems}. ${error.message}`;
      const countBefore = nodes.present.length;
      await nodes.waitForMore(words, () => nodes.present.length > countBefore);
    }
  }
}

function open(
  options: GatewayMetadataOptions,
  known: KnownCluster,
  closeStack: CloseStack,
): Promise<MemberedMetadata> {
  const { nodes, folder, owner, acceptLoss, clock, logger, onFenced } = options;
  // Those that are none of the cluster's have no say. They are looked at all the same: of another cluster's nothing is touched.
  const all = [...nodes.clients, ...nodes.strangers];
  nodes.knownDrives();
  const present = [...nodes.present, ...nodes.strangers];
  const found = present.flatMap((client) => client.drives.map(({ driveId }) => driveId));
  // Whoever accepts the loss goes on with what is there.
  const drives = known.drives === undefined || acceptLoss ? found : known.drives;
  const { parityShards } = geometryFor(Math.max(drives.length, 1), UNIT_BYTES);
  const members = all.flatMap((client) =>
    client.drives.map(({ driveId }) => memberOnNode(client.url, driveId, options)),
  );
  return openMetadata(
    {
      folder,
      members,
      drives,
      toleratedCount: known.drives === undefined ? parityShards : known.toleratedCount,
      owner,
      clusterId: options.clusterId ?? known.clusterId,
      acceptLoss,
      door: options.door,
      clock,
      logger,
      onFenced,
    },
    closeStack,
  );
}

/** The gateway's own file says what the cluster consists of; where it is lost, the drives of the nodes do. */
async function knowCluster(options: GatewayMetadataOptions): Promise<KnownCluster> {
  const { folder, nodes } = options;
  const remembered = peekDatabase(folder, [CLUSTER_ID, NODE_LIST_SETTING]);
  const clusterId = remembered?.settings.get(CLUSTER_ID);
  const whichever = options.clusterId ?? clusterId;
  if (whichever !== undefined) nodes.useCluster(whichever);
  const list = listIn(remembered?.settings.get(NODE_LIST_SETTING));
  if (list !== undefined) await nodes.follow(list);
  if (remembered?.layout !== undefined) {
    const { drives } = remembered.layout;
    const { dataShards, parityShards } = geometryOf(remembered.layout);
    // Once every node is there, the rest is not worth waiting for.
    const hasEnough = (): boolean => presentOf(nodes, drives) >= dataShards || nodes.areAllPresent;
    return { clusterId, drives, toleratedCount: parityShards, hasEnough };
  }
  const search = new RosterSearch(nodes);
  await nodes.waitUntil(
    () => search.hasReaders() || search.isOver(),
    () => [nodes.problems, search.problems].filter((words) => words !== "").join(", "),
  );
  const { roster } = search;
  if (roster === undefined) {
    const hasEnough = (): boolean => nodes.areAllPresent;
    return { clusterId, drives: undefined, toleratedCount: 0, hasEnough };
  }
  return {
    clusterId,
    drives: [...new Set([...roster.members, ...stayingDrives(nodes)])],
    toleratedCount: roster.toleratedCount,
    hasEnough: () => presentOf(nodes, roster.members) >= readQuorum(roster) || nodes.areAllPresent,
  };
}

/** The other drives of the layout are named in the metadata; members come from those that are there. */
function stayingDrives(nodes: GatewayNodes): readonly DriveId[] {
  const leaving = nodes.list?.nodes.filter(({ isLeaving }) => isLeaving) ?? [];
  const leavingIds = new Set(leaving.flatMap(({ driveIds }) => driveIds));
  return nodes
    .knownDrives()
    .map(({ driveId }) => driveId)
    .filter((driveId) => !leavingIds.has(driveId));
}

/** What the metadata says holds; what stood on drives only had to lead there. */
async function useNodeList(
  { clusterId, metadata }: MemberedMetadata,
  nodes: GatewayNodes,
): Promise<void> {
  nodes.useCluster(clusterId);
  const list = listIn(await metadata.findSetting(NODE_LIST_SETTING));
  if (list !== undefined) await nodes.follow(list);
}

/** One that cannot be read is as good as none: the drives have others. */
function listIn(text: string | undefined): NodeList | undefined {
  if (text === undefined) return undefined;
  try {
    return parseNodeList(Buffer.from(text, "utf8"), "the metadata's list of nodes");
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}

/** Asks the drives of nodes, as they come, who the members of the metadata are. */
class RosterSearch {
  readonly #nodes: GatewayNodes;
  readonly #asked = new Set<DriveId>();
  readonly #answered = new Set<DriveId>();
  readonly #problems = new Map<DriveId, string>();
  #roster: Roster | undefined;
  #epoch = -1;

  constructor(nodes: GatewayNodes) {
    this.#nodes = nodes;
  }

  /** What the drives said that have been asked; undefined: that they hold nothing. */
  get roster(): Roster | undefined {
    return this.#roster;
  }

  get problems(): string {
    return [...this.#problems.values()].join(", ");
  }

  /** Whether every drive of every node has answered. */
  isOver(): boolean {
    this.#askMore();
    const drives = this.#nodes.clients.flatMap((client) => client.drives);
    return this.#nodes.areAllPresent && drives.every(({ driveId }) => this.#answered.has(driveId));
  }

  /** Whether members are known, and enough of them are there. */
  hasReaders(): boolean {
    this.#askMore();
    const roster = this.#roster;
    return roster !== undefined && presentOf(this.#nodes, roster.members) >= readQuorum(roster);
  }

  #askMore(): void {
    for (const client of this.#nodes.present) {
      for (const { driveId } of client.drives) {
        if (this.#asked.has(driveId)) continue;
        this.#asked.add(driveId);
        void this.#ask(client, driveId);
      }
    }
  }

  /** Never rejects. */
  async #ask(client: NodeClient, driveId: DriveId): Promise<void> {
    try {
      const { roster, head } = await client.inspectJournal(driveId);
      this.#answered.add(driveId);
      this.#problems.delete(driveId);
      if (roster === undefined || head.epoch < this.#epoch) return;
      this.#roster = parseRoster(roster);
      this.#epoch = head.epoch;
    } catch (error) {
      this.#problems.set(driveId, `${client.url} (${String(error)})`);
      setTimeout(() => this.#asked.delete(driveId), ASK_AGAIN_MS).unref();
    }
  }
}

function presentOf(nodes: GatewayNodes, drives: readonly DriveId[]): number {
  const present = new Set(
    nodes.present.flatMap((client) => client.drives.map(({ driveId }) => driveId)),
  );
  return drives.filter((driveId) => present.has(driveId)).length;
}

/** Whoever names the cluster does not want another one. */
function refuseNewCluster({ clusterId, acceptLoss }: GatewayMetadataOptions): void {
  if (clusterId === undefined || acceptLoss) return;
  throw new StartError(
    `the cluster is to be ${clusterId}, and neither the gateway's folder nor any drive of the data nodes holds anything ` +
      "of it. Nothing was changed: are these the right nodes, and are their disks mounted? For a new cluster leave " +
      "KINTSUGI_CLUSTER_ID away at its first start",
  );
}

/** Objects can be read only with so many drives. */
async function waitForReaders(
  { metadata }: MemberedMetadata,
  { nodes, acceptLoss }: GatewayMetadataOptions,
): Promise<void> {
  const layouts = await metadata.findLayouts();
  // While drives come or go sets lie by either.
  const live = layouts.filter(({ retiredInto }) => retiredInto === undefined);
  if (acceptLoss) return;
  const lacking = () =>
    live.find((layout) => presentOf(nodes, layout.drives) < geometryOf(layout).dataShards);
  if (lacking() !== undefined) {
    await nodes.waitUntil(() => lacking() === undefined || nodes.areAllPresent);
  }
  const layout = lacking();
  if (layout === undefined) return;
  throw new StartError(
    `${presentOf(nodes, layout.drives)} of the cluster's ${layout.drives.length} drives are there, and reading takes ` +
      `${geometryOf(layout).dataShards}. Nothing was changed: are these the right nodes, and are their disks mounted? ` +
      "If the drives are lost for good, --accept-loss serves what is left",
  );
}

/** Members on nodes that are away now take part when they come. */
function joinLater(opened: MemberedMetadata, options: GatewayMetadataOptions): void {
  options.nodes.onDrives((client, drives) => {
    for (const { driveId } of drives) opened.addMember(memberOnNode(client.url, driveId, options));
  });
}

/** How a drive of a node is reached as a member of the metadata. */
export function memberOnNode(
  url: string,
  driveId: DriveId,
  { clusterSecret: secret }: Pick<GatewayMetadataOptions, "clusterSecret">,
): MemberSpec {
  return { kind: "node", url, secret, driveId, label: `${url} drive ${driveId}` };
}
