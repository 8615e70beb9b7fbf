// Drive folders as the embedded server finds them: in any order, missing, emptied, foreign, of another cluster. What
// does not fit is refused or reported in words, and nothing that holds anything is formatted.

import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { until } from "../support/until.ts";

const FREE_PORT = ["--port", "0"];
const keys = { accessKey: "operator", secretKey: "operator-secret" };
const env = { KINTSUGI_ACCESS_KEY: keys.accessKey, KINTSUGI_SECRET_KEY: keys.secretKey };

async function textOf(client: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
}

test("several folders are a drive each, in any order, and one of them may be missing", async () => {
  const base = await givenFolder();
  const drives = ["a", "b", "c", "d"].map((name) => join(base, name));
  const first = startProcess(["server", ...drives, ...FREE_PORT], { env });
  const client = sdkClientOf(await first.ready(), keys);
  await client.send(new CreateBucketCommand({ Bucket: "drives" }));
  const Body = "d".repeat(1_000_000);
  await client.send(new PutObjectCommand({ Bucket: "drives", Key: "a", Body }));
  await first.stop();

  const fewer = drives.toReversed().filter((drive) => !drive.endsWith("/c"));
  const second = startProcess(["server", ...fewer, ...FREE_PORT], { env });
  const again = sdkClientOf(await second.ready(), keys);
  expect(second.stdout).toMatch(/4, 1 of them away: 2 data \+ 2 parity/);
  expect(await textOf(again, "drives", "a")).toBe(Body);
  await second.stop();

  const one = await runProcess(["server", join(base, "a"), ...FREE_PORT], { env });
  expect(one).toMatchObject({ code: 1 });
  expect(one.stderr).toMatch(/1 of 4 drives are there, and reading takes 2/);
  // Not even the drive that holds the metadata is needed: the others have copies.
  const withoutFirst = startProcess(["server", ...drives.slice(1), ...FREE_PORT], { env });
  expect(await textOf(sdkClientOf(await withoutFirst.ready(), keys), "drives", "a")).toBe(Body);
});

test("F42 an emptied drive folder is laid out anew, and its objects are reconstructed", async () => {
  const folder = await givenFolder();
  const first = startProcess(["server", folder, ...FREE_PORT], { env });
  const client = sdkClientOf(await first.ready(), keys);
  await client.send(new CreateBucketCommand({ Bucket: "emptied" }));
  const Body = "e".repeat(1_000_000);
  await client.send(new PutObjectCommand({ Bucket: "emptied", Key: "a", Body }));
  await first.stop();
  await rm(join(folder, "drive-3"), { recursive: true });
  await rm(join(folder, "drive-5"), { recursive: true });
  await mkdir(join(folder, "drive-5"));

  const second = startProcess(["server", folder, ...FREE_PORT], { env });
  const again = sdkClientOf(await second.ready(), keys);
  expect(second.stdout).toMatch(/drive-3 was empty and is laid out anew as drive 3/);
  expect(await textOf(again, "emptied", "a")).toBe(Body);
  expect(await readdir(join(folder, "drive-5"))).toContain("kintsugi.json");
  expect(second.stdout).toMatch(/drive-3 was laid out at .* is made anew in the background/);
  expect(second.stdout).not.toMatch(/drive-2/);
  // Without a command its shard is made anew.
  const shards = async (): Promise<readonly string[]> =>
    (await readdir(join(folder, "drive-3", "shards"), { recursive: true })).filter((name) =>
      /\.[0-5]$/.test(name),
    );
  await until(30_000, "its shard is made anew", async () => (await shards()).length === 1);
  await second.stop();

  const third = startProcess(["server", folder, ...FREE_PORT], { env });
  await third.ready();
  expect(third.stdout).not.toMatch(/drive-3/);
});

test("more empty drive folders than parity replaces are refused, unless the loss is accepted", async () => {
  const folder = await givenFolder();
  const first = startProcess(["server", folder, ...FREE_PORT], { env });
  const client = sdkClientOf(await first.ready(), keys);
  await client.send(new CreateBucketCommand({ Bucket: "lost" }));
  for (const [Key, size] of [
    ["inline", 100],
    ["shards", 1_000_000],
  ] as const) {
    await client.send(new PutObjectCommand({ Bucket: "lost", Key, Body: "l".repeat(size) }));
  }
  await first.stop();
  const emptied = ["drive-2", "drive-3", "drive-4"].map((name) => join(folder, name));
  for (const drive of emptied) await rm(drive, { recursive: true });

  const refused = await runProcess(["server", folder, ...FREE_PORT], { env });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/3 of 6 drive folders are empty, and parity replaces 2/);
  expect(await readdir(folder)).toEqual(["drive-1", "drive-5", "drive-6"]);

  const args = ["server", folder, "--accept-loss", "on", ...FREE_PORT];
  const accepted = startProcess(args, { env });
  const again = sdkClientOf(await accepted.ready(), keys);
  expect(await textOf(again, "lost", "inline")).toBe("l".repeat(100));
  await expect(textOf(again, "lost", "shards")).rejects.toMatchObject({ name: "InternalError" });
});

test("foreign files and drives of other clusters are refused, and nothing is changed", async () => {
  const base = await givenFolder();
  const foreign = join(base, "foreign");
  await mkdir(join(foreign, "drive-2"), { recursive: true });
  await writeFile(join(foreign, "drive-2", "holiday.jpg"), "x");
  const refused = await runProcess(["server", foreign, ...FREE_PORT]);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/drive-2 holds files \(holiday\.jpg\).*was left alone/s);
  expect(await readdir(foreign)).toEqual(["drive-2"]);

  const [one, two] = [join(base, "one"), join(base, "two")];
  for (const folder of [one, two]) {
    const server = startProcess(["server", folder, "--drives", "3", ...FREE_PORT]);
    await server.ready();
    await server.stop();
  }
  await rm(join(one, "drive-2"), { recursive: true });
  await rename(join(two, "drive-2"), join(one, "drive-2"));
  const mixed = await runProcess(["server", one, ...FREE_PORT]);
  expect(mixed).toMatchObject({ code: 1 });
  expect(mixed.stderr).toMatch(/is a drive of another cluster/);
});

test("another number of drives than was laid out is reported, and not acted upon", async () => {
  const folder = await givenFolder();
  const first = startProcess(["server", folder, "--drives", "3", ...FREE_PORT]);
  await first.ready();
  await first.stop();
  const second = startProcess(["server", folder, "--drives", "6", ...FREE_PORT]);
  await second.ready();
  expect(second.stdout).toMatch(/was laid out with 3 drives, not 6: it stays so/);
  expect(await readdir(folder)).toHaveLength(3);
});
