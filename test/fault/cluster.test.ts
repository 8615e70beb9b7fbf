// A gateway and six node processes: what the loss of nodes, and damage to their shards, does to clients. Every test
// starts with all nodes there. Set KINTSUGI_TEST_SEED to repeat a run's damage.

import { randomBytes, randomInt } from "node:crypto";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { Cluster } from "../support/cluster.ts";

const MIB = 1024 * 1024;
const NODE_COUNT = 6;
const Bucket = "kept";
const seed = Number(process.env["KINTSUGI_TEST_SEED"] ?? randomInt(2 ** 31));
const random = seededRandom(seed);

/** In an order in which each pair has a node in common with the one before. */
const PAIRS = [
  [0, 1],
  [0, 2],
  [0, 3],
  [0, 4],
  [0, 5],
  [1, 5],
  [1, 4],
  [1, 3],
  [1, 2],
  [2, 3],
  [2, 4],
  [2, 5],
  [3, 5],
  [3, 4],
  [4, 5],
] as const;

const endings: (() => Promise<unknown>)[] = [];
const objects = new Map<string, Buffer>();
let cluster: Cluster;

beforeAll(async () => {
  console.log(`cluster test: KINTSUGI_TEST_SEED=${seed}`);
  cluster = await Cluster.start(NODE_COUNT, (end) => endings.push(end));
  await cluster.client.send(new CreateBucketCommand({ Bucket }));
  for (const sizeBytes of [1, 5_000, 20_000, 100_000, MIB + 1, 9 * MIB + 12_345]) {
    await put(`object-${sizeBytes}`, randomBytes(sizeBytes));
  }
  await putInParts("in-parts", [randomBytes(5 * MIB), randomBytes(MIB)]);
}, 60_000);

// One test that fails must not fail those after it.
beforeEach(async () => {
  await cluster.heal();
  await untilWhole();
}, 60_000);

afterAll(async () => {
  for (const end of endings.toReversed()) await end();
});

async function put(Key: string, Body: Buffer): Promise<void> {
  await cluster.client.send(new PutObjectCommand({ Bucket, Key, Body }));
  objects.set(Key, Body);
}

async function putInParts(Key: string, parts: readonly Buffer[]): Promise<void> {
  const { client } = cluster;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
  for (const [index, Body] of parts.entries()) {
    const part = { Bucket, Key, UploadId, Body, PartNumber: index + 1 };
    const { ETag } = await client.send(new UploadPartCommand(part));
    Parts.push({ ETag, PartNumber: part.PartNumber });
  }
  const MultipartUpload = { Parts };
  const whole = { Bucket, Key, UploadId, MultipartUpload };
  await client.send(new CompleteMultipartUploadCommand(whole));
  objects.set(Key, Buffer.concat(parts));
}

async function get(Key: string): Promise<Uint8Array | undefined> {
  const { Body } = await cluster.client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToByteArray();
}

/** The names of objects that do not read back as they were written. */
async function unreadable(): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [key, content] of objects) {
    const bytes = await get(key).catch(() => undefined);
    if (bytes === undefined || !content.equals(bytes)) wrong.push(key);
  }
  return wrong;
}

