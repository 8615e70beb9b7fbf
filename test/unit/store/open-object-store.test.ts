// The end of an object store: whatever fails, the drives are let go of.

import { expect, test } from "vitest";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import { openObjectStore } from "../../../src/store/open-object-store.ts";
import { realClock } from "../../../src/util/clock.ts";

test("a store whose metadata fails at the end closes its drives all the same", async () => {
  const disk = new SimDrive({ seed: 1 });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  const drive = await openLocalDrive({ disk, driveId });
  const metadata = openMemoryMetadata();
  metadata.endIncarnation = () => Promise.reject(new Error("gone"));
  const codec = createReedSolomonCodec();
  const engines = { metadata, drives: [drive], codec, clock: realClock, clusterId: "cluster" };
  const store = await openObjectStore(engines);
  await expect(store.close()).rejects.toThrow("gone");
  await expect(drive.space()).rejects.toThrow("closed");
});
