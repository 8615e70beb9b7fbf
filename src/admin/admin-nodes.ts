// The data nodes of a gateway, as the admin API sees them: which they are, and nodes that come and go.

import type { LayoutStatus } from "../layout/layout-status.ts";
import type { DriveRole } from "./admin-drives.ts";

export interface NodeEntry {
  readonly nodeId: string;
  readonly url: string;
  /** What it fails together with, as it was told; undefined: it alone. */
  readonly zone: string | undefined;
  /** As of a drive: where its drives differ, the one that has the most to do with it. */
  readonly role: DriveRole;
  /** Whether it answers. */
  readonly isThere: boolean;
  /** Why it does not, in words. */
  readonly problem: string | undefined;
  readonly driveCount: number;
  /** Of all shards, how many in a thousand belong on it. */
  readonly sharePerMille: number;
  /** Of those of its drives that answer. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** How many of its drives keep a copy of the metadata. */
  readonly memberCount: number;
}

export interface NodesReport {
  readonly nodes: readonly NodeEntry[];
  /** URLs that were given to the gateway whose nodes are none of the cluster's. */
  readonly strangers: readonly string[];
  /** How many drives a set lies on. */
  readonly shardCount: number;
  /** How many shards of a set may be lost. */
  readonly parityShards: number;
  /** The zone, or the node that is in none, whose loss would cost the most shards of some set, and how many. */
  readonly worstZone: { readonly zone: string; readonly shardCount: number };
  readonly change: LayoutStatus;
}

/** How a change is to be made. */
export interface NodeChangeOptions {
  /** Whether it is refused where the loss of a zone would then cost more shards of some set than parity replaces. */
  readonly requiresZones: boolean;
}

/** All of these refuse in words, with an AdminError. `node`: a node's URL, its id, or its number in the list. */
export interface AdminNodes {
  list(): Promise<NodesReport>;
  /** URLs of nodes that belong to no cluster yet. */
  add(urls: readonly string[], options: NodeChangeOptions): Promise<NodesReport>;
  drain(node: string, options: NodeChangeOptions): Promise<NodesReport>;
  /** `url`: of the node that takes its place; undefined: another node at the same address. */
  replace(
    replaced: { readonly node: string; readonly url: string | undefined },
    options: NodeChangeOptions,
  ): Promise<NodesReport>;
  remove(node: string): Promise<NodesReport>;
}
