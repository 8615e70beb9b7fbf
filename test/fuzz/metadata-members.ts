// Metadata in SQLite beside members on drives of their own, for random operations.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { formatDrive, newDriveId } from "../../src/datanode/drive-identity.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import type { MemberSpec } from "../../src/metadata/members/member-spec.ts";
import { openMemberedMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import type { Clock } from "../../src/util/clock.ts";

const CLUSTER = "0f0e0d0c-0b0a-4908-8706-050403020100";

export function openOn(folder: string, specs: readonly MemberSpec[], clock?: Clock) {
  return openMemberedMetadata({
    folder,
    clock,
    plan: {
      specs,
      drives: specs.map(({ driveId }) => driveId),
      toleratedCount: 1,
      owner: "00000000000000aa",
      clusterId: CLUSTER,
      acceptLoss: false,
    },
    onLog: () => {},
    onFenced: (words) => expect.fail(words),
  });
}

export async function givenMembers(base: string, count: number): Promise<readonly MemberSpec[]> {
  const slots = Array.from({ length: count }, () => ({
    driveId: newDriveId(),
    wasMountPoint: false,
  }));
  const specs: MemberSpec[] = [];
  for (const [slot, { driveId }] of slots.entries()) {
    const path = join(base, `drive-${slot}`);
    await mkdir(path);
    const disk = openRealDisk({ root: path, deadlineMs: 10_000, maxInFlight: 2 });
    await formatDrive(disk, { clusterId: CLUSTER, createdAt: 1, driveId, slot, slots });
    specs.push({ kind: "folder", driveId, path });
  }
  return specs;
}
