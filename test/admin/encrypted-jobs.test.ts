// Verification and compaction on a real server whose objects are encrypted, noncurrent versions and parts among them: they
// need no key, find nothing wrong, find what is wrong, and move bytes that open afterwards.

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { expect, onTestFinished, test } from "vitest";
import { linesOfAnswer, startAdmin, type AdminLab } from "../support/admin-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const Bucket = "sealed-jobs";
const CUSTOMER = {
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: Buffer.alloc(32, "key ").toString("base64"),
};
const MANAGED = { ServerSideEncryption: "AES256" } as const;

interface Lab extends AdminLab {
  readonly client: S3Client;
  readonly folder: string;
}

async function givenServer(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-admin-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const lab = await startAdmin({ dir: folder, masterKey: "5eed".repeat(16) });
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket }));
  return { ...lab, client, folder };
}

function bytesOf(seed: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, createHash("sha512").update(seed).digest());
}

const put = ({ client }: Lab, Key: string, sizeBytes: number, more: object) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: bytesOf(Key, sizeBytes), ...more }));

async function run({ send }: Lab, path: string, query: object) {
  const answer = await send({ method: "POST", path, body: JSON.stringify(query) });
  return linesOfAnswer(answer).at(-1) as Readonly<Record<string, unknown>>;
}

function countOf(findings: unknown): number {
  return Object.values(findings as Readonly<Record<string, number>>).reduce((a, b) => a + b, 0);
}

test("all is well with encrypted objects, versions and parts, before compaction and after", async () => {
  const lab = await givenServer();
  const { client } = lab;
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  for (const more of [MANAGED, CUSTOMER]) {
    for (const size of [500, 40_000, 2_000_000]) {
      const key = `twice-${size}`;
      await put(lab, key, size, more);
    }
    const Body = bytesOf("upload", 6_000_000);
    await new Upload({ client, params: { Bucket, Key: "upload", Body, ...more } }).done();
  }
  for (let index = 0; index < 16; index += 1) {
    await put(lab, `packed-${index}`, 30_000 + index, index % 2 === 0 ? MANAGED : CUSTOMER);
  }
  const verified = await run(lab, "/v1/verify", {});
  expect(countOf(verified["findings"])).toBe(0);
  expect(verified).toMatchObject({ objects: 24, parts: 4 });

  const { Versions } = await client.send(
    new ListObjectVersionsCommand({ Bucket, Prefix: "packed" }),
  );
  for (const { Key, VersionId } of (Versions ?? []).slice(0, 8)) {
    await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  }
  const compacted = await run(lab, "/v1/compact", { all: true });
  expect(compacted).toMatchObject({ type: "report", unreadableCount: 0 });
  expect(compacted["movedCount"]).toBeGreaterThanOrEqual(8);
  const again = await run(lab, "/v1/verify", {});
  expect(countOf(again["findings"])).toBe(0);

  for (const { Key = "" } of (Versions ?? []).slice(8)) {
    const index = Number(Key.slice("packed-".length));
    const more = index % 2 === 0 ? {} : CUSTOMER;
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
    const found = Buffer.from((await Body?.transformToByteArray()) ?? []);
    expect(found.equals(bytesOf(Key, 30_000 + index)), Key).toBe(true);
  }
});

test("a flipped bit of an encrypted object is found without its key, and never reaches a client", async () => {
  const lab = await givenServer();
  await put(lab, "key", 2_000_000, CUSTOMER);
  const files = await readdir(lab.folder, { recursive: true, withFileTypes: true });
  const shards = files.filter((entry) => entry.isFile() && /^[0-9a-f]{32}\.0$/.test(entry.name));
  for (const { parentPath, name } of shards) {
    const path = join(parentPath, name);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(20_000) ^ 4, 20_000);
    await writeFile(path, bytes);
  }
  expect(shards).toHaveLength(1);
  const report = await run(lab, "/v1/verify", {});
  expect(report["findings"]).toMatchObject({ "below-redundancy": 1 });
  const { Body } = await lab.client.send(new GetObjectCommand({ Bucket, Key: "key", ...CUSTOMER }));
  const found = Buffer.from((await Body?.transformToByteArray()) ?? []);
  expect(found.equals(bytesOf("key", 2_000_000))).toBe(true);
});
