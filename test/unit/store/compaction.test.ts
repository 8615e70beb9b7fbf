// Compaction: what is dead goes, what is named stays readable at every moment, and what cannot be read is kept.

import { expect, test, vi } from "vitest";
import { S3Error } from "../../../src/core/s3-error.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { givenPacks, packedOf, packFiles } from "../../support/pack-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import {
  bodyOf,
  bytesOf,
  collect,
  HandClock,
  OWNER,
  type StoreLab,
} from "../../support/store-lab.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const SIZE = 20_000;
const ALL = { deadShareMin: 0.000_001, sealsOpen: true };
const LIMITS = { packSealBytes: 10 * SIZE, packBytesMax: 1024 * 1024 };

async function putAll(lab: StoreLab, count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, seed) => `key-${seed}`);
  for (let at = 0; at < count; at += 8) {
    await Promise.all(
      keys.slice(at, at + 8).map((key, offset) => lab.put(key, bytesOf(SIZE, at + offset))),
    );
  }
  return keys;
}

async function isWhole(lab: StoreLab, key: string): Promise<boolean> {
  return (await lab.get(key)).equals(bytesOf(SIZE, Number(key.slice("key-".length))));
}

/** `content` is the seed of the bytes that must be there; undefined: nothing must be. */
async function readsAsExpected(lab: StoreLab, key: string, content?: number): Promise<boolean> {
  const reading = await lab.store.openObject(lab.bucket, key);
  if (reading === undefined || content === undefined) {
    reading?.close();
    return reading === undefined && content === undefined;
  }
  const bytes = await collect(reading.read(0, reading.object.sizeBytes));
  return bytes.equals(bytesOf(SIZE, content));
}

async function usedBytes(lab: StoreLab): Promise<number> {
  const spaces = await Promise.all(lab.disks.map((disk) => disk.space()));
  return spaces.reduce((sum, { totalBytes, freeBytes }) => sum + totalBytes - freeBytes, 0);
}

test("after a random half is deleted and compacted, only what is left takes space", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock, limits: LIMITS });
  const keys = await putAll(lab, 120);
  const before = await usedBytes(lab);
  const random = seededRandom(5);
  const gone = keys.filter(() => random.below(2) === 0);
  const left = keys.filter((key) => !gone.includes(key));
  await deleteKeys(lab.store, lab.bucket, gone);

  const progress = await lab.store.compactPacks(ALL);
  expect(progress).toMatchObject({ unreadableCount: 0, keptCount: 0, isComplete: true });
  expect(progress.movedCount).toBeGreaterThan(20);
  expect(progress.movedBytes).toBe(progress.movedCount * SIZE);
  for (const key of left) expect(await isWhole(lab, key)).toBe(true);

  await lab.store.compactPacks(ALL);
  await lab.store.collectTrash();
  clock.nowMs += 60_000;
  await lab.store.collectTrash();
  for (const key of left) expect(await isWhole(lab, key)).toBe(true);
  expect(await usedBytes(lab)).toBeLessThan(before * 0.6);
  expect(await usedBytes(lab)).toBeLessThan(left.length * SIZE * 1.65);
  const again = await lab.store.compactPacks(ALL);
  expect(again).toMatchObject({ packCount: 0, movedCount: 0 });
});

test("a pack that has died since it was chosen is not looked into", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock, limits: LIMITS });
  await lab.put("first", bytesOf(SIZE, 0));
  const second = await lab.put("second", bytesOf(SIZE, 1));
  await deleteKeys(lab.store, lab.bucket, ["first"]);
  const list = lab.metadata.listSparsePacks.bind(lab.metadata);
  vi.spyOn(lab.metadata, "listSparsePacks").mockImplementationOnce(async (...asked) => {
    const page = await list(...asked);
    await deleteKeys(lab.store, lab.bucket, ["second"]);
    await lab.store.collectTrash();
    clock.nowMs += 3_600_000;
    await lab.store.collectTrash();
    return page;
  });
  const progress = await lab.store.compactPacks(ALL);
  expect(progress).toMatchObject({ packCount: 0, unreadableCount: 0, keptCount: 0 });
  expect(await packFiles(lab, second)).toEqual(Array.from({ length: 6 }, () => undefined));
});

