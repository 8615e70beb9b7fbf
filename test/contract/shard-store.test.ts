// The contract of ShardStore, on a local drive over a real folder and over the simulated drive.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { formatDrive, newDriveId } from "../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { describeShardStore } from "./shard-store.ts";

describe.each([64, 1])("a local drive on a real disk, %i files kept open", (openMax) => {
  describeShardStore(async () => {
    const root = await mkdtemp(join(tmpdir(), "kintsugi-drive-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    return openStore(openRealDisk({ root, deadlineMs: 10_000, maxInFlight: 2 }), openMax);
  });
});

describe("a local drive on a simulated disk", () => {
  describeShardStore(() => openStore(new SimDrive({ seed: 1 }), 64));
});

async function openStore(disk: Disk, openMax: number): Promise<ShardStore> {
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "test", driveId, slot: 0, slots, createdAt: 0 });
  const store = await openLocalDrive({ disk, driveId, openMax });
  onTestFinished(() => store.close());
  return store;
}
