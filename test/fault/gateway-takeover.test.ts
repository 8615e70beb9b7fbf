// Two gateways on the same data nodes: the later one takes over, the earlier one ends. One that was stopped meanwhile
// (SIGSTOP) commits nothing, deletes nothing and tells nothing of before when it wakes.
// KINTSUGI_TEST_STOP_SECONDS: how long it is stopped at least, by default no longer than the other one takes to start.

import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { Cluster } from "../support/cluster.ts";

const MIB = 1024 * 1024;
const Bucket = "kept";
const STOP_SECONDS = Number(process.env["KINTSUGI_TEST_STOP_SECONDS"] ?? 0);

async function givenCluster(nodeCount: number): Promise<Cluster> {
  const endings: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const end of endings.toReversed()) await end();
  }, 60_000);
  const cluster = await Cluster.start(nodeCount, (end) => endings.push(end));
  await cluster.client.send(new CreateBucketCommand({ Bucket }));
  return cluster;
}

async function put(client: S3Client, Key: string, Body: Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

/** Whether an object has this content: comparing buffers as values takes minutes. */
async function has(client: S3Client, Key: string, content: Buffer): Promise<boolean> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return content.equals((await Body?.transformToByteArray()) ?? new Uint8Array(0));
}

/** The status of an answer; 0 where the connection broke. */
async function statusOf(request: Promise<unknown>): Promise<number> {
  try {
    await request;
    return 200;
  } catch (error) {
    return error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
  }
}

async function shardFiles(cluster: Cluster, nodeCount: number): Promise<readonly string[]> {
  const byNode = await Promise.all(
    Array.from({ length: nodeCount }, (_, index) => cluster.shardFiles(index)),
  );
  return byNode.flat().toSorted();
}

test("F58 a gateway that is stopped while another takes over changes nothing and tells nothing when it wakes", async () => {
  const cluster = await givenCluster(3);
  const { client: first, gateway } = cluster;
  const small = randomBytes(1_000);
  const large = randomBytes(2 * MIB);
  await put(first, "overwritten", small);
  await put(first, "overwritten-large", large);
  await put(first, "deleted", small);
  await put(first, "kept", large);
  // Its shards wait in the trash of the first gateway.
  await put(first, "trashed", large);
  await first.send(new DeleteObjectCommand({ Bucket, Key: "trashed" }));
  const stoppedAt = performance.now();
  gateway.signalAll("SIGSTOP");

  await cluster.startGateway("second");
  const { client: second } = cluster;
  expect(await has(second, "overwritten", small)).toBe(true);
  const [newSmall, newLarge] = [randomBytes(2_000), randomBytes(3 * MIB)];
  await put(second, "overwritten", newSmall);
  await put(second, "overwritten-large", newLarge);
  await second.send(new DeleteObjectCommand({ Bucket, Key: "deleted" }));

  const woken = await cluster.clientOf(gateway);
  const requests = [
    put(woken, "too-late", small),
    put(woken, "too-late-large", large),
    put(woken, "overwritten", small),
    woken.send(new DeleteObjectCommand({ Bucket, Key: "kept" })),
    has(woken, "overwritten", small),
    has(woken, "deleted", small),
    woken.send(new HeadObjectCommand({ Bucket, Key: "overwritten" })),
    woken.send(new ListObjectsV2Command({ Bucket })),
  ].map(statusOf);
  await setTimeout(Math.max(0, STOP_SECONDS * 1_000 - (performance.now() - stoppedAt)));
  const before = await shardFiles(cluster, 3);
  gateway.signalAll("SIGCONT");
  const { code, stderr } = await gateway.exited();
  expect(code).toBe(1);
  expect(stderr).toMatch(/another gateway has taken over/);
  for (const status of await Promise.all(requests)) expect([0, 503]).toContain(status);

  const after = await shardFiles(cluster, 3);
  expect(before.filter((file) => !after.includes(file))).toEqual([]);
  expect(await has(second, "overwritten", newSmall)).toBe(true);
  expect(await has(second, "overwritten-large", newLarge)).toBe(true);
  expect(await has(second, "kept", large)).toBe(true);
  const { Contents = [] } = await second.send(new ListObjectsV2Command({ Bucket }));
  const names = Contents.map(({ Key }) => Key);
  expect(names).toEqual(["kept", "overwritten", "overwritten-large"]);
  await put(second, "goes-on", large);
}, 300_000);

test("of two gateways that run, the earlier one ends by itself, with words", async () => {
  const cluster = await givenCluster(3);
  const { client: first, gateway } = cluster;
  const content = randomBytes(100_000);
  await put(first, "before", content);
  await cluster.startGateway("second");
  const { code, stderr } = await gateway.exited();
  expect(code).toBe(1);
  expect(stderr).toMatch(/"level":60,.*another gateway has taken over/);
  expect(await has(cluster.client, "before", content)).toBe(true);
  await put(cluster.client, "after", content);
}, 120_000);

test("a gateway that ended in order is not waited for, one that was killed is", async () => {
  const cluster = await givenCluster(3);
  await cluster.gateway.stop("SIGTERM");
  await cluster.startGateway();
  expect(cluster.gateway.output).not.toMatch(/has not ended in order/);
  await cluster.killGateway();
  await cluster.startGateway();
  expect(cluster.gateway.output).toMatch(/has not ended in order/);
}, 120_000);
