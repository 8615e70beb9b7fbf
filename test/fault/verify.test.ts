// `verify` over simulated drives: every kind of damage is found and named, at every place of a shard; nothing is found
// where nothing is wrong.

import { expect, test } from "vitest";
import type { UploadId } from "../../src/core/ids.ts";
import type { WalkEntry } from "../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import { isClean } from "../../src/store/verify-report.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { findingsOf } from "../lab/faults/fault-loop.ts";
import { turnBitsBeforeChecksums } from "../lab/faults/wrong-encoding.ts";
import {
  bodyOf,
  bytesOf,
  givenStore,
  md5,
  OWNER,
  setIdOf,
  type StoreLab,
} from "../support/store-lab.ts";
import { breakShard, verify, type Damage } from "../support/verify-lab.ts";

const MIB = 1024 * 1024;
/** Several windows, and a last stripe that is not full. */
const SIZE = 5 * MIB + 12_345;

async function givenObject(sizeBytes = SIZE) {
  const lab = await givenStore();
  const object = await lab.put("photo", bytesOf(sizeBytes, 1));
  await lab.put("other", bytesOf(2 * MIB, 2));
  return { ...lab, object };
}

test("nothing is found where nothing is wrong, and all of it was read", async () => {
  const { store, bucket, put, target } = await givenObject();
  await put("empty", Buffer.alloc(0));
  await put("inline", bytesOf(9_000, 3));
  await put("packed", bytesOf(40_000, 4));
  await givenParts({ store, bucket, target }, [5 * MIB, 5 * MIB, 1_000]);
  const { report, findings, progress } = await verify(store);
  expect(findings).toEqual([]);
  expect(isClean(report)).toBe(true);
  expect(report).toMatchObject({
    isComplete: true,
    objects: 6,
    deleteMarkers: 0,
    parts: 3,
    bytes: SIZE + 2 * MIB + 9_000 + 40_000 + 10 * MIB + 1_000,
    belowRedundancy: 0,
    unnamed: { orphanSets: 0, ownSets: 0, unknownSets: 0, examples: [], skippedDrives: [] },
  });
  // Of four data shards and two of parity, each with its checksums.
  expect(report.shardBytesRead).toBeGreaterThan((SIZE + 12 * MIB) * 1.5);
  expect(progress.at(-1)).toMatchObject({ objectsDone: 6, partsDone: 3, objectsTotal: 6 });
});

async function givenParts(
  { store, bucket, target }: Pick<StoreLab, "bucket" | "store" | "target">,
  sizes: readonly number[],
): Promise<UploadId> {
  const upload = await store.createUpload(target("parts"), OWNER, undefined);
  const handle = { bucket, upload };
  const parts = [];
  for (const [at, size] of sizes.entries()) {
    const part = await store.putPart(handle, at + 1, bodyOf(bytesOf(size, at)));
    parts.push({ number: at + 1, etag: part.etag, checksum: undefined });
  }
  await store.completeUpload({
    bucket,
    key: "parts",
    uploadId: upload.uploadId,
    parts,
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });
  return upload.uploadId;
}

test.each<[string, "damaged" | "missing" | "wrong", Damage]>([
  ["F29 a flipped bit in its header", "damaged", () => ({ kind: "flip", offset: 40 })],
  ["F28 a flipped bit in its first block", "damaged", () => ({ kind: "flip", offset: 5_000 })],
  [
    "F28 a flipped bit amid it",
    "damaged",
    ({ sizeBytes }) => ({ kind: "flip", offset: sizeBytes >> 1 }),
  ],
  [
    "F29 a flipped bit in its footer",
    "damaged",
    ({ sizeBytes }) => ({ kind: "flip", offset: sizeBytes - 100 }),
  ],
  [
    "F29 a flipped bit in its last byte",
    "damaged",
    ({ sizeBytes }) => ({ kind: "flip", offset: sizeBytes - 1 }),
  ],
  [
    "F34 its end cut off",
    "damaged",
    ({ sizeBytes }) => ({ kind: "truncate", sizeBytes: sizeBytes - 1 }),
  ],
  ["F34 nothing in it", "damaged", () => ({ kind: "truncate", sizeBytes: 0 })],
  ["F34 bytes behind its end", "damaged", () => ({ kind: "extend", bytes: Buffer.from("more") })],
])("a shard with %s is named", async (_damage, state, damage) => {
  const lab = await givenObject();
  for (const index of [1, 5]) await breakShard(lab, lab.object, index, damage);
  const { report, findings } = await verify(lab.store);
  expect(findings).toMatchObject([
    {
      kind: "below-redundancy",
      bucket: "bucket",
      key: "photo",
      entry: "object",
      setId: setIdOf(lab.object),
      shards: [
        { index: 1, state },
        { index: 5, state },
      ],
    },
  ]);
  const drives = findings[0]?.shards.map(({ drive }) => drive);
  expect(drives).toEqual(await Promise.all([1, 5].map((index) => labelOf(lab, index))));
  expect(report).toMatchObject({ belowRedundancy: 1, objects: 2 });
  expect(isClean(report)).toBe(false);
  const noted = await lab.metadata.listDegradedSets(undefined, 10);
  expect(noted.map(({ id, missing }) => [id, missing])).toEqual([[setIdOf(lab.object), [1, 5]]]);
});

