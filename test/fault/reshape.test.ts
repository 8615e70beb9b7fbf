// From one drive without parity to six with it, under a server of two workers that goes on serving and is started anew in the
// middle: nothing is unreadable at any moment, and at the end any two drives may be lost.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { AdminClient, type AdminLine } from "../../src/cli/admin-client.ts";
import { reshape } from "../../src/cli/reshape-command.ts";
import { commandScreen } from "../support/command-screen.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { givenWorkers, KEYS, type SeveralWorkers } from "../support/several-workers.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";
import { until } from "../support/until.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const Bucket = "bucket";
const SIZES = [1, 40 * KIB, 300 * KIB, 2 * MIB + 5];
const LIMIT_MS = 90_000;
const ENV = { KINTSUGI_DRIVES: "1" };

interface Expected {
  readonly Key: string;
  readonly VersionId?: string | undefined;
  readonly digest: string;
}

const adminOf = (lab: SeveralWorkers) =>
  new AdminClient({ endpoint: lab.adminUrl, key: KEYS, isInsecure: false });

async function put(client: S3Client, Key: string, body: Buffer): Promise<Expected> {
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: body }));
  return { Key, VersionId, digest: md5(body) };
}

async function check(client: S3Client, all: readonly Expected[]): Promise<void> {
  for (const { Key, VersionId, digest } of all) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
    expect(md5(bytes), `${Key} ${VersionId}`).toBe(digest);
  }
}

async function givenUpload(client: S3Client, Key: string) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const bodies = [bytesOf(5 * MIB, 1), bytesOf(60 * KIB, 2)];
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body });
    Parts.push({ PartNumber, ETag: (await client.send(part)).ETag });
  }
  return async (later: S3Client): Promise<Expected> => {
    const done = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    const { VersionId } = await later.send(new CompleteMultipartUploadCommand(done));
    return { Key, VersionId, digest: md5(Buffer.concat(bodies)) };
  };
}

/** Runs the command to its end; what it has printed. */
async function watch(lab: SeveralWorkers): Promise<string> {
  const { context, printed } = commandScreen(lab.adminUrl, KEYS);
  expect(await reshape(context, { dataShards: 4, parityShards: 2 }, true)).toBe(0);
  return printed.at(-1) ?? "";
}

test("one drive becomes six: nothing is unreadable, and any two may be lost at the end", async () => {
  const folder = await givenFolder();
  const others = await givenFolder();
  const added = [2, 3, 4, 5, 6].map((number) => join(others, `drive-${number}`));
  const first = await givenWorkers({ workers: 2, folder, env: ENV });
  const client = sdkClientOf(first.url, KEYS);
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const all: Expected[] = [];
  for (let n = 0; n < 12; n += 1) {
    all.push(await put(client, `key-${n % 8}`, bytesOf(SIZES[n % 4] ?? 0, n)));
  }
  all.push(await (await givenUpload(client, "whole"))(client));
  const completeOpen = await givenUpload(client, "open");

  const turn = async (by: S3Client): Promise<void> => {
    const n = all.length;
    all.push(await put(by, `new-${n}`, bytesOf(SIZES[n % 4] ?? 0, n)));
    await check(by, all);
  };
  const admin = adminOf(first);
  await admin.run("/v1/drives/add", { folders: added }, () => undefined);
  const isIdle = async (): Promise<boolean> => {
    await turn(client);
    return (await phases(admin)).change === "idle";
  };
  await until(LIMIT_MS, "the drives are taken in", isIdle);
  const few = reshape(contextOf(first), { dataShards: 6, parityShards: 2 }, false);
  await expect(few).rejects.toThrow("takes 8 drives, and there are 6");
  await admin.run("/v1/drives/reshape", { dataShards: 4, parityShards: 2 }, () => undefined);
  await turn(client);
  await first.server.stop();

  const second = await givenWorkers({ workers: 2, folder, env: ENV });
  const again = sdkClientOf(second.url, KEYS);
  const watching = watch(second);
  await turn(again);
  expect(await watching).toContain("all sets are cut 4+2");
  all.push(await completeOpen(again));
  await turn(again);
  const findings: AdminLine[] = [];
  await adminOf(second).run("/v1/verify", {}, (line) => {
    if (line.type === "finding") findings.push(line);
  });
  expect(findings).toEqual([]);
  const { drives } = (await adminOf(second).get("/v1/drives")) as {
    readonly drives: readonly { readonly isMember: boolean }[];
  };
  expect(drives.filter(({ isMember }) => isMember)).toHaveLength(5);
  await second.server.stop();

  // The first drive is one of them: it held the database, and is the one that starts have named so far.
  for (const lost of [folder, added[3] ?? ""]) await rm(lost, { recursive: true });
  const third = await givenWorkers({ workers: 2, folder: added[0] ?? "" });
  await check(sdkClientOf(third.url, KEYS), all);
}, 240_000);

function contextOf(lab: SeveralWorkers): Parameters<typeof reshape>[0] {
  return commandScreen(lab.adminUrl, KEYS).context;
}

async function phases(admin: AdminClient): Promise<{ readonly change: string }> {
  const answer = (await admin.get("/v1/drives")) as { readonly change: { phase: string } };
  return { change: answer.change.phase };
}