test("the worker empties packs that are mostly dead, one a step, and leaves the others", async () => {
  const lab = await givenPacks({ limits: { ...LIMITS, packSealBytes: 4 * SIZE } });
  for (let seed = 0; seed < 12; seed += 1) await lab.put(`key-${seed}`, bytesOf(SIZE, seed));
  await lab.store.compactPacks({ ...ALL, packsMax: 0 });
  // Of three packs of four, one loses one, one two and one three.
  await deleteKeys(lab.store, lab.bucket, ["key-0", "key-4", "key-5", "key-8", "key-9", "key-10"]);
  const steps = [];
  for (let step = 0; step < 4; step += 1) steps.push(await lab.store.compactDue());
  expect(steps.map(({ packCount }) => packCount)).toEqual([1, 1, 0, 0]);
  for (const key of ["key-1", "key-6", "key-7", "key-11"])
    expect(await isWhole(lab, key)).toBe(true);
});

test("older versions are moved too, and stay readable by their ids", async () => {
  const lab = await givenPacks({ limits: LIMITS });
  const { store, bucket } = lab;
  const keys = await putAll(lab, 20);
  await store.setVersioning(bucket, "enabled");
  for (const [seed, key] of keys.entries()) await lab.put(key, bytesOf(SIZE, 100 + seed));
  const [gone, left] = [keys.slice(0, 10), keys.slice(10)];
  const requests = gone.map((key) => ({ key, versionId: "null", mayBypassGovernance: true }));
  await store.deleteObjects(bucket, requests, bucket.ownerId);

  const progress = await store.compactPacks(ALL);
  expect(progress).toMatchObject({ unreadableCount: 0, keptCount: 0, isComplete: true });
  expect(progress.movedCount).toBeGreaterThan(0);
  for (const [index, key] of left.entries()) {
    const reading = await store.openObject(bucket, key, "null");
    if (reading === undefined) throw new Error("an older version is gone");
    const bytes = await collect(reading.read(0, SIZE));
    expect(bytes.equals(bytesOf(SIZE, 10 + index))).toBe(true);
  }
  const packs = await lab.metadata.listSparsePacks(ALL.deadShareMin, undefined, 10);
  expect(packs).toEqual([]);
});

test("parts are moved too, of uploads in progress and of completed ones", async () => {
  const lab = await givenPacks({ limits: LIMITS });
  const { store, bucket } = lab;
  const putUpload = async (key: string, isDone: boolean) => {
    const upload = await store.createUpload(lab.target(key), OWNER, undefined);
    const part = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(SIZE, 7)));
    const request = {
      bucket,
      key,
      uploadId: upload.uploadId,
      parts: [{ number: 1, etag: part.etag, checksum: undefined }],
      checksum: undefined,
      checksumType: undefined,
      expectedBytes: undefined,
      condition: undefined,
    };
    if (isDone) await store.completeUpload(request);
    return request;
  };
  await putUpload("done", true);
  const open = await putUpload("open", false);
  await lab.put("key-1", bytesOf(SIZE, 1));
  await deleteKeys(store, bucket, ["key-1"]);
  // Of the completed one its record, too.
  expect(await store.compactPacks(ALL)).toMatchObject({ movedCount: 3, keptCount: 0 });
  expect((await lab.get("done")).equals(bytesOf(SIZE, 7))).toBe(true);
  await store.completeUpload(open);
  expect((await lab.get("open")).equals(bytesOf(SIZE, 7))).toBe(true);
});