async function labelOf(lab: StoreLab & { object: ObjectRecord }, index: number): Promise<string> {
  return (await lab.shardOf(lab.object, index)).disk.root;
}

test("F28 bits flipped at random places, in the files of shards, are all found", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
  console.log(`verify: SEED=${seed}`);
  const random = seededRandom(seed);
  const lab = await givenObject(1_100_000);
  for (let round = 0; round < 30; round += 1) {
    const { disk, path } = await lab.shardOf(lab.object, random.below(6));
    const file = await disk.open(path);
    await file.close();
    const flip = {
      kind: "flip",
      offset: random.below(file.sizeBytes),
      bit: random.below(8),
    } as const;
    disk.corrupt(path, flip);
    const { findings } = await verify(lab.store, { prefix: "photo" });
    // A header is padded with zeros that its checksum covers, so that no flip is without a consequence.
    expect(findings, `SEED=${seed} ${path} ${JSON.stringify(flip)}`).toHaveLength(1);
    expect(findings[0]?.kind).toBe("below-redundancy");
    disk.corrupt(path, flip);
  }
  expect((await verify(lab.store)).findings).toEqual([]);
});

test("missing shards are named; more than parity replaces is unreadable", async () => {
  const lab = await givenObject();
  for (const index of [0, 2]) {
    const { disk, path } = await lab.shardOf(lab.object, index);
    await disk.unlink(path);
  }
  const missing = [0, 2].map((index) => ({ index, state: "missing" }));
  expect((await verify(lab.store)).findings).toMatchObject([
    { kind: "below-redundancy", key: "photo", shards: missing },
  ]);
  await breakShard(lab, lab.object, 4, () => ({ kind: "flip", offset: 3_000 }));
  const { report, findings } = await verify(lab.store);
  expect(findings).toMatchObject([
    {
      kind: "unreadable",
      key: "photo",
      shards: [...missing.slice(0, 2), { index: 4, state: "damaged" }],
    },
  ]);
  expect(report).toMatchObject({ belowRedundancy: 1, findings: { unreadable: 1 } });
});

test("a drive that is away is said to be away, and nothing is noted as lost", async () => {
  const lab = await givenObject();
  lab.disks[3]?.setOffline(true);
  const { report, findings } = await verify(lab.store);
  expect(findings.map(({ key, kind }) => [key, kind])).toEqual([
    ["other", "below-redundancy"],
    ["photo", "below-redundancy"],
  ]);
  expect(
    findings.flatMap(({ shards }) => shards.map(({ drive, state }) => [drive, state])),
  ).toEqual([
    [lab.disks[3]?.root, "away"],
    [lab.disks[3]?.root, "away"],
  ]);
  expect(report.unnamed?.skippedDrives).toEqual([lab.disks[3]?.root]);
  expect(await lab.metadata.listDegradedSets(undefined, 10)).toEqual([]);
});

test("F33 a shard under another's name is no shard of this set", async () => {
  const lab = await givenObject();
  const other = await lab.metadata.findObject(lab.bucket.id, "other");
  if (other === undefined) throw new Error("no object");
  const from = await lab.shardOf(lab.object, 1);
  const bytes = await contentOf(from);
  for (let index = 0; index < 6; index += 1) {
    const to = await lab.shardOf(other, index);
    if (to.disk !== from.disk) continue;
    await to.disk.unlink(to.path);
    const file = await to.disk.create(to.path);
    await file.append([bytes]);
    await file.sync();
    const { findings } = await verify(lab.store);
    expect(findings).toMatchObject([
      { kind: "below-redundancy", key: "other", shards: [{ index, state: "damaged" }] },
    ]);
  }
});

async function contentOf(file: Awaited<ReturnType<StoreLab["shardOf"]>>): Promise<Buffer> {
  const open = await file.disk.open(file.path);
  const bytes = Buffer.alloc(open.sizeBytes);
  await open.read(bytes, 0);
  return bytes;
}

test.each([1, 2, 3])(
  "F32 data and parity that were wrong before their checksums were made are found (%i)",
  async (seed) => {
    expect(await findingsOf(turnBitsBeforeChecksums, seed)).toEqual([]);
  },
);

