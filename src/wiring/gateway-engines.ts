// What a gateway serves from: the drives of its data nodes, and the metadata whose copies they hold. It serves for as
// long as the drives are promised to it.

import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { UNIT_BYTES } from "../core/limits.ts";
import type { NodeClient } from "../datanode/client.ts";
import { geometryFor } from "../erasure/geometry.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { JournalReport, MetadataStore } from "../metadata/metadata-store.ts";
import type { MemberedMetadata } from "../metadata/sqlite/open-sqlite-metadata.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { geometryOf } from "../store/placement.ts";
import { assert } from "../util/assert.ts";
import { toMachineTime } from "../util/machine-time.ts";
import type { CloseStack } from "./close-stack.ts";
import { ClusterNodes, zonesOf } from "./cluster-nodes.ts";
import { spaceOf } from "./folder-space.ts";
import { openGatewayMetadata } from "./gateway-metadata.ts";
import { openGatewayNodes, type GatewayNodes } from "./gateway-nodes.ts";
import { makeOwner, METADATA_FOLDER } from "./open-metadata.ts";
import { CONFIRMATION_MS, Ownership } from "./ownership.ts";
import type { S3FaceOptions } from "./s3-face.ts";
import type { Engines } from "./serve-store.ts";
import { writerDoorOf } from "./side-folder.ts";
import type { SideWelcome } from "./side-protocol.ts";
import type { SidePlan } from "./supervisor-protocol.ts";

export interface GatewayOptions extends S3FaceOptions {
  /** Holds the metadata. */
  readonly folder: string;
  /** The data nodes' URLs. */
  readonly nodes: readonly string[];
  readonly clusterSecret: string;
  /** The only cluster that the nodes may be; undefined: whichever they are, or a new one. */
  readonly clusterId?: string | undefined;
  /** Whether to start with fewer copies of the metadata than know all that was acknowledged. Default: no. */
  readonly acceptLoss?: boolean;
  /** Who is to serve beside this process, and what they need to know of its settings. */
  readonly sides?: { readonly plan: SidePlan; readonly config: SideWelcome["config"] } | undefined;
  /** Called with a sentence while the start waits for nodes. */
  readonly onProgress: (words: string) => void;
  /** Called once, with a sentence, when another gateway has taken over: this process must end. */
  readonly onFenced: (words: string) => void;
}

/** What it opens is put on the close stack. @throws StartError in words for whoever started it. */
export async function openGatewayEngines(
  options: GatewayOptions,
  closeStack: CloseStack,
): Promise<Engines> {
  const { clock, logger, clusterSecret, clusterId, acceptLoss = false, onProgress } = options;
  const folder = join(resolve(options.folder), METADATA_FOLDER);
  const owner = makeOwner();
  let ownership: Ownership | undefined;
  const fence = (words: string): void => {
    if (ownership === undefined) options.onFenced(words);
    else ownership.fence(words);
  };
  const nodes = await openGatewayNodes(
    {
      urls: options.nodes,
      clusterSecret,
      clock,
      logger,
      owner: () => ownership?.authority,
      onFenced: ({ message }) => fence(message),
      onProgress,
    },
    closeStack,
  );
  const opened = await openGatewayMetadata(
    {
      folder,
      nodes,
      clusterSecret,
      owner,
      clusterId,
      acceptLoss,
      door: writerDoorOf(options.sides?.plan),
      clock,
      logger,
      onFenced: fence,
    },
    closeStack,
  );
  const { metadata } = opened;
  const report = () => metadata.journalReport();
  const clients = () => [...nodes.clients, ...nodes.strangers.filter(hasMember(report()))];
  const { onFenced } = options;
  const watch = new Ownership({ clients, owner, report, onFenced, clock, logger });
  ownership = watch;
  closeStack.add(async () => watch.close());
  await Promise.all([watch.start(), outlastOthers(opened.metadata, onProgress)]);
  return enginesOf({ folder, nodes, opened, watch }, options);
}

interface OpenedGateway {
  /** Holds the metadata. */
  readonly folder: string;
  readonly nodes: GatewayNodes;
  readonly opened: MemberedMetadata;
  readonly watch: Ownership;
}

async function enginesOf(
  { folder, nodes, opened, watch }: OpenedGateway,
  { clock, clusterSecret, encryption, logger, sides }: GatewayOptions,
): Promise<Engines> {
  const { clusterId, metadata } = opened;
  const drives = nodes.knownDrives();
  const layout = (await metadata.findLayouts()).at(-1);
  const authority = () => watch.authority;
  const parts = { clusterId, clusterSecret, nodes, metadata, authority };
  const clusterNodes = new ClusterNodes({
    ...parts,
    changeMembers: (change) => opened.changeMembers(change),
    logger,
  });
  const size = sizeOf(layout, drives.length);
  return {
    metadata,
    metadataFolder: folder,
    metadataSpace: spaceOf(folder),
    clusterId,
    clusterSecret,
    drives,
    ...size,
    clusterNodes,
    zoneOf: zonesOf(clusterNodes.all),
    remarks: [...awayRemarks(nodes), ...opened.remarks],
    whenDrives: (attach) => {
      nodes.onDrives((_client, found) => {
        found.forEach(attach);
        void clusterNodes.listFirst();
      });
    },
    isServing: () => watch.isConfirmed,
    sides: sides && {
      plan: sides.plan,
      confirmation: () => ({
        until: toMachineTime(clock, watch.confirmedUntil),
        authority: authorityOf(watch),
      }),
      welcome: {
        ...size,
        config: sides.config,
        encryption,
        clusterId,
        places: clusterNodes.places,
        nodes: { clusterSecret },
        metadata: { driveId: undefined, folder },
      },
    },
  };
}

/** Before there is a layout: that of all drives that are there. */
function sizeOf(layout: LayoutRecord | undefined, knownCount: number) {
  const driveCount = layout?.drives.length ?? knownCount;
  if (layout === undefined) return { driveCount, geometry: geometryFor(driveCount, UNIT_BYTES) };
  return { driveCount, geometry: { ...geometryOf(layout), unitBytes: UNIT_BYTES } };
}

/** Known since the metadata was opened. */
function authorityOf({ authority }: Ownership): Authority {
  assert(authority !== undefined, "the metadata is open");
  return authority;
}

/**
 * A gateway that did not end in order may be alive, and answer for as long as it was confirmed last: nothing new is
 * acknowledged before that time is over.
 */
async function outlastOthers(
  metadata: MetadataStore,
  onProgress: (words: string) => void,
): Promise<void> {
  const processes = await metadata.listProcesses();
  if (processes.every(({ endedAt }) => endedAt !== undefined)) return;
  onProgress(`waiting ${CONFIRMATION_MS / 1_000} s: an earlier gateway has not ended in order`);
  await setTimeout(CONFIRMATION_MS);
}

/** After an accepted loss members are on nodes that are none of the cluster's yet. */
function hasMember(report: JournalReport | undefined): (client: NodeClient) => boolean {
  const members = new Set(report?.members.map(({ driveId }) => driveId));
  return ({ drives }) => drives.some(({ driveId }) => members.has(driveId));
}

function awayRemarks({ clients, strangers }: GatewayNodes): readonly string[] {
  const away = clients.filter(({ problem }) => problem !== undefined);
  return [
    ...away.map(({ url, problem }) => `${url} is away: ${problem ?? ""}`),
    ...strangers.map(({ url }) =>
      clients.some((client) => client.url === url)
        ? `${url} has other drives than it had, which are not used: kintsugi node replace takes them in`
        : `${url} is no node of this cluster, and is not used: kintsugi node add takes it in`,
    ),
  ];
}
