// What is put is what is got: every size at which something changes (inline or set, one block or two, one stripe or two,
// one window or two), any range of it, and nothing left behind when it is replaced.

import { expect, test } from "vitest";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { bodyOf, bytesOf, collect, givenStore, md5, setIdOf } from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const AROUND = [16 * KIB, 64 * KIB, 256 * KIB, MIB].flatMap((size) => [size - 1, size, size + 1]);
const SIZES = [0, 1, 2, 3, 4, 5, ...AROUND, 2 * MIB + 1, 5 * MIB + 3];

test.each(SIZES)(
  "%i bytes come back as they were put, whole and in random ranges",
  async (size) => {
    const { put, get } = await givenStore();
    const bytes = bytesOf(size, size);

    const object = await put("key", bytes);

    expect(object).toMatchObject({ sizeBytes: size, etag: md5(bytes) });
    expect(object.content.kind).toBe(size <= 16 * KIB ? "inline" : "set");
    expect((await get("key")).equals(bytes)).toBe(true);
    const random = seededRandom(size);
    const rounds = size === 0 ? 0 : 20;
    for (let round = 0; round < rounds; round += 1) {
      const start = random.below(size);
      const end = start + 1 + random.below(Math.min(size - start, round % 2 === 0 ? 9 : size));
      const range = await get("key", start, end);
      expect(range.equals(bytes.subarray(start, end)), `${start}-${end}`).toBe(true);
    }
  },
);

test.each([1, 2, 3, 4, 5, 6, 9, 12, 13])(
  "%i drives keep objects of any size",
  async (driveCount) => {
    const { put, get } = await givenStore({ driveCount });
    for (const size of [1, 20_000, MIB + 17]) {
      const bytes = bytesOf(size, size);
      await put("key", bytes);
      expect((await get("key")).equals(bytes)).toBe(true);
    }
  },
);

test("a length that is not known beforehand makes no difference", async () => {
  const { put, get } = await givenStore();
  for (const size of [0, 16 * KIB, 16 * KIB + 1, 3 * MIB]) {
    const bytes = bytesOf(size, size);
    await put("key", bytes, { sizeBytes: undefined });
    expect((await get("key")).equals(bytes)).toBe(true);
  }
});

test("many objects at the same time do not mix", async () => {
  const { put, get } = await givenStore();
  const bodies = Array.from({ length: 12 }, (_, seed) => bytesOf(700 * KIB + seed, seed));
  await Promise.all(bodies.map((bytes, index) => put(`key-${index}`, bytes)));
  const read = await Promise.all(bodies.map((_, index) => get(`key-${index}`)));
  expect(read.every((bytes, index) => bytes.equals(bodies[index] ?? Buffer.of()))).toBe(true);
});

test("a wrong Content-MD5 leaves the old object and no shards", async () => {
  const { put, get, shardFiles } = await givenStore();
  const old = bytesOf(100_000, 1);
  await put("key", old);
  const filesBefore = await shardFiles();

  const refused = put("key", bytesOf(2 * MIB, 2), { expectedMd5: md5(old) });

  await expect(refused).rejects.toMatchObject({ code: "BadDigest" });
  expect((await get("key")).equals(old)).toBe(true);
  expect(await shardFiles()).toEqual(filesBefore);
});

test("a body that breaks off leaves the old object and no shards", async () => {
  const { put, get, shardFiles } = await givenStore();
  const old = bytesOf(100_000, 1);
  await put("key", old);
  const filesBefore = await shardFiles();

  const refused = put("key", old, { sizeBytes: 8 * MIB, chunks: broken() });

  await expect(refused).rejects.toThrow("the client went away");
  expect((await get("key")).equals(old)).toBe(true);
  expect(await shardFiles()).toEqual(filesBefore);
});

test("a refused condition leaves no shards, before the body and after it", async () => {
  const { store, target, put, shardFiles } = await givenStore();
  await put("key", bytesOf(10, 1));
  let chunksTaken = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    chunksTaken += 1;
    yield bytesOf(100_000, 2);
  }
  const onlyNew = target("key", { condition: { ifNoneMatch: "*" } });
  const early = store.putObject(onlyNew, bodyOf(bytesOf(100_000, 2), { chunks: counted() }));
  await expect(early).rejects.toMatchObject({ code: "PreconditionFailed" });
  expect(chunksTaken).toBe(0);

  async function* overtaken(): AsyncGenerator<Uint8Array> {
    yield bytesOf(100_000, 3);
    await put("other", bytesOf(10, 1));
  }
  const other = target("other", { condition: { ifNoneMatch: "*" } });
  const late = store.putObject(other, bodyOf(bytesOf(100_000, 3), { chunks: overtaken() }));
  await expect(late).rejects.toMatchObject({ code: "PreconditionFailed" });
  expect(await shardFiles()).toEqual([]);
});

test("an object that is replaced while it is read is read to its end as it was", async () => {
  const { store, bucket, put, get } = await givenStore();
  const old = bytesOf(5 * MIB, 1);
  await put("key", old);
  const reading = await store.openObject(bucket, "key");
  await put("key", bytesOf(3 * MIB, 2));
  await store.collectTrash();
  expect((await collect(reading?.read(0, old.length) ?? noWindows())).equals(old)).toBe(true);
  expect((await get("key")).equals(bytesOf(3 * MIB, 2))).toBe(true);
});

test("a reader who leaves early keeps nothing", async () => {
  const { store, bucket, put } = await givenStore();
  await put("key", bytesOf(5 * MIB, 1));
  const reading = await store.openObject(bucket, "key");
  for await (const window of reading?.read(0, 5 * MIB) ?? noWindows()) {
    window.release();
    break;
  }
  expect(store.openReadings()).toBe(0);
});

test("a reader who leaves before the first byte keeps nothing", async () => {
  const { store, bucket, put } = await givenStore();
  await put("key", bytesOf(MIB, 1));
  const reading = await store.openObject(bucket, "key");
  const windows = (reading?.read(0, MIB) ?? noWindows())[Symbol.asyncIterator]();
  expect(store.openReadings()).toBe(1);
  await windows.return?.();
  expect(store.openReadings()).toBe(0);
});

test("a set names the object in its shards, and no two objects share one", async () => {
  const { put } = await givenStore();
  const first = await put("a", bytesOf(20_000, 1));
  const second = await put("b", bytesOf(20_000, 1));
  expect(setIdOf(first)).not.toBe(setIdOf(second));
});

async function* broken(): AsyncGenerator<Uint8Array> {
  for (let chunk = 0; chunk < 40; chunk += 1) yield bytesOf(64 * KIB, chunk);
  throw new Error("the client went away");
}

async function* noWindows(): AsyncGenerator<never> {
  // There was no reading; the comparison fails.
}
