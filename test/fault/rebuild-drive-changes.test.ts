// A server whose drives have come and gone, made anew from them, and restored from a backup: everything is readable, on the
// drives that there are now. What is missing of them, or of the chain, is refused in words.

import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { AdminClient } from "../../src/cli/admin-client.ts";
import { changeDrives, type DriveRequest } from "../../src/cli/drive-command.ts";
import { backupCluster, restoreCluster } from "../../src/wiring/backup-cluster.ts";
import { rebuildCluster } from "../../src/wiring/rebuild-cluster.ts";
import { startAdmin, type AdminLab } from "../support/admin-server.ts";
import { atEnd } from "../support/at-end.ts";
import { commandScreen } from "../support/command-screen.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";

const Bucket = "moved";
const KIB = 1024;
const LOGIN = { accessKey: "operator", secretKey: "operator-secret" };
/** Packed, and sets of their own. */
const OBJECTS = Array.from({ length: 10 }, (_, seed) => ({
  Key: `key-${seed}`,
  Body: bytesOf(seed % 2 === 0 ? 40 * KIB : 1_100 * KIB, seed),
}));
const onProgress = (): void => undefined;

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-rebuilt-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function drive({ endpoint, keys }: AdminLab, request: DriveRequest): Promise<void> {
  expect(await changeDrives(commandScreen(endpoint, keys).context, request, true)).toBe(0);
}

async function expectAll(dir: string, objects = OBJECTS): Promise<void> {
  const { server } = await startAdmin({ dir, ...LOGIN });
  const client = sdkClientOf(server.endpoint, LOGIN);
  for (const { Key, Body: expected } of objects) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
    expect(md5(bytes), Key).toBe(md5(expected));
  }
  await server.stop();
}

async function loseMetadata(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    for (const name of ["metadata", "journal"]) {
      await rm(join(path, name), { recursive: true, force: true });
    }
  }
}

test("after a drive was added, and one drained and taken out: rebuild, backup and restore", async () => {
  const [dir, base, to] = [await givenFolder(), await givenFolder(), await givenFolder()];
  const seventh = join(base, "seventh");
  const lab = await startAdmin({ dir, ...LOGIN });
  const client = sdkClientOf(lab.server.endpoint, LOGIN);
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const object of OBJECTS.slice(0, 6)) {
    await client.send(new PutObjectCommand({ Bucket, ...object }));
  }
  const early = await backupCluster({ to, folders: [dir], nowMs: Date.now() - 60_000 });
  await drive(lab, { verb: "add", folders: [seventh] });
  await drive(lab, { verb: "drain", drive: join(dir, "drive-2") });
  await drive(lab, { verb: "remove", drive: "2" });
  for (const object of OBJECTS.slice(6)) {
    await client.send(new PutObjectCommand({ Bucket, ...object }));
  }
  const nowMs = Date.now();
  const later = await backupCluster({ to, folders: [dir], nowMs });
  await lab.server.stop();

  const paths = (await readdir(dir)).map((name) => join(dir, name));
  await loseMetadata([...paths, seventh]);
  const all = { region: "us-east-1", now: () => nowMs, onProgress, isDryRun: false };
  const rebuilt = await rebuildCluster({ folders: [dir], acceptLoss: false, ...all });
  expect(rebuilt).toMatchObject({ objects: OBJECTS.length, drives: 6, lost: 0, damaged: 0 });
  await expectAll(dir);

  // The chain of the backup is no more; what the drives' copies know beyond it is another one.
  const plan = { from: to, folders: [dir], now: () => nowMs + 1, onProgress };
  const restore = (until: number | undefined, acceptLoss = false) =>
    restoreCluster({ ...plan, until, acceptLoss });
  await expect(restore(undefined)).rejects.toThrow(/--at .* restores the backup itself/);
  await expect(restore(early.at)).rejects.toThrow(/drives have come or gone since/);
  await expect(restore(nowMs + 1)).rejects.toThrow(/Nothing was changed/);
  for (const name of ["drive-3", "drive-4", "drive-5"]) {
    await rename(join(dir, name), join(base, name));
  }
  await expect(restore(later.at)).rejects.toThrow(/3 of 6 drives are there/);
  for (const name of ["drive-3", "drive-4", "drive-5"]) {
    await rename(join(base, name), join(dir, name));
  }
  const restored = await restore(later.at);
  expect(restored).toMatchObject({ isEnd: false, gone: 0 });
  await expectAll(dir);
}, 120_000);

test("a time before sets were cut otherwise is not restored", async () => {
  const [dir, to] = [await givenFolder(), await givenFolder()];
  const { endpoint, keys, server } = await startAdmin({ dir, ...LOGIN });
  await sdkClientOf(server.endpoint, LOGIN).send(new CreateBucketCommand({ Bucket }));
  const early = await backupCluster({ to, folders: [dir], nowMs: Date.now() - 60_000 });
  const client = new AdminClient({ endpoint, key: keys, isInsecure: false });
  await client.run("/v1/drives/reshape", { dataShards: 3, parityShards: 3 }, () => undefined);
  await server.stop();
  const plan = { from: to, folders: [dir], acceptLoss: false, now: Date.now, onProgress };
  await expect(restoreCluster({ ...plan, until: early.at })).rejects.toThrow(/cut otherwise/);
  await expectAll(dir, []);
});
