// Objects of middle size lie in packs: what goes in comes out, at every edge of size and range, the bytes of many
// objects share few files, and what is sealed when.

import { expect, test } from "vitest";
import { S3Error } from "../../../src/core/s3-error.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import { readIdentity } from "../../../src/datanode/drive-identity.ts";
import { readShardFrame } from "../../../src/datanode/read-shard.ts";
import type { SetId } from "../../../src/core/ids.ts";
import { givenPacks, packedOf, packFiles } from "../../support/pack-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { bodyOf, bytesOf, collect, md5, OWNER, type StoreLab } from "../../support/store-lab.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [16 * KIB + 1, 32 * KIB, 65_537, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 300_001];
SIZES.push(512 * KIB, MIB - 1, MIB);

const GEOMETRIES = [1, 2, 3, 4, 6, 12].map((driveCount) => ({ driveCount }));

test.each(GEOMETRIES)("objects of every size come back, $driveCount drives", async (options) => {
  const { put, get, store, bucket } = await givenPacks(options);
  const objects = SIZES.map((size, seed) => ({ key: `key-${size}`, bytes: bytesOf(size, seed) }));
  await Promise.all(objects.map(({ key, bytes }) => put(key, bytes)));
  for (const { key, bytes } of objects) {
    const found = await store.findObject(bucket, key);
    expect(found?.content.kind).toBe("packed");
    expect(found?.etag).toBe(md5(bytes));
    expect(bytes.equals(await get(key))).toBe(true);
  }
});

test("what is smaller lies in the metadata, what is larger has a set of its own", async () => {
  const { put, get } = await givenPacks();
  const small = await put("small", bytesOf(16 * KIB, 1));
  const large = await put("large", bytesOf(MIB + 1, 2));
  const unknown = await put("unknown", bytesOf(100_000, 3), { sizeBytes: undefined });
  expect([small, large, unknown].map(({ content }) => content.kind)).toEqual([
    "inline",
    "set",
    "set",
  ]);
  expect((await get("unknown")).equals(bytesOf(100_000, 3))).toBe(true);
});

test("ranges touch and give exactly their bytes", async () => {
  const { put, get } = await givenPacks();
  for (const size of [16 * KIB + 1, 256 * KIB + 3, MIB]) {
    const bytes = bytesOf(size, size);
    await put("key", bytes);
    const edges = [0, 1, 4_097, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 256 * KIB, size - 1, size];
    for (const start of edges) {
      for (const end of edges) {
        if (start >= end || end > size) continue;
        expect(bytes.subarray(start, end).equals(await get("key", start, end))).toBe(true);
      }
    }
  }
});

test("many objects share few files and syncs", async () => {
  const { put, get, shardFiles, disks } = await givenPacks();
  let syncCount = 0;
  for (const disk of disks) {
    const create = disk.create.bind(disk);
    disk.create = async (path) => {
      const file = await create(path);
      const sync = async (): Promise<void> => {
        syncCount += 1;
        await file.sync();
      };
      return { append: (chunks) => file.append(chunks), sync, close: () => file.close() };
    };
  }
  await Promise.all(
    Array.from({ length: 200 }, (_, seed) => put(`key-${seed}`, bytesOf(20_000, seed))),
  );
  expect(await shardFiles()).toHaveLength(6);
  expect(syncCount).toBeLessThan(6 * 20);
  expect((await get("key-150")).equals(bytesOf(20_000, 150))).toBe(true);
});

test("a pack is sealed when it is full, and its frame tells what it is", async () => {
  const lab = await givenPacks({ limits: { packSealBytes: 200_000 } });
  for (let seed = 0; seed < 12; seed += 1) await lab.put(`key-${seed}`, bytesOf(50_000, seed));
  const first = await lab.store.findObject(lab.bucket, "key-0");
  const last = await lab.store.findObject(lab.bucket, "key-11");
  if (first === undefined || last === undefined) throw new Error("they are there");
  expect(packedOf(first).set.id).not.toBe(packedOf(last).set.id);
  await expect.poll(async () => (await sparse(lab, 0)).length).toBeGreaterThanOrEqual(2);

  const setId = packedOf(first).set.id;
  for (const [index, file] of (await packFiles(lab, first)).entries()) {
    if (file === undefined) throw new Error("all shards are there");
    const identity = await readIdentity(file.disk);
    if (identity === undefined) throw new Error("a drive has an identity");
    const drive = await openLocalDrive({ disk: file.disk, driveId: identity.driveId });
    const { header, footer } = await readShardFrame(drive, { setId, index });
    expect(header).toMatchObject({ setId, index, pack: true, bucket: "", key: "" });
    expect(footer).toMatchObject({ dataBytes: 200_000, index });
  }
});

