// Drive folders that are laid out, for metadata with members on real drives.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { formatDrive, newDriveId } from "../../src/datanode/drive-identity.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import type { FolderMemberSpec } from "../../src/metadata/members/member-spec.ts";

/** The cluster that they are of. */
export const CLUSTER = "0f0e0d0c-0b0a-4908-8706-050403020100";

export interface MemberFolders {
  readonly specs: readonly FolderMemberSpec[];
  /** Lays a drive out anew, where its folder is gone. A slot beyond the others has an id of its own. */
  readonly format: (slot: number) => Promise<FolderMemberSpec>;
  readonly pathOf: (slot: number) => string;
}

/** Makes so many below a folder. */
export async function formatMembers(base: string, count: number): Promise<MemberFolders> {
  const slots = Array.from({ length: count }, () => ({
    driveId: newDriveId(),
    wasMountPoint: false,
  }));
  const pathOf = (slot: number): string => join(base, `drive-${slot}`);
  const format = async (slot: number): Promise<FolderMemberSpec> => {
    const path = pathOf(slot);
    const { driveId = newDriveId() } = slots[slot] ?? {};
    await mkdir(path);
    const disk = openRealDisk({ root: path, deadlineMs: 10_000, maxInFlight: 2 });
    await formatDrive(disk, { clusterId: CLUSTER, createdAt: 1, driveId, slot, slots });
    return { kind: "folder", driveId, path };
  };
  const specs: FolderMemberSpec[] = [];
  for (const slot of slots.keys()) specs.push(await format(slot));
  return { specs, format, pathOf };
}