/** What a request is refused with; undefined when it is not. */
async function refusalOf(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

const putProbe = (sizeBytes = 300_000): Promise<unknown> =>
  cluster.client.send(new PutObjectCommand({ Bucket, Key: "probe", Body: randomBytes(sizeBytes) }));

/** Writes succeed, so the gateway sees all nodes but one at least. */
async function untilWritable(): Promise<void> {
  await expect.poll(() => refusalOf(putProbe()), { timeout: 20_000, interval: 50 }).toBeUndefined();
}

/** The gateway sees every node. */
async function untilWhole(): Promise<void> {
  await expect.poll(allShardsWritten, { timeout: 20_000, interval: 50 }).toBe(NODE_COUNT);
}

/** How many nodes get a shard of an object that is written now. */
async function allShardsWritten(): Promise<number> {
  const before = await shardsByNode();
  // Larger than what shares a pack.
  const refusal = await refusalOf(putProbe(MIB + 1));
  if (refusal !== undefined) return 0;
  const after = await shardsByNode();
  return after.filter((files, index) => files.some((file) => !before[index]?.includes(file)))
    .length;
}

function shardsByNode(): Promise<readonly (readonly string[])[]> {
  return Promise.all(Array.from({ length: NODE_COUNT }, (_, index) => cluster.shardFiles(index)));
}

test("with any two nodes killed every object reads back, and writes get 503; with one, writes go on", async () => {
  let [dead, other]: readonly [number, number] = PAIRS[0];
  await cluster.kill(dead, other);
  for (const pair of PAIRS) {
    const back = [dead, other].find((index) => !pair.some((name) => name === index));
    const gone = pair.find((index) => index !== dead && index !== other);
    if (back !== undefined && gone !== undefined) {
      await cluster.revive(back);
      // One node is away: this is also what shows that writes go on.
      await untilWritable();
      await cluster.kill(gone);
    }
    [dead, other] = pair;
    expect([pair, await unreadable()]).toEqual([pair, []]);
    expect([pair, await refusalOf(putProbe())]).toEqual([pair, "503 ServiceUnavailable"]);
    expect([pair, await refusalOf(putProbe(1_000))]).toEqual([pair, "503 ServiceUnavailable"]);
  }
  await cluster.revive(dead, other);
  await untilWhole();
  expect(await unreadable()).toEqual([]);
}, 120_000);

test("F38 with three nodes killed reads of shards fail clearly, the rest goes on, and all is well when they return", async () => {
  await cluster.kill(1, 3, 5);
  for (const [key, content] of objects) {
    const expected = content.length <= 16 * 1024 ? undefined : "503 ServiceUnavailable";
    expect([key, await refusalOf(get(key))]).toEqual([key, expected]);
    const head = await cluster.client.send(new HeadObjectCommand({ Bucket, Key: key }));
    expect(head.ContentLength).toBe(content.length);
  }
  expect(await refusalOf(putProbe())).toBe("503 ServiceUnavailable");
  const { Contents = [] } = await cluster.client.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents.length).toBeGreaterThanOrEqual(objects.size);
  await cluster.revive(1, 3, 5);
  await untilWhole();
  expect(await unreadable()).toEqual([]);
}, 60_000);

test("an object written while one node is away reads back then, and when it is there again", async () => {
  await cluster.kill(2);
  await put("written-with-five", randomBytes(2 * MIB));
  expect(await unreadable()).toEqual([]);
  await cluster.revive(2);
  await untilWhole();
  expect(await unreadable()).toEqual([]);
  objects.delete("written-with-five");
}, 60_000);

test("a gateway that is killed finds everything again, also while two nodes are away", async () => {
  await cluster.kill(0, 4);
  await cluster.killGateway();
  await cluster.startGateway();
  expect(await unreadable()).toEqual([]);
  expect(await refusalOf(putProbe())).toBe("503 ServiceUnavailable");
  await cluster.revive(0, 4);
  await untilWhole();
}, 60_000);

test("F50 a node that hangs delays nobody for ever: reads and writes go on, and it is used again", async () => {
  cluster.signal(5, "SIGSTOP");
  expect(await unreadable()).toEqual([]);
  expect(await refusalOf(putProbe())).toBeUndefined();
  cluster.signal(4, "SIGSTOP");
  expect(await unreadable()).toEqual([]);
  cluster.signal(5, "SIGCONT");
  cluster.signal(4, "SIGCONT");
  await untilWhole();
  expect(await unreadable()).toEqual([]);
}, 120_000);

type Damage = (file: string) => Promise<void>;

const DAMAGES: readonly (readonly [string, Damage])[] = [
  ["a missing shard", (file) => rm(file)],
  [
    "a truncated shard",
    async (file) => truncate(file, random.below((await readFile(file)).length)),
  ],
  [
    "a flipped bit",
    async (file) => {
      const bytes = await readFile(file);
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      await writeFile(file, bytes);
    },
  ],
];

test.each(DAMAGES)(
  "%s on any one or two of six nodes: reads stay byte-exact",
  async (_what, damage) => {
    const singles = Array.from({ length: NODE_COUNT }, (_, index) => [index]);
    for (const nodes of [...singles, ...PAIRS]) {
      const before = new Set((await shardsByNode()).flat());
      const key = `damaged-on-${nodes.join("-")}`;
      const content = randomBytes(MIB + 54_321);
      await put(key, content);
      const byNode = await shardsByNode();
      const damaged = nodes.flatMap((index) =>
        (byNode[index] ?? []).filter((file) => !before.has(file)),
      );
      expect(damaged).toHaveLength(nodes.length);
      for (const file of damaged) await damage(file);
      const bytes = await get(key).catch(() => undefined);
      const isWhole = bytes !== undefined && content.equals(bytes);
      expect([nodes, damaged.map((file) => basename(file)), isWhole]).toEqual([
        nodes,
        expect.anything(),
        true,
      ]);
      objects.delete(key);
    }
  },
  60_000,
);