test("F66 F74 reads, overwrites, deletes and copies go on while everything is moved", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  const clock = new HandClock();
  const lab = await givenPacks({ clock, limits: LIMITS });
  const { store, bucket } = lab;
  const keys = await putAll(lab, 60);
  const standing = new Map(keys.map((key, index) => [key, index] as const));
  const over = new AbortController();
  const compactor = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await store.compactPacks(ALL);
      clock.nowMs += 70_000;
      await store.collectTrash();
    }
  };
  const wrong: string[] = [];
  // Each client has keys of its own, so that what a read must give is known.
  const client = async (own: readonly string[]): Promise<void> => {
    for (let step = 0; step < 120; step += 1) {
      const key = own[random.below(own.length)] ?? "";
      const choice = random.below(10);
      const content = random.below(1_000_000);
      if (choice < 3) {
        await lab.put(key, bytesOf(SIZE, content));
        standing.set(key, content);
      } else if (choice < 4) {
        await deleteKeys(store, bucket, [key]);
        standing.delete(key);
      } else if (choice < 5) {
        const reading = await store.openObject(bucket, key);
        const target = own[random.below(own.length)] ?? "";
        const copied = standing.get(key);
        if (reading === undefined || copied === undefined) continue;
        await store.copyObject({ bucket, reading }, lab.target(target), undefined);
        standing.set(target, copied);
      } else if (!(await readsAsExpected(lab, key, standing.get(key)))) {
        wrong.push(key);
      }
    }
  };
  const compacting = compactor();
  const clients = [0, 1, 2, 3, 4, 5].map((turn) =>
    client(keys.filter((_, index) => index % 6 === turn)),
  );
  await Promise.all(clients);
  expect(wrong, `seed ${seed}`).toEqual([]);
  over.abort();
  await compacting;
  for (const [key, content] of standing) {
    expect((await lab.get(key)).equals(bytesOf(SIZE, content)), `seed ${seed}`).toBe(true);
  }
  await deleteKeys(store, bucket, keys);
  await store.compactPacks(ALL);
  await store.collectTrash();
  clock.nowMs += 70_000;
  await store.collectTrash();
  expect(await lab.shardFiles()).toEqual([]);
});

test("what cannot be read is kept and counted; the worker does not try it all the time", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock, limits: LIMITS });
  const objects: ObjectRecord[] = [];
  for (let seed = 0; seed < 6; seed += 1)
    objects.push(await lab.put(`key-${seed}`, bytesOf(SIZE, seed)));
  await deleteKeys(lab.store, lab.bucket, ["key-0", "key-1", "key-2"]);
  await lab.store.compactPacks({ ...ALL, packsMax: 0 });
  const [, , , damaged] = objects;
  if (damaged === undefined) throw new Error("there are six");
  const files = await packFiles(lab, damaged);
  for (const file of files.slice(0, 3)) {
    file?.disk.corrupt(file.path, { kind: "flip", offset: packedOf(damaged).offset + 100 });
  }
  const expected = { packCount: 1, movedCount: 2, unreadableCount: 1, keptCount: 1 };
  expect(await lab.store.compactDue()).toMatchObject(expected);
  expect(await lab.store.compactDue()).toMatchObject({ packCount: 0 });
  clock.nowMs += 3_600_000;
  expect(await lab.store.compactDue()).toMatchObject({ ...expected, movedCount: 0 });
  for (const key of ["key-4", "key-5"]) expect(await isWhole(lab, key)).toBe(true);
  // Once the damage is gone the rest follows.
  for (const file of files.slice(0, 3)) {
    file?.disk.corrupt(file.path, { kind: "flip", offset: packedOf(damaged).offset + 100 });
  }
  expect(await lab.store.compactPacks(ALL)).toMatchObject({ movedCount: 1, keptCount: 0 });
  expect(await isWhole(lab, "key-3")).toBe(true);
});