test("closing the store seals its pack; a killed one's is sealed by the next process", async () => {
  const lab = await givenPacks();
  await lab.put("key", bytesOf(50_000, 1));
  // The first store is not closed: it is gone, as by kill -9.
  const second = await reopenStore(lab, { limits: { packBytesMax: MIB } });
  expect(await sparse(lab, 0)).toHaveLength(1);
  await second.putObject(lab.target("other"), bodyOf(bytesOf(50_000, 2)));
  expect(await sparse(lab, 0)).toHaveLength(1);
  await second.close();
  expect(await sparse(lab, 0)).toHaveLength(2);

  const third = await reopenStore(lab);
  for (const [key, seed] of [["key", 1] as const, ["other", 2] as const]) {
    const reading = await third.openObject(lab.bucket, key);
    if (reading === undefined) throw new Error(`${key} is there`);
    expect((await collect(reading.read(0, 50_000))).equals(bytesOf(50_000, seed))).toBe(true);
  }
});

test("a pack that nothing ever named leaves no file", async () => {
  const lab = await givenPacks();
  await lab.put("key", bytesOf(1_000, 1));
  for (const seed of [1, 2]) {
    const condition = { ifNoneMatch: "*" };
    // Refused in the transaction, after its bytes went to the pack: the object came in between.
    const target = lab.target(`new-${seed}`, { condition });
    const body = bodyOf(bytesOf(50_000, seed), {
      chunks: (async function* () {
        await lab.put(`new-${seed}`, bytesOf(10, seed));
        yield bytesOf(50_000, seed);
      })(),
    });
    await expect(lab.store.putObject(target, body)).rejects.toMatchObject({
      code: "PreconditionFailed",
    });
  }
  expect(await lab.shardFiles()).toHaveLength(6);
  await lab.store.compactPacks({ deadShareMin: 0.01, sealsOpen: true });
  expect(await lab.shardFiles()).toEqual([]);
});

test("a pack that the metadata has forgotten stays when something in it was ever named", async () => {
  const lab = await givenPacks({
    wrapMetadata: (metadata) => Object.assign(metadata, { sealPack: async () => "unknown" }),
  });
  const object = await lab.put("key", bytesOf(100_000, 1));
  await lab.store.compactPacks({ deadShareMin: 1, sealsOpen: true });
  expect((await packFiles(lab, object)).filter((file) => file !== undefined)).toHaveLength(6);
  expect((await lab.get("key")).equals(bytesOf(100_000, 1))).toBe(true);
});

test("a pack whose last object goes before it is sealed goes to the trash with its seal", async () => {
  const lab = await givenPacks();
  await lab.put("key", bytesOf(50_000, 1));
  await deleteKeys(lab.store, lab.bucket, ["key"]);
  expect(await lab.metadata.listTrash(10)).toEqual([]);
  await lab.put("other", bytesOf(50_000, 2));
  await deleteKeys(lab.store, lab.bucket, ["other"]);
  await lab.store.close();
  expect(await lab.metadata.listTrash(10)).toHaveLength(1);
});

test("an object that fits no entry fails, and spoils nothing that is written before or after", async () => {
  const lab = await givenPacks();
  await lab.put("before", bytesOf(50_000, 1));
  const attributes = { headers: { expires: "x".repeat(70_000) }, userMetadata: {} };
  const body = bodyOf(bytesOf(50_000, 2));
  const refused = lab.store.putObject(lab.target("bad", { attributes }), body);
  await expect(refused).rejects.toThrow("is bounded");
  expect(lab.store.awayCount()).toBe(0);
  await lab.put("after", bytesOf(50_000, 3));
  await lab.store.compactPacks({ deadShareMin: 1, sealsOpen: true });
  expect(lab.store.awayCount()).toBe(0);
  expect((await lab.get("before")).equals(bytesOf(50_000, 1))).toBe(true);
  expect((await lab.get("after")).equals(bytesOf(50_000, 3))).toBe(true);
});

test("what is under way when the store closes is written, and its pack sealed", async () => {
  const lab = await givenPacks();
  const writes = Array.from({ length: 20 }, (_, seed) =>
    lab.put(`key-${seed}`, bytesOf(50_000, seed)),
  );
  await lab.put("key", bytesOf(50_000, 1));
  const closing = lab.store.close();
  const outcomes = await Promise.allSettled(writes);
  await closing;
  expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
  const packs = await sparse(lab, 0);
  expect(packs.length).toBeGreaterThan(0);
  expect((await lab.metadata.totals()).packs).toBe(packs.length);
});

