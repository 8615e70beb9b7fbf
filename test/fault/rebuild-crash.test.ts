// `kintsugi rebuild` and `backup` killed at each named moment, also while their result is put in place: the old state is there
// or the new one, the next run completes it, and nothing is left over of the one that was killed.

import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, expect, test } from "vitest";
import { makeBackup } from "../../src/backup/backup-files.ts";
import type { RebuildReport } from "../../src/cli/rebuild-report.ts";
import { openForReading } from "../../src/metadata/sqlite/open-database.ts";
import { finishPlacing } from "../../src/wiring/place-metadata.ts";
import { newDriveId } from "../../src/datanode/drive-identity.ts";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { bytesOf } from "../support/store-lab.ts";

const FREE = ["--port", "0", "--admin-port", "none", "--supervisor", "off"];
const keys = { accessKey: "operator", secretKey: "operator-secret" };
const env = { KINTSUGI_ACCESS_KEY: keys.accessKey, KINTSUGI_SECRET_KEY: keys.secretKey };
const Bucket = "rebuilt";
const DRIVES = 6;
const ends: (() => Promise<unknown>)[] = [];
let made: Promise<string> | undefined;

/** A stopped server's folder with one of the members' journals: no copy on the drives alone knows all. Tests take copies. */
function givenStanding(): Promise<string> {
  made ??= makeStanding();
  return made;
}

async function makeStanding(): Promise<string> {
  const folder = join(await givenFolder((end) => ends.push(end)), "data");
  const server = startProcess(["server", folder, ...FREE], { env });
  const client = sdkClientOf(await server.ready(), keys);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: "small" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "packed", Body: bytesOf(40_000, 1) }));
  await server.stop();
  for (const drive of await readdir(folder)) {
    // Not all of them, so that some are to be set aside.
    const isKept = drive === "drive-5" || drive === "drive-6";
    if (!isKept) await rm(join(folder, drive, "journal"), { recursive: true, force: true });
  }
  return folder;
}

async function givenCopy(): Promise<string> {
  const folder = join(await givenFolder(), "data");
  await cp(await givenStanding(), folder, { recursive: true });
  return folder;
}

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

function metadataOf(folder: string): string {
  return join(folder, "drive-1", "metadata");
}

function keysIn(folder: string): readonly string[] {
  const database = openForReading(join(metadataOf(folder), "metadata.db"));
  try {
    return database.prepare<[], string>("select key from objects order by key").pluck().all();
  } finally {
    database.close();
  }
}

async function expectTidy(folder: string): Promise<void> {
  const names = await readdir(metadataOf(folder));
  const left = names.filter(
    (name) => !/^(lock.*|metadata\.db(\.aside-\d+)?(-wal|-shm)?)$/.test(name),
  );
  expect(left).toEqual([]);
}

async function killed(args: readonly string[], point: CrashPoint): Promise<void> {
  const { code } = await runProcess(args, { env: { ...env, KINTSUGI_CRASH_AT: `${point}:1` } });
  expect(code, `it dies at ${point}`).toBeNull();
}

test.each<[CrashPoint, boolean]>([
  ["rebuild.drafted", false],
  ["rebuild.noted", true],
  ["rebuild.aside", true],
  ["rebuild.placed", true],
  ["rebuild.some-journals", true],
])("a rebuild killed at %s is completed by the next run", async (point, isBegun) => {
  const folder = await givenCopy();
  const args = ["rebuild", folder, "--accept-loss", "on", "--json"];
  await killed(args, point);

  const again = await runProcess(args, { env });
  expect(again, again.stderr).toMatchObject({ code: 0 });
  const report = JSON.parse(again.stdout) as RebuildReport;
  expect(report.remarks.some((words) => /was interrupted/.test(words))).toBe(isBegun);
  expect(keysIn(folder)).toEqual(["packed", "small"]);
  await expectTidy(folder);
  for (let n = 1; n <= DRIVES; n += 1) {
    expect(await readdir(join(folder, `drive-${n}`))).not.toContain("journal");
  }
});

test("a start completes what a killed rebuild has begun, and serves the new state", async () => {
  const folder = await givenCopy();
  await killed(["rebuild", folder], "rebuild.aside");
  expect(await readdir(metadataOf(folder))).not.toContain("metadata.db");
  const server = startProcess(["server", folder, ...FREE], { env });
  await server.ready();
  expect(server.output).toMatch(/was interrupted/);
  await server.stop();
  expect(keysIn(folder)).toEqual(["packed", "small"]);
  await expectTidy(folder);
});

test("a note that cannot be read is refused in words, and nothing is changed", async () => {
  const folder = await givenFolder();
  const path = join(folder, "drive-1");
  await mkdir(metadataOf(folder), { recursive: true });
  await cp(
    join(await givenStanding(), "drive-1", "kintsugi.json"),
    join(metadataOf(folder), "placing.json"),
  );
  const finishing = finishPlacing([{ driveId: newDriveId(), path }]);
  await expect(finishing).rejects.toThrow(/placing.json cannot be read/);
  expect(await readdir(metadataOf(folder))).toEqual(["placing.json"]);
});

test.each<CrashPoint>(["backup.described", "backup.begun", "backup.copied"])(
  "a backup killed at %s leaves nothing once the next one is made",
  async (point) => {
    const to = join(await givenFolder(), "backups");
    const standing = await givenStanding();
    await killed(["backup", to, standing], point);
    const databasePath = join(metadataOf(standing), "metadata.db");
    const nowMs = Date.now() + 1_000;
    await makeBackup({ databasePath, to, clusterSetting: "cluster.id", nowMs });
    expect((await readdir(to)).map((name) => name.replace(/^.*\./, "")).toSorted()).toEqual([
      "db",
      "json",
    ]);
  },
);