test("F29 headers that are bad are read from another shard; where all are, the pack is kept", async () => {
  const lab = await givenPacks({ limits: LIMITS });
  const objects: ObjectRecord[] = [];
  for (let seed = 0; seed < 4; seed += 1)
    objects.push(await lab.put(`key-${seed}`, bytesOf(SIZE, seed)));
  await deleteKeys(lab.store, lab.bucket, ["key-0"]);
  const [, second] = objects;
  if (second === undefined) throw new Error("there are four");
  const { offset } = packedOf(second);
  const files = await packFiles(lab, second);
  const flip = (file: (typeof files)[number]): void => {
    file?.disk.corrupt(file.path, { kind: "flip", offset: offset - 10 });
  };
  for (const file of files) flip(file);
  expect(await lab.store.compactPacks(ALL)).toMatchObject({ movedCount: 0, keptCount: 1 });
  for (const key of ["key-1", "key-2", "key-3"]) expect(await isWhole(lab, key)).toBe(true);
  flip(files[5]);
  expect(await lab.store.compactPacks(ALL)).toMatchObject({ movedCount: 3, keptCount: 0 });
  for (const key of ["key-1", "key-2", "key-3"]) expect(await isWhole(lab, key)).toBe(true);
});

test("with two drives away it goes on reading, and copies what it can write", async () => {
  const clock = new HandClock();
  const lab = await givenPacks({ clock, limits: LIMITS });
  const keys = await putAll(lab, 20);
  await deleteKeys(lab.store, lab.bucket, keys.slice(0, 15));
  lab.disks[0]?.setOffline(true);
  const progress = await lab.store.compactPacks(ALL);
  expect(progress).toMatchObject({ unreadableCount: 0, keptCount: 0 });
  for (const key of keys.slice(15)) expect(await isWhole(lab, key)).toBe(true);
  lab.disks[3]?.setOffline(true);
  await deleteKeys(lab.store, lab.bucket, keys.slice(15, 17));
  await expect(lab.store.compactPacks(ALL)).rejects.toBeInstanceOf(S3Error);
  for (const key of keys.slice(17)) expect(await isWhole(lab, key)).toBe(true);
});

test("F07 a crash between copy and move leaves the object where it was; the next process moves it", async () => {
  let isDead = false;
  const lab = await givenPacks({
    limits: LIMITS,
    wrapMetadata: (metadata) =>
      new Proxy(metadata, {
        get: (target, name) => {
          if (name === "movePacked" && isDead) {
            return () => Promise.reject(new Error("killed before the move"));
          }
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }) satisfies MetadataStore,
  });
  await putAll(lab, 9);
  await deleteKeys(lab.store, lab.bucket, ["key-0", "key-1"]);
  isDead = true;
  await expect(lab.store.compactPacks(ALL)).rejects.toThrow("killed before the move");
  isDead = false;
  const store = await reopenStore(lab, { limits: LIMITS });
  for (let seed = 2; seed < 9; seed += 1) expect(await isWhole(lab, `key-${seed}`)).toBe(true);
  const { movedCount, keptCount } = await store.compactPacks(ALL);
  expect({ movedCount, keptCount }).toEqual({ movedCount: 7, keptCount: 0 });
  for (let seed = 2; seed < 9; seed += 1) expect(await isWhole(lab, `key-${seed}`)).toBe(true);
});

test("F43 on drives that are full up to their reserve it goes on, and makes room", async () => {
  const clock = new HandClock();
  let freeBytes = 10 ** 9;
  const lab = await givenPacks({
    clock,
    limits: { ...LIMITS, reserveShare: 0.5, spaceEveryMs: 1 },
    wrap: (drive) =>
      new Proxy(drive, {
        get: (target, name) => {
          if (name === "space") {
            const rest = { freeInodes: undefined, totalInodes: undefined };
            return async () => ({ freeBytes, totalBytes: 10 ** 9, ...rest });
          }
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  const keys = await putAll(lab, 20);
  await deleteKeys(lab.store, lab.bucket, keys.slice(0, 15));
  await lab.store.compactPacks({ ...ALL, packsMax: 0 });
  freeBytes = 10 ** 8;
  await expect
    .poll(() =>
      lab.put("refused", bytesOf(SIZE, 1)).then(
        () => "taken",
        (error: S3Error) => error.code,
      ),
    )
    .toBe("InsufficientStorage");
  const progress = await lab.store.compactPacks(ALL);
  expect(progress).toMatchObject({ keptCount: 0, unreadableCount: 0 });
  expect(progress.movedCount).toBeGreaterThan(0);
  for (const key of keys.slice(15)) expect(await isWhole(lab, key)).toBe(true);
});
