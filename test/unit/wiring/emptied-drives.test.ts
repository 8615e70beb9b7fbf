// Drive folders that are emptied while in use: what is laid out anew, what is left alone, and that a walk begins for what was.

import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  formatDrive,
  newDriveId,
  readIdentity,
  type DriveIdentity,
} from "../../../src/datanode/drive-identity.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import type { RenewedDrive } from "../../../src/repair/renewed-drives.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { watchEmptiedDrives } from "../../../src/wiring/emptied-drives.ts";
import { atEnd } from "../../support/at-end.ts";
import { until } from "../../support/until.ts";

const OTHER_DISK = "/dev/shm";
const MS_MAX = 20_000;

const diskAt = (root: string) => openRealDisk({ root, deadlineMs: 10_000, maxInFlight: 1 });

async function givenFolder(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, "kintsugi-emptied-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Six drives in a folder each, of which the first holds the database. */
async function givenWatch(lockAnew: () => Promise<void> = () => Promise.resolve()) {
  const folder = await givenFolder();
  const slots = Array.from({ length: 6 }, () => ({ driveId: newDriveId(), wasMountPoint: false }));
  const identities = slots.map(({ driveId }, slot): DriveIdentity => {
    return { clusterId: "cluster", driveId, slot, slots, createdAt: 1 };
  });
  const places = slots.map(({ driveId }, slot) => {
    return { driveId, path: join(folder, `above-${slot}`, "drive") };
  });
  for (const [slot, { path }] of places.entries()) {
    await mkdir(path, { recursive: true });
    const identity = identities[slot];
    if (identity !== undefined) await formatDrive(diskAt(path), identity);
  }
  const [home, drive] = places;
  const identity = identities[1];
  if (home === undefined || drive === undefined || identity === undefined) throw new Error("none");
  const told: string[] = [];
  const renewed: RenewedDrive[] = [];
  const logger = { ...silentLogger, warn: (fields: unknown) => told.push(JSON.stringify(fields)) };
  const watch = watchEmptiedDrives({
    clusterId: "cluster",
    places,
    slots,
    changes: undefined,
    home,
    parityShards: 2,
    lockAnew,
    logger,
    everyMs: 10,
  });
  atEnd(() => watch.close());
  watch.onRenewed(async (each) => void renewed.push(each));
  return { drive, identity, renewed, told, path: drive.path };
}

const untilRenewed = ({ renewed }: { readonly renewed: readonly RenewedDrive[] }) =>
  until(MS_MAX, "it is taken on", async () => renewed.length > 0);

test("F42 an emptied drive is laid out anew and walked, also where taking it on fails at first", async () => {
  let tries = 0;
  const lab = await givenWatch(async () => {
    tries += 1;
    if (tries < 3) throw new Error("its lock is held");
  });
  await rm(lab.path, { recursive: true });
  await untilRenewed(lab);
  const found = await readIdentity(diskAt(lab.path));
  expect(lab.renewed).toEqual([{ driveId: lab.drive.driveId, createdAt: found?.createdAt }]);
  expect(tries).toBe(3);
});

test("F42 a drive that somebody else has laid out anew is walked", async () => {
  const lab = await givenWatch();
  // It has been looked at before.
  await until(MS_MAX, "a look", async () => {
    await rm(lab.path, { recursive: true, force: true });
    await mkdir(lab.path);
    await formatDrive(diskAt(lab.path), { ...lab.identity, createdAt: Date.now() });
    return lab.renewed.length > 0;
  });
  expect(lab.renewed[0]).toMatchObject({ driveId: lab.drive.driveId });
});

test("F39 nothing is written where what a drive lay in is another disk now", async ({ skip }) => {
  const isThere = await stat(OTHER_DISK).catch(() => undefined);
  if (isThere === undefined || isThere.dev === (await stat(tmpdir())).dev) skip();
  const lab = await givenWatch();
  const above = join(lab.path, "..");
  const other = await givenFolder(OTHER_DISK);
  await rename(above, `${above}-away`);
  await symlink(other, above);
  await until(MS_MAX, "it is told of", async () => lab.told.join().includes("mount is missing"));
  expect(await readdir(other)).toEqual([]);
  expect(lab.renewed).toEqual([]);
});
