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
import { SideDrives, type PlaceOpener } from "../../../src/wiring/side-drives.ts";

/** A folder that is a drive. */
async function givenDrive(driveId: DriveId): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "side-drives-")), "drive-7");
  onTestFinished(() => rm(join(path, ".."), { recursive: true }));
  await layOut(path, driveId);
  return path;
}

async function layOut(path: string, driveId: DriveId): Promise<void> {
  const slots = [{ driveId, wasMountPoint: false }];
  const disk = openRealDisk({ root: path, deadlineMs: 1_000, maxInFlight: 1 });
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
}

/** What a store does with drives, of those that a layout names. */
function givenStore(named: ReadonlySet<DriveId>) {
  const taken = new Map<DriveId, ShardStore>();
  const said: string[] = [];
  const attachDrive = (drive: ShardStore): boolean => {
    if (!named.has(drive.driveId) || taken.has(drive.driveId)) return false;
    taken.set(drive.driveId, drive);
    return true;
  };
  const store = {
    attachDrive,
    swapDrive: async (drive: ShardStore) => {
      said.push("swapped");
      taken.set(drive.driveId, drive);
      return true;
    },
    dropDrive: async (driveId: DriveId) => {
      said.push("dropped");
      taken.delete(driveId);
    },
    notePlaces: (places: ReadonlyMap<DriveId, string>) => {
      said.push(`at ${[...places.values()].join()}`);
    },
    sealOpenPack: async () => void said.push("sealed"),
    detachDrives: async () => undefined,
    driveCalls: () => new Map([...taken.keys()].map((id) => [id, {} as never])),
    refreshLayouts: async () => undefined,
  };
  return { store, taken, said };
}

const openFolders: PlaceOpener = {
  open: (wanted) => openDrivesBeside(wanted, "local"),
  retain: async () => undefined,
};

test("a drive that was opened before a layout named it is taken on once one does", async () => {
  const driveId = newDriveId();
  const path = await givenDrive(driveId);
  const named = new Set<DriveId>();
  const { store, taken } = givenStore(named);
  const refreshLayouts = async () => void named.add(driveId);
  const places = [{ driveId, path }];
  const opened = await openDrivesBeside(places, "local");
  const drives = new SideDrives({ ...store, refreshLayouts }, openFolders, { places, opened });
  await drives.attach();
  expect(taken.size).toBe(0);
  await drives.refresh(places);
  expect([...taken.keys()]).toEqual([driveId]);
});

test("a drive whose new folder cannot be opened is used no more at its old one, before that is said", async () => {
  const driveId = newDriveId();
  const path = await givenDrive(driveId);
  const { store, taken, said } = givenStore(new Set([driveId]));
  const drives = new SideDrives(store, openFolders, { places: [{ driveId, path }], opened: [] });
  await drives.refresh([]);
  expect(taken.size).toBe(1);
  const next = join(path, "..", "other");
  await drives.refresh([{ driveId, path: next }]);
  expect(taken.size).toBe(0);
  await layOut(next, driveId);
  await drives.attach();
  expect(taken.size).toBe(1);
  expect(said).toEqual([`at ${path}`, "dropped", "sealed", `at ${next}`]);
  await drives.refresh([{ driveId, path }]);
  expect(said.slice(4)).toEqual(["swapped", "sealed", `at ${path}`]);
});
