// `verify` beside everything else: writes and deletions that go on, an end that comes early, objects in packs.

import { setImmediate as giveWay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import { isClean } from "../../src/store/verify-report.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { givenPacks } from "../support/pack-lab.ts";
import { bytesOf, givenStore, HandClock, type StoreLab } from "../support/store-lab.ts";
import { reopenStore } from "../support/reopen-store.ts";
import { breakShard, verify } from "../support/verify-lab.ts";
import { deleteKeys } from "../support/delete-keys.ts";

const SIZE = 5 * 1024 * 1024 + 12_345;

async function givenObject() {
  const lab = await givenStore();
  const object = await lab.put("photo", bytesOf(SIZE, 1));
  await lab.put("other", bytesOf(2 * 1024 * 1024, 2));
  return { ...lab, object };
}

test("what is replaced or deleted while it runs is no finding", async () => {
  const lab = await givenObject();
  const { metadata, store } = lab;
  for (let index = 0; index < 3; index += 1) {
    await breakShard(lab, lab.object, index, () => ({ kind: "flip", offset: 2_000 }));
  }
  const walk = metadata.walk.bind(metadata);
  let isFirst = true;
  metadata.walk = async (query) => {
    const page = await walk(query);
    if (isFirst) {
      isFirst = false;
      await lab.put("photo", bytesOf(SIZE, 9));
      await deleteKeys(store, lab.bucket, ["other"]);
    }
    return page;
  };
  expect((await verify(store)).findings).toEqual([]);
});

test("writes that go on while it runs are no findings, and it takes no harm from the trash", async () => {
  const lab = await givenStore({ limits: { trashGraceMs: 0 } });
  const { store, put, bucket } = lab;
  for (let at = 0; at < 12; at += 1) await put(`key-${at}`, bytesOf(1_100_000, at));
  const over = new AbortController();
  const writes = async (): Promise<void> => {
    for (let at = 0; !over.signal.aborted; at += 1) {
      // Simulated drives answer at once: without this the others would never get their turn.
      await giveWay();
      await put(`key-${at % 12}`, bytesOf(1_100_000, 100 + at));
      if (at % 3 === 0) await deleteKeys(store, bucket, [`key-${(at * 5) % 12}`]);
      await store.collectTrash();
    }
  };
  const writing = writes();
  try {
    for (let round = 0; round < 3; round += 1) expect((await verify(store)).findings).toEqual([]);
  } finally {
    over.abort();
    await writing;
  }
});

test("it can be cut short, and says so", async () => {
  const lab = await givenObject();
  const abort = new AbortController();
  const readInline = lab.metadata.findBucketById.bind(lab.metadata);
  lab.metadata.findBucketById = (bucketId) => {
    abort.abort();
    return readInline(bucketId);
  };
  const report = await lab.store.verifyObjects({}, { signal: abort.signal });
  expect(report).toMatchObject({ isComplete: false, unnamed: undefined });
  expect(isClean(report)).toBe(false);
});

test("copies of the metadata that are behind, and orphans, are told of", async () => {
  const lab = await givenObject();
  lab.metadata.journalReport = () => ({
    epoch: 1,
    sequence: 5,
    quorum: 2,
    members: (["good", "good", "behind"] as const).map((state, at) => ({
      driveId: `${at}` as never,
      label: `drive ${at}`,
      state,
      sequence: 5,
      problem: undefined,
    })),
  });
  const { report, findings } = await verify(lab.store);
  expect(findings).toMatchObject([{ kind: "damaged-copy", bucket: undefined, entry: undefined }]);
  expect(report.findings["damaged-copy"]).toBe(1);
});

interface PackedShard {
  readonly disk: StoreLab["disks"][0];
  readonly path: string;
  /** Where the object's blocks begin and end. */
  readonly start: number;
  readonly end: number;
}

/** The object's shard of that index, of an object of one stripe. */
async function packedShard(
  lab: StoreLab,
  object: ObjectRecord,
  index: number,
): Promise<PackedShard> {
  const { content, sizeBytes } = object;
  if (content.kind !== "packed") throw new Error("the object is in no pack");
  const { id, dataShards } = content.set;
  const path = `shards/${id.slice(-2)}/${id}.${index}`;
  for (const disk of lab.disks) {
    const files = await disk.list(`shards/${id.slice(-2)}`).catch(() => []);
    if (!files.some(({ name }) => path.endsWith(name))) continue;
    const start = content.offset;
    return { disk, path, start, end: start + Math.ceil(sizeBytes / dataShards) + 4 };
  }
  throw new Error(`no drive holds ${path}`);
}

test("objects in packs are verified one by one, whether their pack is sealed or was left open by a dead process", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock });
  const first = await lab.put("first", bytesOf(40_000, 1));
  const second = await lab.put("second", bytesOf(50_000, 2));
  await lab.put("third", bytesOf(1_000_000, 3));
  expect(first.content.kind).toBe("packed");
  const clean = await verify(lab.store);
  expect(clean.findings).toEqual([]);
  expect(clean.report).toMatchObject({ objects: 3, sets: 3, bytes: 1_090_000 });
  for (const disk of lab.disks) disk.crash();
  const store = await reopenStore(lab);
  expect((await verify(store)).findings).toEqual([]);

  // A block of one, the entry of another, and a shard of all of them.
  const block = await packedShard(lab, first, 2);
  block.disk.corrupt(block.path, { kind: "flip", offset: block.end - 5 });
  const entry = await packedShard(lab, second, 4);
  entry.disk.corrupt(entry.path, { kind: "flip", offset: entry.start - 10 });
  const { findings } = await verify(store);
  expect(findings).toMatchObject([
    { kind: "below-redundancy", key: "first", shards: [{ index: 2, state: "damaged" }] },
    { kind: "below-redundancy", key: "second", shards: [{ index: 4, state: "damaged" }] },
  ]);
  // The header of the pack spoils all objects in it, as a file that is gone does; none of them is unreadable by that.
  for (const index of [1, 3, 5]) {
    const { disk, path } = await packedShard(lab, first, index);
    disk.corrupt(path, { kind: "flip", offset: 30 });
  }
  expect((await verify(store)).findings.map(({ kind }) => kind)).toEqual(
    Array.from({ length: 3 }, () => "below-redundancy"),
  );
  const lost = await packedShard(lab, first, 0);
  await lost.disk.unlink(lost.path);
  const { report } = await verify(store);
  expect(report).toMatchObject({
    belowRedundancy: 3,
    findings: { "below-redundancy": 3, unreadable: 0 },
  });
});

