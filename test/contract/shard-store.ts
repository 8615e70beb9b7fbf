// What every ShardStore promises, told to each implementation: a local drive, and a drive of a node over HTTP.
// `openStore` gives a store on a formatted drive without shards. Errors of create may come with the next call.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { SetId } from "../../src/core/ids.ts";
import {
  ShardError,
  type ShardErrorCode,
  type ShardName,
  type ShardStore,
} from "../../src/datanode/shard-store.ts";

export function describeShardStore(openStore: () => Promise<ShardStore>): void {
  test("what was appended reads back, whole and at any offset", async () => {
    const store = await openStore();
    const name = newName();
    const pieces = [randomBytes(512), randomBytes(70_000), randomBytes(4), randomBytes(1)];
    const writer = await store.create(name);
    await writer.append(pieces.slice(0, 2));
    await writer.append([]);
    await writer.append(pieces.slice(2, 3));
    await writer.finish(pieces.slice(3));

    const all = Buffer.concat(pieces);
    expect(await store.size(name)).toBe(all.length);
    expect(await readShard(store, name, 0, all.length)).toEqual(all);
    expect(await readShard(store, name, 511, 3)).toEqual(all.subarray(511, 514));
    expect(await readShard(store, name, all.length - 1, 1)).toEqual(all.subarray(-1));
  });

  test("chunks are the caller's again when append has resolved", async () => {
    const store = await openStore();
    const name = newName();
    const writer = await store.create(name);
    const chunk = Buffer.alloc(300_000, 1);
    await writer.append([chunk]);
    chunk.fill(2);
    await writer.append([chunk]);
    chunk.fill(3);
    await writer.finish([]);
    const expected = Buffer.concat([Buffer.alloc(300_000, 1), Buffer.alloc(300_000, 2)]);
    expect(expected.equals(await readShard(store, name, 0, 600_000))).toBe(true);
  });

  test("a shard of several MiB goes through in order", async () => {
    const store = await openStore();
    const name = newName();
    const writer = await store.create(name);
    const pieces = Array.from({ length: 8 }, () => randomBytes(512 * 1024));
    for (const piece of pieces) await writer.append([piece]);
    await writer.finish([]);
    const all = Buffer.concat(pieces);
    expect(all.equals(await readShard(store, name, 0, all.length))).toBe(true);
  });

  test("a replacement takes the place of what stands there in one step, when it is whole", async () => {
    const store = await openStore();
    const name = newName();
    const [old, fresh] = [randomBytes(10_000), randomBytes(300_000)];
    await (await store.create(name)).finish([old]);
    const given = await store.create(name, "replacement");
    await given.append([fresh]);
    expect(old.equals(await readShard(store, name, 0, old.length))).toBe(true);
    await given.abort();
    expect(await store.size(name)).toBe(old.length);
    const writer = await store.create(name, "replacement");
    await writer.append([fresh.subarray(0, 200_000)]);
    expect(old.equals(await readShard(store, name, 0, old.length))).toBe(true);
    await writer.finish([fresh.subarray(200_000)]);
    expect(await store.size(name)).toBe(fresh.length);
    expect(fresh.equals(await readShard(store, name, 0, fresh.length))).toBe(true);
    const lost = newName();
    await (await store.create(lost, "replacement")).finish([fresh]);
    expect(await store.size(lost)).toBe(fresh.length);
    expect(await store.list(Number.parseInt(lost.setId.slice(-2), 16))).toContainEqual(lost);
  });

  test("a shard may be empty", async () => {
    const store = await openStore();
    const name = newName();
    await (await store.create(name)).finish([]);
    expect(await store.size(name)).toBe(0);
    expect(await store.list(bucketOf(name))).toEqual([name]);
  });

  test("an absent shard is NotFound, and deleting it is no error", async () => {
    const store = await openStore();
    expect(await shardErrorOf(readShard(store, newName(), 0, 1))).toBe("NotFound");
    expect(await shardErrorOf(store.size(newName()))).toBe("NotFound");
    await store.delete(newName());
  });

  test("F34 a read beyond the end is Corrupt, never short", async () => {
    const store = await openStore();
    const name = await givenShard(store, Buffer.from("0123456789"));
    expect(await shardErrorOf(readShard(store, name, 8, 3))).toBe("Corrupt");
    expect(await shardErrorOf(readShard(store, name, 10, 1))).toBe("Corrupt");
    expect(await shardErrorOf(readShard(store, name, 1_000_000, 1))).toBe("Corrupt");
    expect((await readShard(store, name, 8, 2)).toString()).toBe("89");
  });

  test("a second shard of one name is refused, and the first one stays", async () => {
    const store = await openStore();
    const name = await givenShard(store, Buffer.from("first"));
    const second = async (): Promise<void> => {
      const writer = await store.create(name);
      try {
        await writer.finish([Buffer.from("second")]);
      } catch (error) {
        await writer.abort();
        throw error;
      }
    };
    expect(await shardErrorOf(second())).toBe("Exists");
    expect((await readShard(store, name, 0, 5)).toString()).toBe("first");
  });

  test("an aborted shard leaves nothing, whenever it is aborted", async () => {
    const store = await openStore();
    const name = newName();
    const early = await store.create(name);
    await early.abort();
    const late = await store.create({ ...name, index: 1 });
    await late.append([randomBytes(200_000)]);
    await late.abort();
    await late.abort();
    expect(await store.list(bucketOf(name))).toEqual([]);
    expect(await shardErrorOf(readShard(store, name, 0, 1))).toBe("NotFound");
  });

  test("a deleted shard is gone, also for those who have just read it", async () => {
    const store = await openStore();
    const name = await givenShard(store, Buffer.from("soon gone"));
    expect((await readShard(store, name, 0, 4)).toString()).toBe("soon");
    await store.delete(name);
    expect(await shardErrorOf(readShard(store, name, 0, 4))).toBe("NotFound");
    expect(await shardErrorOf(store.size(name))).toBe("NotFound");
    expect(await store.list(bucketOf(name))).toEqual([]);
  });

  test("list names every shard of a bucket, and no other", async () => {
    const store = await openStore();
    const set = newName("ab");
    const names = [0, 1, 5, 11].map((index) => ({ ...set, index }));
    for (const name of names) await (await store.create(name)).finish([Buffer.from("x")]);
    await (await store.create(newName("ac"))).finish([Buffer.from("y")]);

    const listed = [...(await store.list(0xab))].toSorted((one, two) => one.index - two.index);
    expect(listed).toEqual(names);
    expect(await store.list(0xac)).toHaveLength(1);
    expect(await store.list(0)).toEqual([]);
    expect(await store.list(255)).toEqual([]);
  });

  test("a pack is read while it grows: all that was appended, and nothing beyond", async () => {
    const store = await openStore();
    const name = newName();
    const pack = await store.createPack(name);
    const pieces = [randomBytes(512), randomBytes(70_000), randomBytes(3), randomBytes(400_000)];
    await pack.append(0, pieces.slice(0, 2));
    expect(await store.size(name)).toBe(70_512);
    expect(await readShard(store, name, 0, 70_512)).toEqual(Buffer.concat(pieces.slice(0, 2)));
    expect(await shardErrorOf(readShard(store, name, 70_000, 513))).toBe("Corrupt");
    await pack.append(70_512, pieces.slice(2));
    const all = Buffer.concat(pieces);
    expect(all.equals(await readShard(store, name, 0, all.length))).toBe(true);
    expect(await store.size(name)).toBe(all.length);
    await pack.seal(all.length, [Buffer.from("end")]);
    expect((await readShard(store, name, all.length, 3)).toString()).toBe("end");
    expect(await store.list(bucketOf(name))).toEqual([name]);
    await pack.close();
    expect(await store.size(name)).toBe(all.length + 3);
    await store.delete(name);
    expect(await shardErrorOf(store.size(name))).toBe("NotFound");
  });

  test("chunks are the caller's again when a pack's append has resolved", async () => {
    const store = await openStore();
    const name = newName();
    const pack = await store.createPack(name);
    const chunk = Buffer.alloc(300_000, 1);
    await pack.append(0, [chunk]);
    chunk.fill(2);
    await pack.append(300_000, [chunk]);
    await pack.close();
    const expected = Buffer.concat([Buffer.alloc(300_000, 1), Buffer.alloc(300_000, 2)]);
    expect(expected.equals(await readShard(store, name, 0, 600_000))).toBe(true);
  });

  test("a pack that ends elsewhere than its writer believes takes nothing, then or later", async () => {
    const store = await openStore();
    const name = newName();
    const pack = await store.createPack(name);
    await pack.append(0, [Buffer.from("0123")]);
    expect(await shardErrorOf(pack.append(3, [Buffer.from("x")]))).toBe("Unavailable");
    expect(await shardErrorOf(pack.append(4, [Buffer.from("x")]))).toBe("Unavailable");
    await pack.close();
    expect(await shardErrorOf(pack.append(4, [Buffer.from("x")]))).toBe("Unavailable");
    expect(await shardErrorOf(pack.seal(4, []))).toBe("Unavailable");
    expect((await readShard(store, name, 0, 4)).toString()).toBe("0123");
    expect(await store.size(name)).toBe(4);
  });

  test("a pack is not begun under a name that is taken, and what is there stays", async () => {
    const store = await openStore();
    const name = await givenShard(store, Buffer.from("first"));
    const begin = async (): Promise<void> => {
      const pack = await store.createPack(name);
      await pack.append(0, [Buffer.from("second")]).finally(() => pack.close());
    };
    expect(await shardErrorOf(begin())).toBe("Exists");
    expect((await readShard(store, name, 0, 5)).toString()).toBe("first");
  });

  test("closing a pack removes nothing; one that took nothing may be closed too", async () => {
    const store = await openStore();
    const name = newName();
    const pack = await store.createPack(name);
    await pack.append(0, [Buffer.from("kept")]);
    await pack.close();
    await pack.close();
    expect((await readShard(store, name, 0, 4)).toString()).toBe("kept");
    await (await store.createPack(newName())).close();
  });

  test("shards written and read at the same time do not mix", async () => {
    const store = await openStore();
    const contents = Array.from({ length: 24 }, (_, index) => Buffer.alloc(90_000, index));
    const names = await Promise.all(contents.map((content) => givenShard(store, content)));
    const back = await Promise.all(names.map((name) => readShard(store, name, 0, 90_000)));
    expect(back.map((bytes, index) => bytes.equals(contents[index] ?? bytes.subarray(1)))).toEqual(
      contents.map(() => true),
    );
  });

  test("space and device have sane answers", async () => {
    const store = await openStore();
    const { freeBytes, totalBytes } = await store.space();
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    expect(await store.device()).toMatch(/^.+\/\d+$/);
    expect(store.label).not.toBe("");
  });

  test("a closed store is Unavailable; closing twice is no error", async () => {
    const store = await openStore();
    const name = await givenShard(store, Buffer.from("x"));
    await store.close();
    await store.close();
    expect(await shardErrorOf(readShard(store, name, 0, 1))).toBe("Unavailable");
  });
}

/** A set id that ends in the two digits of its bucket. */
export function newName(bucketDigits = "7f"): ShardName {
  return { setId: `${randomBytes(15).toString("hex")}${bucketDigits}` as SetId, index: 0 };
}

export function bucketOf(name: ShardName): number {
  return Number.parseInt(name.setId.slice(-2), 16);
}

export async function givenShard(
  store: ShardStore,
  content: Uint8Array,
  name = newName(),
): Promise<ShardName> {
  const writer = await store.create(name);
  await writer.finish([content]);
  return name;
}

export async function readShard(
  store: ShardStore,
  name: ShardName,
  offset: number,
  length: number,
): Promise<Buffer> {
  const target = Buffer.alloc(length);
  await store.read(name, offset, target);
  return target;
}

/** The code with which it rejects; what is no ShardError is thrown on. */
export async function shardErrorOf(work: Promise<unknown>): Promise<ShardErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof ShardError) return error.code;
    throw error;
  }
}
