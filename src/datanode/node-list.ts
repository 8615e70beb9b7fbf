// Which data nodes a cluster consists of, and where each was last: what a gateway keeps in the metadata, and on every drive
// of every node, so that a start finds nodes that nobody names to it. Of several the one of the highest generation holds.
// A small checked file (docs/FORMATS.md), sent to nodes as it is.

import type { DriveId } from "../core/ids.ts";
import { isZoneName } from "../core/zone-name.ts";
import {
  ContentError,
  contentOf,
  countOf,
  parseChecked,
  renderChecked,
  textOf,
  type Content,
} from "../journal/checked-json.ts";

/** In the folder of a drive. */
export const NODE_LIST_FILE = "nodes.json";
/** Of the file, and of the message that carries it. */
export const NODE_LIST_BYTES_MAX = 1024 * 1024;

export interface ListedNode {
  readonly nodeId: string;
  /** Where it was when the list was written: `http://host:port`. */
  readonly url: string;
  readonly driveIds: readonly DriveId[];
  /** Whether it is being drained, or is drained: it is to hold nothing new. */
  readonly isLeaving: boolean;
  /** What fails together with it, as the node was told; undefined: it alone. */
  readonly zone: string | undefined;
}

export interface NodeList {
  readonly clusterId: string;
  /** Counts the changes of the nodes: 1 as they were at the first start. */
  readonly generation: number;
  readonly nodes: readonly ListedNode[];
}

const URL_MAX = 300;
const ID = /^[A-Za-z0-9._-]{1,64}$/;

export function renderNodeList({ clusterId, generation, nodes }: NodeList): Uint8Array {
  const entries = nodes.map(({ nodeId, url, driveIds, isLeaving, zone }) => {
    const entry = { nodeId, url, driveIds, isLeaving };
    return zone === undefined ? entry : { ...entry, zone };
  });
  return renderChecked({ clusterId, generation, nodes: entries });
}

/**
 * @throws ContentError when it is not what was written.
 * @throws JournalError Corrupt when a newer program wrote it; `place` names it.
 */
export function parseNodeList(bytes: Uint8Array, place: string): NodeList {
  const content = parseChecked(bytes, place);
  return {
    clusterId: textOf(content, "clusterId"),
    generation: countOf(content, "generation"),
    nodes: listOf(content, "nodes").map((entry) => nodeOf(contentOf(entry))),
  };
}

function nodeOf(content: Content): ListedNode {
  const [nodeId, url] = [textOf(content, "nodeId"), textOf(content, "url")];
  const isLeaving = content.get("isLeaving");
  const zone = content.has("zone") ? textOf(content, "zone") : undefined;
  if (!ID.test(nodeId) || typeof isLeaving !== "boolean") throw new ContentError("a node is none");
  if (url.length > URL_MAX || !URL.canParse(url)) throw new ContentError("a URL is none");
  if (zone !== undefined && !isZoneName(zone)) throw new ContentError("a zone is none");
  const driveIds = listOf(content, "driveIds").map(driveIdOf);
  return { nodeId, url, driveIds, isLeaving, zone };
}

function listOf(content: Content, name: string): readonly unknown[] {
  const value: unknown = content.get(name);
  if (!Array.isArray(value)) throw new ContentError(`"${name}" is not a list`);
  return value;
}

function driveIdOf(value: unknown): DriveId {
  if (typeof value === "string" && ID.test(value)) return value as DriveId;
  throw new ContentError("a drive id is none");
}
