// Whether a data node may become one of a gateway's cluster: it is there, and neither it nor any of its drives is another
// cluster's, or this one's already. Nothing here changes anything on it: a drive that is promised to another cluster's
// gateway must not hear of this one.

import { AdminError } from "../admin/admin-error.ts";
import type { NodeClient } from "../datanode/client.ts";
import { ShardError } from "../datanode/shard-store.ts";
import { JournalError, type Authority } from "../journal/journal-member.ts";
import type { LayoutOperations } from "../store/layout/layout-operations.ts";
import { withDeadline } from "../util/deadline.ts";
import { isThere, type ClusterNode, type ClusterNodes } from "./cluster-nodes.ts";
import { refusal } from "./new-drive-folder.ts";

const READY_MS_MAX = 10_000;

interface KnownParts {
  readonly nodes: ClusterNodes;
  readonly store: Pick<LayoutOperations, "layoutState">;
}

/**
 * The node at an address, with the way to it. It may be one that is known already, where the gateway ended before the layout
 * heard of it. @throws AdminError in words when it may not become one
 */
export async function openNewNode(parts: KnownParts, url: string): Promise<ClusterNode> {
  const { nodes, store } = parts;
  const origin = originOf(url);
  const known = nodes.all.find((node) => node.url === origin && isThere(node.client));
  if (known !== undefined) {
    const { live } = store.layoutState();
    const isNamed = known.driveIds.some((driveId) =>
      live.some(({ drives }) => drives.includes(driveId)),
    );
    if (!isNamed && !known.isLeaving) return known;
    throw refusal(
      known.isLeaving
        ? `${origin} is being drained, or is drained: kintsugi node remove takes it out, and then it can be added again`
        : `${origin} is a node of this cluster already`,
    );
  }
  const client = await nodes.openCandidate(origin);
  try {
    await ready(client);
    await requireFree(parts, client);
    const { driveIds = [], nodeId = "", zone } = client.known ?? {};
    return { nodeId, url: client.url, driveIds, isLeaving: false, zone, client };
  } catch (error) {
    if (!nodes.strangers.includes(client)) await client.close();
    const isKnown = error instanceof ShardError || error instanceof JournalError;
    throw isKnown ? refusal(`${origin} cannot be used: ${error.message}`) : error;
  }
}

/** @throws AdminError */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "";
  if (isOrigin && url.protocol === "http:" && url.username === "" && url.password === "") {
    return url.origin;
  }
  throw new AdminError(
    400,
    "InvalidArgument",
    `a node's URL is like http://node-7:9100, not ${text.slice(0, 200)}`,
  );
}

async function ready(client: NodeClient): Promise<void> {
  await withDeadline(client.ready(), {
    timeoutMs: READY_MS_MAX,
    onTimeout: () => refusal(`${client.url} cannot be used: ${client.problem ?? "it hangs"}`),
  });
  if (client.drives.length === 0) throw refusal(`${client.url} has no drives`);
}

async function requireFree({ nodes }: KnownParts, client: NodeClient): Promise<void> {
  const { nodeId } = client.known ?? {};
  const ids = new Set(client.drives.map(({ driveId }) => driveId));
  const other = nodes.all.find(
    (node) => node.nodeId === nodeId || node.driveIds.some((driveId) => ids.has(driveId)),
  );
  if (other !== undefined) {
    throw refusal(`${client.url} is a node of this cluster already, known as ${other.url}`);
  }
  const owners = await client.owners();
  for (const { driveId } of client.drives) {
    const { clusterId } = await client.inspectJournal(driveId);
    const list = await client.readNodeList(driveId);
    const clusters = [clusterId, list?.clusterId].filter((id) => id !== undefined);
    const isOurs = clusters.length > 0 && clusters.every((id) => id === nodes.clusterId);
    const promised = owners.get(driveId);
    // A start has those that it was given promise themselves, whether or not it uses them.
    const isOwn = promised === undefined || promised.owner === nodes.authority?.owner;
    const isAnothers = clusters.length > 0 || !isOwn;
    if ((!isOurs && isAnothers) || isLater(promised, nodes.authority)) {
      throw refusal(
        `${client.url} is, or was, a node of another cluster. Empty its folders first if nothing on them is needed`,
      );
    }
  }
}

/** Whoever it is promised to would have this gateway end. */
function isLater(promised: Authority | undefined, own: Authority | undefined): boolean {
  return promised !== undefined && promised.epoch > (own?.epoch ?? 0);
}