test("reset leaves the open pack usable", async () => {
  const lab = await givenPacks();
  const { set } = packedOf(await lab.put("key", bytesOf(50_000, 1)));
  await lab.metadata.reset();
  const bucket = await lab.store.createBucket({
    name: "bucket",
    owner: OWNER,
    region: "us-east-1",
  });
  const object = await lab.store.putObject(
    lab.target("key", { bucket }),
    bodyOf(bytesOf(50_000, 2)),
  );
  expect(packedOf(object).set.id).toBe(set.id);
  const reading = await lab.store.openObject(bucket, "key");
  if (reading === undefined) throw new Error("it is there");
  expect((await collect(reading.read(0, 50_000))).equals(bytesOf(50_000, 2))).toBe(true);
});

test("a copy of a packed object has bytes of its own", async () => {
  const lab = await givenPacks();
  const bytes = bytesOf(50_000, 1);
  const object = await lab.put("key", bytes);
  const reading = await lab.store.openObject(lab.bucket, "key");
  if (reading === undefined) throw new Error("it is there");
  const copy = await lab.store.copyObject(
    { bucket: lab.bucket, reading },
    lab.target("copy"),
    undefined,
  );
  expect(packedOf(copy).offset).not.toBe(packedOf(object).offset);
  await deleteKeys(lab.store, lab.bucket, ["key"]);
  expect((await lab.get("copy")).equals(bytes)).toBe(true);
});

test("parts lie in packs too, and are read with the others", async () => {
  const lab = await givenPacks();
  const { store, bucket } = lab;
  const upload = await store.createUpload(lab.target("key"), OWNER, undefined);
  const pieces = [bytesOf(5 * MIB, 1), bytesOf(300_000, 2)];
  const parts = [];
  for (const [index, piece] of pieces.entries()) {
    const part = await store.putPart({ bucket, upload }, index + 1, bodyOf(piece));
    parts.push({ number: index + 1, etag: part.etag, checksum: undefined });
  }
  const replaced = await store.putPart({ bucket, upload }, 2, bodyOf(pieces[1] ?? bytesOf(1, 1)));
  expect(replaced.content.kind).toBe("packed");
  const request = { bucket, key: "key", uploadId: upload.uploadId, parts };
  const rest = { checksum: undefined, checksumType: undefined, expectedBytes: undefined };
  await store.completeUpload({ ...request, ...rest, condition: undefined });
  expect((await lab.get("key")).equals(Buffer.concat(pieces))).toBe(true);
  const across = await lab.get("key", 5 * MIB - 7, 5 * MIB + 70_000);
  expect(across.equals(Buffer.concat(pieces).subarray(5 * MIB - 7, 5 * MIB + 70_000))).toBe(true);
  await deleteKeys(store, bucket, ["key"]);
  await store.close();
  expect(await lab.metadata.listTrash(10)).toHaveLength(2);
});

test("F64 bytes that fail their checks never come to a pack", async () => {
  const lab = await givenPacks();
  await lab.put("key", bytesOf(50_000, 1));
  const wrong = lab.put("key", bytesOf(50_000, 2), { expectedMd5: md5(bytesOf(50_000, 3)) });
  await expect(wrong).rejects.toMatchObject({ code: "BadDigest" });
  const broken = lab.put("key", bytesOf(50_000, 2), {
    chunks: (async function* () {
      yield bytesOf(40_000, 2);
      throw new S3Error("IncompleteBody");
    })(),
  });
  await expect(broken).rejects.toMatchObject({ code: "IncompleteBody" });
  expect((await lab.get("key")).equals(bytesOf(50_000, 1))).toBe(true);
  await lab.store.close();
  const [pack] = await sparse(lab, 0);
  expect(pack?.set.sizeBytes).toBe(50_000);
});

test("F70 slow writers hold what they have sent; when memory is scarce their bytes go to sets", async () => {
  const lab = await givenPacks();
  const bytes = bytesOf(MIB, 1);
  const gate: (() => void)[] = [];
  const slow = Array.from({ length: 140 }, (_, position) => {
    const chunks = (async function* () {
      yield bytes.subarray(0, 300_000);
      await new Promise<void>((resolve) => gate.push(resolve));
      yield bytes.subarray(300_000);
    })();
    return lab.put(`slow-${position}`, bytes, { chunks });
  });
  await expect.poll(() => gate.length).toBe(140);
  for (const go of gate) go();
  const kinds = (await Promise.all(slow)).map(({ content }) => content.kind);
  expect(kinds).toContain("set");
  for (const position of [0, 70, 139]) {
    expect((await lab.get(`slow-${position}`)).equals(bytes)).toBe(true);
  }
});

function sparse({ metadata }: StoreLab, share: number) {
  return metadata.listSparsePacks(share, undefined as SetId | undefined, 100);
}