test("F28 flips in the shards of a pack are found where they concern an object, and only there", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
  console.log(`verify: SEED=${seed}`);
  const random = seededRandom(seed);
  const lab = await givenPacks();
  const objects = [];
  for (let at = 0; at < 8; at += 1) {
    objects.push(await lab.put(`key-${at}`, bytesOf(17_000 + random.below(60_000), at)));
  }
  // What is dead concerns nobody.
  await deleteKeys(lab.store, lab.bucket, ["key-3"]);
  for (let round = 0; round < 60; round += 1) {
    const at = random.below(objects.length);
    const object = objects[at];
    if (object === undefined) throw new Error("no object");
    const { disk, path, start, end } = await packedShard(lab, object, random.below(6));
    // The least that an entry's header has, and the blocks.
    const offset = start - 36 + random.below(end - start + 36);
    const flip = { kind: "flip", offset, bit: random.below(8) } as const;
    disk.corrupt(path, flip);
    const { findings } = await verify(lab.store, { prefix: "key-" });
    const words = `SEED=${seed} ${object.key} ${JSON.stringify(flip)}`;
    expect(
      findings.map(({ key }) => key),
      words,
    ).toEqual(at === 3 ? [] : [object.key]);
    disk.corrupt(path, flip);
  }
});

test("a pack that nobody refers to goes with its process, one that is referred to stays", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock });
  await lab.put("kept", bytesOf(40_000, 1));
  const before = (await lab.shardFiles()).length;
  lab.metadata.putObject = () => Promise.reject(new Error("the process dies here"));
  await expect(lab.put("gone", bytesOf(40_000, 2))).rejects.toThrow("dies here");
  const store = await reopenStore(lab);
  await store.sweepOrphans({ graceMs: 0 });
  expect(await store.listOrphans()).toEqual([]);
  expect((await verify(store)).findings).toEqual([]);
  expect((await lab.shardFiles()).length).toBe(before);
});
