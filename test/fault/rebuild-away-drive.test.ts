// A drive that was away while the metadata was put back as it was at a time: when it is back, its old journal, of a later
// epoch than that of the new chain would be, does not take over.

import { mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const FREE = ["--port", "0", "--admin-port", "none", "--supervisor", "off"];
const keys = { accessKey: "operator", secretKey: "operator-secret" };
const env = { KINTSUGI_ACCESS_KEY: keys.accessKey, KINTSUGI_SECRET_KEY: keys.secretKey };
const Bucket = "restored";

async function givenServer(folder: string) {
  const server = startProcess(["server", folder, ...FREE], { env });
  return { server, client: sdkClientOf(await server.ready(), keys) };
}

async function textOf(client: S3Client, Key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
}

test("a drive that was away during a restore does not bring back what was before", async () => {
  const folder = await givenFolder();
  const elsewhere = await mkdtemp(join(folder, "..", "kintsugi-away-"));
  const first = await givenServer(folder);
  try {
    await first.client.send(new CreateBucketCommand({ Bucket }));
    await first.client.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "before" }));
    const made = await runProcess(["backup", elsewhere, folder, "--json"], { env });
    const { at } = JSON.parse(made.stdout) as { readonly at: number };
    await first.client.send(new DeleteObjectCommand({ Bucket, Key: "kept" }));
    await first.server.stop();
    // Another epoch.
    const again = await givenServer(folder);
    await again.server.stop();

    const drive = join(folder, "drive-2");
    await rename(drive, join(elsewhere, "drive"));
    const args = ["restore", elsewhere, folder, "--at", new Date(at).toISOString()];
    expect(await runProcess(args, { env })).toMatchObject({ code: 0 });
    const without = await givenServer(folder);
    await without.client.send(new PutObjectCommand({ Bucket, Key: "new", Body: "new" }));
    await without.server.stop();

    await rm(drive, { recursive: true, force: true });
    await rename(join(elsewhere, "drive"), drive);
    const whole = await givenServer(folder);
    expect(await textOf(whole.client, "kept")).toBe("before");
    expect(await textOf(whole.client, "new")).toBe("new");
    await whole.server.stop();
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
});
