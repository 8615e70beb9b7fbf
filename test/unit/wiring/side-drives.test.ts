// The drives of a worker beside the lead: which of them it opens, and when.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import { openDrivesBeside } from "../../../src/wiring/open-drives.ts";
import { SideDrives } from "../../../src/wiring/side-drives.ts";

test("a drive that was opened before a layout named it is taken on once one does", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "side-drives-")), "drive-7");
  onTestFinished(() => rm(join(path, ".."), { recursive: true }));
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  const disk = openRealDisk({ root: path, deadlineMs: 1_000, maxInFlight: 1 });
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  const named = new Set<DriveId>();
  const taken = new Map<DriveId, ShardStore>();
  const take = (drive: ShardStore): boolean => {
    if (!named.has(drive.driveId) || taken.has(drive.driveId)) return false;
    taken.set(drive.driveId, drive);
    return true;
  };
  const store = {
    attachDrive: take,
    swapDrive: async (drive: ShardStore) => take(drive),
    detachDrives: async () => undefined,
    driveCalls: () => new Map([...taken.keys()].map((id) => [id, {} as never])),
    refreshLayouts: async () => void named.add(driveId),
  };
  const places = [{ driveId, path }];
  const opened = await openDrivesBeside(places, "local");
  const drives = new SideDrives(store, places, opened);
  await drives.attach();
  expect(taken.size).toBe(0);
  await drives.refresh(places);
  expect([...taken.keys()]).toEqual([driveId]);
});
