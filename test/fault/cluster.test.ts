// A gateway and six node processes: what the loss of nodes, and damage to their shards, does to clients. Any two nodes
// lost: cluster-pairs.test.ts. Set KINTSUGI_TEST_SEED to repeat a run's damage.

import { randomBytes, randomInt } from "node:crypto";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/util/seeded-random.ts";
import {
  BUCKET,
  MIB,
  NODE_COUNT,
  PAIRS,
  refusalOf,
  useClusterObjects,
} from "../support/cluster-objects.ts";

const seed = Number(process.env["KINTSUGI_TEST_SEED"] ?? randomInt(2 ** 31));
const random = seededRandom(seed);
const objects = useClusterObjects();

beforeAll(() => console.log(`cluster test: KINTSUGI_TEST_SEED=${seed}`));

test("F38 with three nodes killed reads of shards fail clearly, the rest goes on, and all is well when they return", async () => {
  await objects().cluster.kill(1, 3, 5);
  for (const [key, content] of objects().contents) {
    const expected = content.length <= 16 * 1024 ? undefined : "503 ServiceUnavailable";
    expect([key, await refusalOf(objects().get(key))]).toEqual([key, expected]);
    const head = await objects().cluster.client.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: key }),
    );
    expect(head.ContentLength).toBe(content.length);
  }
  expect(await refusalOf(objects().putProbe())).toBe("503 ServiceUnavailable");
  const { Contents = [] } = await objects().cluster.client.send(
    new ListObjectsV2Command({ Bucket: BUCKET }),
  );
  expect(Contents.length).toBeGreaterThanOrEqual(objects().contents.size);
  await objects().cluster.revive(1, 3, 5);
  await objects().untilWhole();
  expect(await objects().unreadable()).toEqual([]);
}, 60_000);

test("an object written while one node is away reads back then, and when it is there again", async () => {
  await objects().cluster.kill(2);
  await objects().put("written-with-five", randomBytes(2 * MIB));
  expect(await objects().unreadable()).toEqual([]);
  await objects().cluster.revive(2);
  await objects().untilWhole();
  expect(await objects().unreadable()).toEqual([]);
  objects().contents.delete("written-with-five");
}, 60_000);

test("a gateway that is killed finds everything again, also while two nodes are away", async () => {
  await objects().cluster.kill(0, 4);
  await objects().cluster.killGateway();
  await objects().cluster.startGateway();
  expect(await objects().unreadable()).toEqual([]);
  expect(await refusalOf(objects().putProbe())).toBe("503 ServiceUnavailable");
  await objects().cluster.revive(0, 4);
  await objects().untilWhole();
}, 60_000);

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

function setOfFile(file: string): string {
  return basename(file).split(".")[0] ?? "";
}

test.each(DAMAGES)(
  "%s on any one or two of six nodes: reads stay byte-exact",
  async (_what, damage) => {
    const singles = Array.from({ length: NODE_COUNT }, (_, index) => [index]);
    for (const nodes of [...singles, ...PAIRS]) {
      const before = new Set((await objects().shardsByNode()).flat().map(setOfFile));
      const key = `damaged-on-${nodes.join("-")}`;
      const content = randomBytes(MIB + 54_321);
      await objects().put(key, content);
      const byNode = await objects().shardsByNode();
      const damaged = nodes.flatMap((index) =>
        // By set: what was damaged before is made anew meanwhile.
        (byNode[index] ?? []).filter((file) => !before.has(setOfFile(file))),
      );
      expect(damaged).toHaveLength(nodes.length);
      for (const file of damaged) await damage(file);
      const bytes = await objects()
        .get(key)
        .catch(() => undefined);
      const isWhole = bytes !== undefined && content.equals(bytes);
      expect([nodes, damaged.map((file) => basename(file)), isWhole]).toEqual([
        nodes,
        expect.anything(),
        true,
      ]);
      objects().contents.delete(key);
    }
  },
  60_000,
);
