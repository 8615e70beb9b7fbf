// Real servers heal themselves: a drive that is emptied, while they are stopped or while they run, has all that it held
// again without a command; `verify` is clean then, and any two other drives may go. The command shows it.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { showStatus, verify } from "../../src/cli/admin-commands.ts";
import { heal } from "../../src/cli/heal-command.ts";
import { commandScreen, type CommandScreen } from "../support/command-screen.ts";
import { startAdmin, type AdminLab } from "../support/admin-server.ts";
import { atEnd } from "../support/at-end.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";
import { until } from "../support/until.ts";

const Bucket = "healed";
const KIB = 1024;
/** Inline, packed, and sets of their own. */
const SIZES = [100, 40 * KIB, 900 * KIB, 1_200 * KIB, 5_000 * KIB];
const HEAL_MS_MAX = 60_000;
const LOGIN = { accessKey: "operator", secretKey: "operator-secret" };

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-heal-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(dir: string): Promise<{ readonly lab: AdminLab; readonly client: S3Client }> {
  const lab = await startAdmin({ dir, ...LOGIN });
  return { lab, client: sdkClientOf(lab.server.endpoint, LOGIN) };
}

async function fill(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const [seed, size] of SIZES.entries()) {
    const Key = `key-${size}`;
    await client.send(new PutObjectCommand({ Bucket, Key, Body: bytesOf(size, seed) }));
  }
  await client.send(new PutObjectCommand({ Bucket, Key: "gone", Body: bytesOf(50 * KIB, 9) }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "gone" }));
}

async function expectAll(client: S3Client): Promise<void> {
  for (const [seed, size] of SIZES.entries()) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: `key-${size}` }));
    const bytes = await Body?.transformToByteArray();
    expect(md5(bytes ?? new Uint8Array(0)), String(size)).toBe(md5(bytesOf(size, seed)));
  }
}

/** A command's context, and what it has printed. */
function shown({ endpoint, keys }: AdminLab): CommandScreen {
  return commandScreen(endpoint, keys);
}

async function shardCount(folder: string, drive: string): Promise<number> {
  const names = await readdir(join(folder, drive, "shards"), { recursive: true }).catch(() => []);
  return names.filter((name) => /\.\d$/.test(name)).length;
}

async function expectHealed(lab: AdminLab): Promise<void> {
  const command = shown(lab);
  await until(HEAL_MS_MAX, "all is whole", async () => {
    return (await heal(shown(lab).context, { isWatch: true, isNow: false })) === 0;
  });
  expect(await heal(command.context, { isWatch: false, isNow: false })).toBe(0);
  expect(command.text()).toMatch(/nothing to repair/);
  // The copy of the metadata on a drive that was laid out anew follows by itself, not always before the last shard.
  await until(HEAL_MS_MAX, "verify finds nothing", async () => {
    return (await verify(shown(lab).context, undefined)) === 0;
  });
}

test("F42 a drive emptied while the server is stopped is filled again, and then two others may go", async () => {
  const folder = await givenFolder();
  const first = await start(folder);
  await fill(first.client);
  await first.lab.server.stop();
  const before = await shardCount(folder, "drive-4");
  await rm(join(folder, "drive-4"), { recursive: true });

  const second = await start(folder);
  await until(HEAL_MS_MAX, "its shards are back", async () => {
    return (await shardCount(folder, "drive-4")) === before;
  });
  await expectHealed(second.lab);
  await expectAll(second.client);
  await second.lab.server.stop();

  for (const drive of ["drive-2", "drive-6"]) await rm(join(folder, drive), { recursive: true });
  const third = await start(folder);
  expect(third.lab.server.endpoint).not.toBe("");
  await expectAll(third.client);
  await expectHealed(third.lab);
});

test("F39 F42 a drive emptied under a running server is laid out anew, and filled again", async () => {
  const folder = await givenFolder();
  const { lab, client } = await start(folder);
  await fill(client);
  const before = await shardCount(folder, "drive-4");
  await rm(join(folder, "drive-4"), { recursive: true });
  // Nothing is written where no drive is: neither is a request refused.
  await expectAll(client);
  await client.send(
    new PutObjectCommand({ Bucket, Key: "meanwhile", Body: bytesOf(2_000 * KIB, 8) }),
  );
  await until(HEAL_MS_MAX, "its shards are back", async () => {
    return (await shardCount(folder, "drive-4")) >= before + 1;
  });
  await client.send(new PutObjectCommand({ Bucket, Key: "later", Body: bytesOf(2_000 * KIB, 7) }));
  // A pack that was open on it is whole once it is sealed.
  await lab.send({ method: "POST", path: "/v1/compact", body: JSON.stringify({ all: true }) });
  await expectHealed(lab);
  await until(HEAL_MS_MAX, "all is well", async () => (await showStatus(shown(lab).context)) === 0);
  await lab.server.stop();

  for (const drive of ["drive-2", "drive-6"]) await rm(join(folder, drive), { recursive: true });
  const again = await start(folder);
  expect(again.lab.server.endpoint).not.toBe("");
  await expectAll(again.client);
});

test("what cannot be repaired is told of, with the reason", async () => {
  const folder = await givenFolder();
  const { lab, client } = await start(folder);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: bytesOf(2_000 * KIB, 1) }));
  for (const drive of ["drive-2", "drive-3", "drive-4"]) {
    const shards = join(folder, drive, "shards");
    const names = await readdir(shards, { recursive: true });
    for (const name of names) if (/\.\d$/.test(name)) await rm(join(shards, name));
  }
  expect(await verify(shown(lab).context, undefined)).toBe(1);
  await lab.send({ method: "POST", path: "/v1/heal", body: JSON.stringify({ unthrottled: true }) });
  const command = shown(lab);
  await until(HEAL_MS_MAX, "it is told of", async () => {
    await heal(command.context, { isWatch: false, isNow: false });
    return /cannot be repaired now\n.*fewer good shards|too few/.test(command.text());
  });
  expect(await heal(command.context, { isWatch: true, isNow: true })).toBe(1);
  const page = await lab.send({ path: "/metrics" });
  expect(page.body).toMatch(/kintsugi_repair_failing_sets 1/);
  expect((await lab.send({ path: "/v1/heal", keys: lab.otherKeys })).status).toBe(403);
});
