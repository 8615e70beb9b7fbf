// `kintsugi rebuild`, `backup` and `restore` with the command itself: a server loses its database, the members' journals and
// their snapshots, and has its objects again; a backup made beside a running server brings back what was changed after it.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import type { RebuildReport } from "../../src/cli/rebuild-report.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { bytesOf } from "../support/store-lab.ts";

const FREE = ["--port", "0", "--admin-port", "none", "--supervisor", "off"];
const keys = { accessKey: "operator", secretKey: "operator-secret" };
const env = { KINTSUGI_ACCESS_KEY: keys.accessKey, KINTSUGI_SECRET_KEY: keys.secretKey };
const Bucket = "rebuilt";
const MIB = 1024 * 1024;

async function givenServer(folder: string, more: readonly string[] = [], extra = {}) {
  const server = startProcess(["server", folder, ...FREE, ...more], { env: { ...env, ...extra } });
  return { server, client: sdkClientOf(await server.ready(), keys) };
}

async function bodyOf(client: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function putParts(client: S3Client, Key: string, bodies: readonly Buffer[]): Promise<void> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ContentType: "video/mp4" }),
  );
  const Parts = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const part = { Bucket, Key, UploadId, PartNumber, Body };
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part));
    Parts.push({ PartNumber, ETag, ChecksumCRC32 });
  }
  const MultipartUpload = { Parts };
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
}

/** The database, the members' copies, and their snapshots. */
async function loseMetadata(folder: string): Promise<void> {
  for (const drive of await readdir(folder)) {
    await rm(join(folder, drive, "metadata"), { recursive: true, force: true });
    await rm(join(folder, drive, "journal"), { recursive: true, force: true });
  }
}

test("F42 F77 a server that has lost all its metadata has its objects again after a rebuild", async () => {
  const folder = await givenFolder();
  const first = await givenServer(folder);
  await first.client.send(new CreateBucketCommand({ Bucket }));
  const sizes = { packed: 40_000, large: 3 * MIB } as const;
  for (const [index, [Key, size]] of Object.entries(sizes).entries()) {
    const Body = bytesOf(size, index);
    const Metadata = { of: Key };
    const put = { Bucket, Key, Body, Metadata, ContentType: "image/png" };
    await first.client.send(new PutObjectCommand(put));
  }
  const bodies = [bytesOf(5 * MIB, 7), bytesOf(1_000, 8)];
  await putParts(first.client, "parts", bodies);

  const refused = await runProcess(["rebuild", folder], { env });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/in use by another process: stop the server first/);
  await first.server.stop();

  const idle = await runProcess(["rebuild", folder, "--json"], { env });
  expect(JSON.parse(idle.stdout)).toMatchObject({ isPlaced: false, isBaseWhole: true, objects: 0 });
  await loseMetadata(folder);
  const dry = await runProcess(["rebuild", folder, "--dry-run", "--json"], { env });
  expect(JSON.parse(dry.stdout)).toMatchObject({ base: "none", isPlaced: false, objects: 3 });
  const done = await runProcess(["rebuild", folder, "--json"], { env });
  expect(done).toMatchObject({ code: 0 });
  const report = JSON.parse(done.stdout) as RebuildReport;
  expect(report).toMatchObject({ isPlaced: true, objects: 3, multipart: 1, lost: 0, damaged: 0 });

  const second = await givenServer(folder);
  expect((await bodyOf(second.client, "packed")).equals(bytesOf(sizes.packed, 0))).toBe(true);
  expect((await bodyOf(second.client, "large")).equals(bytesOf(sizes.large, 1))).toBe(true);
  expect((await bodyOf(second.client, "parts")).equals(Buffer.concat(bodies))).toBe(true);
  const head = await second.client.send(new HeadObjectCommand({ Bucket, Key: "packed" }));
  expect(head).toMatchObject({ ContentType: "image/png", Metadata: { of: "packed" } });
  const multipart = await second.client.send(new HeadObjectCommand({ Bucket, Key: "parts" }));
  expect(multipart.ContentType).toBe("video/mp4");
  await second.client.send(new PutObjectCommand({ Bucket, Key: "new", Body: "new" }));
  await second.server.stop();
  const third = await givenServer(folder);
  expect((await bodyOf(third.client, "new")).toString()).toBe("new");
});

test("F78 a backup made beside a running server brings back what was deleted after it, and kept", async () => {
  const folder = await givenFolder();
  const to = await mkdtemp(join(folder, "..", "kintsugi-backup-"));
  // In that haste the trash is emptied within half a second.
  const kept = ["--keep-trash", "1h"];
  const haste = { KINTSUGI_HASTE: "200" };
  const first = await givenServer(folder, kept, haste);
  const large = bytesOf(2 * MIB, 3);
  try {
    await first.client.send(new CreateBucketCommand({ Bucket }));
    await first.client.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "before" }));
    await first.client.send(new PutObjectCommand({ Bucket, Key: "large", Body: large }));
    const made = await runProcess(["backup", to, folder, "--json"], { env });
    expect(made).toMatchObject({ code: 0 });
    const { at } = JSON.parse(made.stdout) as { readonly at: number };
    await first.client.send(new PutObjectCommand({ Bucket, Key: "later", Body: "later" }));
    await first.client.send(new DeleteObjectCommand({ Bucket, Key: "kept" }));
    await first.client.send(new DeleteObjectCommand({ Bucket, Key: "large" }));
    await first.server.stop();

    // To the end of the chain: nothing is lost, and the members go on with it.
    const whole = await runProcess(["restore", to, folder, "--json"], { env });
    expect(whole).toMatchObject({ code: 0 });
    expect(JSON.parse(whole.stdout)).toMatchObject({ isEnd: true, gone: 0 });
    const second = await givenServer(folder, kept, haste);
    expect((await bodyOf(second.client, "later")).toString()).toBe("later");
    await expect(bodyOf(second.client, "kept")).rejects.toMatchObject({ name: "NoSuchKey" });
    await second.server.stop();

    const args = ["restore", to, folder, "--json", "--at", new Date(at).toISOString()];
    const back = await runProcess(args, { env });
    expect(back).toMatchObject({ code: 0 });
    expect(JSON.parse(back.stdout)).toMatchObject({ isEnd: false, gone: 0 });
    const third = await givenServer(folder);
    expect((await bodyOf(third.client, "kept")).toString()).toBe("before");
    expect((await bodyOf(third.client, "large")).equals(large)).toBe(true);
    await expect(bodyOf(third.client, "later")).rejects.toMatchObject({ name: "NoSuchKey" });
    await third.server.stop();

    const other = await givenFolder();
    const foreign = await givenServer(other);
    await foreign.server.stop();
    const wrong = await runProcess(["restore", to, other], { env });
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.stderr).toMatch(/backup of another cluster.*Nothing was changed/);
  } finally {
    await rm(to, { recursive: true, force: true });
  }
});
