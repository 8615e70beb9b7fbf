// A drive was away, a blank one was filled in its stead, and now the former is back: it lacks what was written meanwhile,
// and no note says so, for the other one had it. And one whose file system takes no writes any more.

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { openEmbedded } from "../../src/server.ts";
import { realClock } from "../../src/util/clock.ts";
import { atEnd } from "../support/at-end.ts";
import { EMBEDDED } from "../support/embedded.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";
import { until } from "../support/until.ts";

const Bucket = "returned";
const MIB = 1024 * 1024;
/** A set of its own each. */
const SIZE = 2 * MIB;
const MS_MAX = 60_000;
const KEYS = { accessKey: "operator", secretKey: "operator-secret" };

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-returned-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(...folders: readonly string[]) {
  const server = await openEmbedded({ ...EMBEDDED, folders, keys: KEYS, clock: realClock });
  let isOpen = true;
  const stop = async (): Promise<void> => {
    if (isOpen) await server.close();
    isOpen = false;
  };
  atEnd(stop);
  return { server, stop, client: sdkClientOf(server.endpoint, KEYS) };
}

const put = (client: S3Client, Key: string, seed: number) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: bytesOf(SIZE, seed) }));

async function expectObject(client: S3Client, Key: string, seed: number): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  expect(md5(bytes), Key).toBe(md5(bytesOf(SIZE, seed)));
}

async function shardsOn(drive: string): Promise<readonly string[]> {
  const names = await readdir(join(drive, "shards"), { recursive: true }).catch(() => []);
  return names.filter((name) => /\.\d$/.test(name)).toSorted();
}

test("F40 a drive that comes back after another was filled in its stead is looked through, too", async () => {
  const base = await givenFolder();
  const [folder, former] = [join(base, "data"), join(base, "former")];
  await mkdir(folder);
  const drive = join(folder, "drive-5");
  const first = await start(folder);
  await first.client.send(new CreateBucketCommand({ Bucket }));
  await put(first.client, "before", 1);
  await first.stop();
  await rename(drive, former);

  const second = await start(folder);
  await until(MS_MAX, "it is filled", async () => (await shardsOn(drive)).length === 1);
  await put(second.client, "meanwhile", 2);
  const all = await shardsOn(drive);
  expect(all.length).toBe(2);
  await second.stop();
  await rm(drive, { recursive: true });
  await rename(former, drive);

  const third = await start(folder);
  await until(MS_MAX, "it has all again", async () => (await shardsOn(drive)).length === 2);
  expect(await shardsOn(drive)).toEqual(all);
  await expectObject(third.client, "before", 1);
  await expectObject(third.client, "meanwhile", 2);
});

test("F44 the database is made anew elsewhere where its drive takes no writes any more", async (context) => {
  const base = await givenFolder();
  const folders = [1, 2, 3, 4].map((number) => join(base, `drive-${number}`));
  for (const folder of folders) await mkdir(folder);
  const [home = ""] = folders;
  if (!mountSmallDisk(home, 64 * MIB)) {
    context.skip("only root may mount");
    return;
  }
  const first = await start(...folders);
  await first.client.send(new CreateBucketCommand({ Bucket }));
  await put(first.client, "before", 1);
  await first.stop();
  expect(await readdir(join(home, "metadata"))).toContain("metadata.db");
  expect(spawnSync("mount", ["-o", "remount,ro", home]).status).toBe(0);

  const second = await start(...folders);
  await expectObject(second.client, "before", 1);
  await put(second.client, "after", 2);
  await expectObject(second.client, "after", 2);
});
