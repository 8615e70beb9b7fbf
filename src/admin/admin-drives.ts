// The drives of a server, as the admin API sees them: which they are, and drives that come and go.

import type { LayoutStatus } from "../layout/layout-status.ts";
import type { ReshapeStatus } from "../layout/reshape-status.ts";

/**
 * "in-use": new sets lie on it. "leaving": what it has is being copied to the others. "drained": everything lies elsewhere,
 * and it may be taken out. "joining": it is known, and nothing is written there yet.
 */
export type DriveRole = "drained" | "in-use" | "joining" | "leaving";

export interface DriveEntry {
  readonly driveId: string;
  readonly path: string;
  readonly role: DriveRole;
  /** Whether it answers. */
  readonly isThere: boolean;
  /** Of all shards, how many in a thousand belong on it. */
  readonly sharePerMille: number;
  readonly freeBytes: number | undefined;
  readonly totalBytes: number | undefined;
  /** Whether it keeps a copy of the metadata. */
  readonly isMember: boolean;
  /** Whether it holds the database. */
  readonly isHome: boolean;
}

export interface DrivesReport {
  readonly drives: readonly DriveEntry[];
  /** How many drives a set lies on. */
  readonly shardCount: number;
  /** How new sets are cut: k+m. */
  readonly cut: { readonly dataShards: number; readonly parityShards: number };
  readonly change: LayoutStatus;
  /** How it goes with sets that were cut otherwise. */
  readonly reshape: ReshapeStatus;
}

/** All of these refuse in words, with an AdminError. `drive`: a drive's id, its folder, or its number in the list. */
export interface AdminDrives {
  list(): Promise<DrivesReport>;
  /** Absolute paths of blank folders. */
  add(folders: readonly string[]): Promise<DrivesReport>;
  drain(drive: string): Promise<DrivesReport>;
  /** `folder`: an absolute path of a blank folder. */
  replace(drive: string, folder: string): Promise<DrivesReport>;
  remove(drive: string): Promise<DrivesReport>;
  /** Undefined: as the number of the drives says. */
  reshape(cut: DrivesReport["cut"] | undefined): Promise<DrivesReport>;
}