test("an object whose row and shards disagree is named", async () => {
  const lab = await givenObject();
  const walk = lab.metadata.walk.bind(lab.metadata);
  const changed = (change: (entry: WalkEntry) => WalkEntry) => {
    lab.metadata.walk = async (query) =>
      (await walk(query)).map((entry) => (entry.position.key === "photo" ? change(entry) : entry));
  };
  changed((entry) => ({ ...entry, etag: md5(Buffer.from("x")) }));
  expect((await verify(lab.store)).findings).toMatchObject([{ kind: "disagrees", key: "photo" }]);
  changed((entry) => ({ ...entry, sizeBytes: SIZE - 1 }));
  expect((await verify(lab.store)).findings).toMatchObject([{ kind: "disagrees", key: "photo" }]);
  changed((entry) =>
    entry.content?.kind === "set"
      ? { ...entry, content: { kind: "set", set: { ...entry.content.set, sizeBytes: 3 * MIB } } }
      : entry,
  );
  expect((await verify(lab.store)).findings).toMatchObject([{ kind: "disagrees", key: "photo" }]);
  changed((entry) => ({ ...entry, content: undefined, isDamaged: true }));
  expect((await verify(lab.store)).findings).toMatchObject([{ kind: "damaged-row", key: "photo" }]);
});

test("inline bytes that changed, or are gone, are found", async () => {
  const lab = await givenStore();
  await lab.put("small", bytesOf(9_000, 3));
  const { metadata } = lab;
  const readInline = metadata.readInline.bind(metadata);
  metadata.readInline = async (dataId) => {
    const bytes = await readInline(dataId);
    bytes?.set([1 ^ (bytes[77] ?? 0)], 77);
    return bytes;
  };
  expect((await verify(lab.store)).findings).toMatchObject([
    { kind: "damaged-bytes", key: "small" },
  ]);
  metadata.readInline = async () => undefined;
  expect((await verify(lab.store)).findings).toMatchObject([{ kind: "unreadable", key: "small" }]);
});

test("a bucket and a prefix alone; what they hold of parts too", async () => {
  const lab = await givenObject();
  const { store, target } = lab;
  await store.createBucket({ name: "second", owner: OWNER, region: "us-east-1" });
  const second = await store.findBucket("second");
  if (second === undefined) throw new Error("no bucket");
  const object = await store.putObject(
    { ...target("a/1"), bucket: second },
    bodyOf(bytesOf(SIZE, 5)),
  );
  await store.putObject({ ...target("b/1"), bucket: second }, bodyOf(bytesOf(SIZE, 6)));
  await givenParts(lab, [5 * MIB, 6 * MIB]);
  await breakShard(lab, object, 3, () => ({ kind: "flip", offset: 2_000 }));
  const all = await verify(store);
  expect(all.report).toMatchObject({ objects: 5, parts: 2, findings: { "below-redundancy": 1 } });
  const one = await verify(store, { bucket: "second" });
  expect(one.report).toMatchObject({ objects: 2, bytes: 2 * SIZE, unnamed: undefined });
  expect(one.findings).toMatchObject([{ bucket: "second", key: "a/1" }]);
  expect((await verify(store, { bucket: "second", prefix: "b/" })).findings).toEqual([]);
  expect((await verify(store, { bucket: "bucket" })).findings).toEqual([]);
  await expect(verify(store, { bucket: "none" })).rejects.toMatchObject({ code: "NoSuchBucket" });
});

test("a damaged part is named by its number, also before the upload is completed", async () => {
  const lab = await givenStore();
  await givenParts(lab, [5 * MIB, 6 * MIB]);
  const part = (
    await lab.metadata.walk({ bucketId: undefined, prefix: "", after: undefined, limit: 10 })
  )
    .filter(({ kind }) => kind === "part")
    .find(({ position }) => position.detail.at(-1) === 2);
  if (part?.content?.kind !== "set") throw new Error("no part");
  const { id } = part.content.set;
  for (const disk of lab.disks) {
    const path = `shards/${id.slice(-2)}/${id}.2`;
    await disk.unlink(path);
  }
  const { findings } = await verify(lab.store);
  expect(findings).toMatchObject([
    {
      kind: "below-redundancy",
      entry: "part",
      key: "parts",
      sizeBytes: 6 * MIB,
      shards: [{ index: 2 }],
    },
  ]);
  expect(findings[0]?.detail.at(-1)).toBe(2);
});

test("a set that two objects share is read once, and both are named", async () => {
  const lab = await givenObject();
  const reading = await lab.store.openObject(lab.bucket, "photo");
  if (reading === undefined) throw new Error("no object");
  await lab.store.copyObject({ bucket: lab.bucket, reading }, lab.target("copy"), undefined);
  await breakShard(lab, lab.object, 0, () => ({ kind: "truncate", sizeBytes: 1_000 }));
  const { report, findings } = await verify(lab.store);
  expect(findings.map(({ key }) => key)).toEqual(["copy", "photo"]);
  expect(report).toMatchObject({ objects: 3, sets: 2 });
});
