// Reads through damage: any one or two of six shards flipped, cut off, too long, gone, of another object, unreadable or
// hung, and every byte still comes back as it was put, in the same request. Beyond that the read fails and says so.

import { expect, test } from "vitest";
import { ShardError } from "../../src/datanode/shard-store.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import type { ByteWindow } from "../../src/store/byte-window.ts";
import { AT_ONCE } from "../../src/store/repair/pace.ts";
import {
  bytesOf,
  callsOf,
  collect,
  givenStore,
  setIdOf,
  type StoreLab,
} from "../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SHARDS = [0, 1, 2, 3, 4, 5] as const;
const PAIRS = SHARDS.flatMap((a) => SHARDS.filter((b) => b > a).map((b) => [a, b] as const));
const SIZES = [17 * KIB, 300 * KIB + 1, MIB + 300 * KIB];

/** Damages one shard of an object. */
type Damage = (lab: StoreLab, object: ObjectRecord, index: number) => Promise<void>;

const damages: Readonly<Record<string, Damage>> = {
  "F28 a flipped byte in a block": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    const { headerBytes } = contentOf(object);
    disk.corrupt(path, { kind: "flip", offset: headerBytes + 97, bit: index });
  },
  "F28 a flipped byte in a block's checksum": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    const { headerBytes } = contentOf(object);
    const unitBytes = Math.min(64 * KIB, Math.ceil(object.sizeBytes / 4));
    disk.corrupt(path, { kind: "flip", offset: headerBytes + unitBytes + 1 });
  },
  "F22 F34 a shard that was cut off": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    disk.corrupt(path, { kind: "truncate", sizeBytes: contentOf(object).headerBytes + 1_000 });
  },
  "F34 an empty shard": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    disk.corrupt(path, { kind: "truncate", sizeBytes: 0 });
  },
  "F34 a shard with bytes behind its end": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    disk.corrupt(path, { kind: "extend", bytes: bytesOf(1_000, 1) });
  },
  "F36 a shard that is gone": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    await disk.unlink(path);
  },
  "F33 another object's shard under its name": async ({ shardOf, put }, object, index) => {
    const other = await put(`other-${index}`, bytesOf(object.sizeBytes, 99));
    const { disk, path } = await shardOf(object, index);
    const source = await shardOf(other, index);
    const bytes = await source.disk.readFile(source.path);
    await disk.unlink(path);
    await disk.writeFile(path, bytes);
  },
  "F26 a shard that cannot be read": async ({ shardOf }, object, index) => {
    const { disk, path } = await shardOf(object, index);
    const effect = { kind: "error", code: "EIO" } as const;
    disk.inject({ calls: ["read"], pathPrefix: path, effect });
  },
  "F46 a drive that hangs": async ({ shardOf }, object, index) => {
    const { disk } = await shardOf(object, index);
    disk.inject({ calls: ["open", "read", "space"], effect: { kind: "hang" } });
  },
};

test.each(Object.entries(damages))("%s: any one or two of six", async (_name, damage) => {
  const cases = [...SHARDS.map((index) => [index]), ...PAIRS];
  for (const size of SIZES) {
    await Promise.all(
      cases.map(async (indexes) => {
        const lab = await givenStore({ limits: { hedgeMsMin: 20 } });
        const bytes = bytesOf(size, size);
        const object = await lab.put("key", bytes);
        for (const index of indexes) await damage(lab, object, index);
        const told = `${size} bytes, shards ${indexes.join()}`;
        expect((await lab.get("key")).equals(bytes), told).toBe(true);
        const start = Math.floor(size / 3);
        const eight = await lab.get("key", start, start + 8);
        expect(eight.equals(bytes.subarray(start, start + 8)), told).toBe(true);
        const middle = await lab.get("key", start, size - 1);
        expect(middle.equals(bytes.subarray(start, size - 1)), told).toBe(true);
      }),
    );
  }
});

test("F28 damaged and missing shards are noted for repair, shards of drives that are away are not", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  const object = await lab.put("key", bytes);
  const flipped = await lab.shardOf(object, 1);
  flipped.disk.corrupt(flipped.path, { kind: "flip", offset: 5_000 });
  const away = await lab.shardOf(object, 3);
  away.disk.setOffline(true);

  expect((await lab.get("key")).equals(bytes)).toBe(true);

  const found = await lab.store.findObject(lab.bucket, "key");
  expect(found?.content).toMatchObject({ set: { missing: [1] } });
});

test("F26 a shard that cannot be read is noted for repair, and its drive is not set aside for it", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  const object = await lab.put("key", bytes);
  await damages["F26 a shard that cannot be read"]?.(lab, object, 1);
  expect((await lab.get("key")).equals(bytes)).toBe(true);
  const setId = setIdOf(object);
  expect(await lab.metadata.listDegradedSets(undefined, 9)).toMatchObject([
    { id: setId, missing: [1] },
  ]);
  expect(lab.store.awayCount()).toBe(0);
  // The new file lies elsewhere on the platter.
  const { disk } = await lab.shardOf(object, 1);
  disk.heal();
  expect(await lab.store.repairSet(setId, { pace: AT_ONCE })).toMatchObject({ rebuilt: [1] });
});

test.each([
  ["F38 gone", "F36 a shard that is gone", "InternalError"],
  ["F38 unreadable", "F26 a shard that cannot be read", "InternalError"],
  ["F38 away", "F46 a drive that hangs", "ServiceUnavailable"],
])("three shards %s: the read fails and says so", async (_title, name, code) => {
  const lab = await givenStore();
  const object = await lab.put("key", bytesOf(MIB, 1));
  for (const index of [0, 2, 5]) await damages[name]?.(lab, object, index);
  await expect(lab.get("key")).rejects.toMatchObject({ code });
});

test("F38 shards that go bad under a read cut it off: it never ends short", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(6 * MIB, 1);
  const object = await lab.put("key", bytes);
  for (const index of [0, 1, 4]) {
    const { disk, path } = await lab.shardOf(object, index);
    const offset = contentOf(object).headerBytes + 17 * (64 * KIB + 4) + 9;
    disk.corrupt(path, { kind: "flip", offset });
  }
  const reading = await lab.store.openObject(lab.bucket, "key");
  const taken: Buffer[] = [];
  const read = (async () => {
    for await (const window of reading?.read(0, bytes.length) ?? []) {
      taken.push(...window.chunks.map((chunk) => Buffer.from(chunk)));
      window.release();
    }
  })();
  await expect(read).rejects.toMatchObject({ code: "InternalError" });
  const sent = Buffer.concat(taken);
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.equals(bytes.subarray(0, sent.length))).toBe(true);
  expect(lab.store.openReadings()).toBe(0);
});

test("F66 drives lost in the middle of a read do not show in its bytes", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(8 * MIB, 1);
  const object = await lab.put("key", bytes);
  const reading = await lab.store.openObject(lab.bucket, "key");
  const lost = await Promise.all([1, 2].map((index) => lab.shardOf(object, index)));
  const taken: Buffer[] = [];
  for await (const window of reading?.read(0, bytes.length) ?? []) {
    taken.push(...window.chunks.map((chunk) => Buffer.from(chunk)));
    window.release();
    for (const { disk } of lost) disk.setOffline(true);
  }
  expect(Buffer.concat(taken).equals(bytes)).toBe(true);
});

test("a good read asks the data shards of its range and nothing else", async () => {
  const asked: string[] = [];
  const lab = await givenStore({
    wrap: (drive) => ({
      ...callsOf(drive),
      read: (name, offset, target) => {
        asked.push(`${name.index}:${target.length}`);
        return drive.read(name, offset, target);
      },
    }),
  });
  await lab.put("key", bytesOf(3 * MIB, 1));
  await lab.get("key", 70_000, 70_008);
  expect(asked).toEqual([`1:${64 * KIB + 4}`]);
  asked.length = 0;
  await lab.get("key");
  expect(asked.map((call) => Number(call.split(":")[0])).every((index) => index < 4)).toBe(true);
  expect(asked.length).toBe(3 * 4);
});

test("F46 a drive that never answers holds nobody up, even while the others are fast", async () => {
  const lab = await givenStore({
    limits: { hedgeMsMin: 5 },
    wrap: (drive, position) =>
      position === 2 ? { ...callsOf(drive), read: () => new Promise<void>(() => {}) } : drive,
  });
  const bytes = bytesOf(5 * MIB, 1);
  for (const key of ["a", "b", "c", "d"]) {
    await lab.put(key, bytes);
    expect((await lab.get(key)).equals(bytes)).toBe(true);
  }
});

test("where more drives are late than others can stand in for, none of them is asked", async () => {
  const asked = new Set<number>();
  const waiting: (() => void)[] = [];
  const lab = await givenStore({
    limits: { hedgeMsMin: 1 },
    wrap: (drive) => ({
      ...callsOf(drive),
      read: async (name, offset, target) => {
        asked.add(name.index);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return drive.read(name, offset, target);
      },
    }),
  });
  const bytes = bytesOf(MIB, 1);
  await lab.put("key", bytes);
  const getting = lab.get("key");
  await expect.poll(() => waiting.length).toBe(4);
  // Many times as long as a read may take.
  await new Promise((resolve) => void setTimeout(resolve, 40));
  expect(asked).toEqual(new Set([0, 1, 2, 3]));
  // Two of them come: parity can do without the others, and is asked.
  waiting.splice(0, 2).forEach((release) => release());
  await expect.poll(() => asked.size).toBe(6);
  waiting.splice(2).forEach((release) => release());
  expect((await getting).equals(bytes)).toBe(true);
  waiting.forEach((release) => release());
});

test("bytes that decode to something implausible are not sent", async () => {
  const lab = await givenStore({
    wrapCodec: (codec) => ({
      encode: (stripe, geometry) => codec.encode(stripe, geometry),
      reconstruct: (stripe, geometry, present) => {
        codec.reconstruct(stripe, geometry, present);
        const at = present.indexOf(false) * geometry.unitBytes;
        stripe[at] = (stripe[at] ?? 0) ^ 1;
      },
    }),
  });
  const object = await lab.put("key", bytesOf(MIB, 1));
  await damages["F36 a shard that is gone"]?.(lab, object, 2);
  await expect(lab.get("key")).rejects.toMatchObject({ code: "InternalError" });
});

test("a set whose drives are all well again is read as before", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(2 * MIB, 1);
  await lab.put("key", bytes);
  for (const disk of lab.disks) disk.setOffline(true);
  await expect(lab.get("key")).rejects.toMatchObject({ code: "ServiceUnavailable" });
  for (const disk of lab.disks) disk.setOffline(false);
  const reading = await lab.store.openObject(lab.bucket, "key");
  expect((await collect(reading?.read(0, bytes.length) ?? nothing())).equals(bytes)).toBe(true);
  expect(setIdOf(reading?.object ?? (await lab.put("x", bytes)))).toHaveLength(32);
});

function contentOf(object: ObjectRecord): { readonly headerBytes: number } {
  if (object.content.kind !== "set") throw new Error("the object has no set");
  return object.content.set;
}

async function* nothing(): AsyncGenerator<never> {
  // There was no reading; the comparison fails.
}

test("a read that is given up may fill its buffer later: no other read is given that buffer", async () => {
  const late: (() => void)[] = [];
  const lab = await givenStore({
    wrap: (drive, position) => ({
      ...callsOf(drive),
      read: async (name, offset, target) => {
        if (position !== 0 || late.length > 0) return drive.read(name, offset, target);
        late.push(() => target.fill(0xee));
        throw new ShardError("Unavailable", "the disk gave the call up, the kernel has not");
      },
    }),
  });
  const bytes = bytesOf(2 * MIB, 1);
  // Of so many objects one at least has a data shard on that drive: each has with two chances in three.
  const keys = Array.from({ length: 16 }, (_, index) => `object-${index}`);
  for (const key of keys) await lab.put(key, bytes);
  for (const key of keys) await lab.get(key);
  expect(late).toHaveLength(1);

  const reading = await lab.store.openObject(lab.bucket, "object-0");
  const windows: ByteWindow[] = [];
  for await (const window of reading?.read(0, bytes.length) ?? []) windows.push(window);
  late[0]?.();
  const read = Buffer.concat(windows.flatMap((window) => window.chunks));
  for (const window of windows) window.release();
  expect(read.equals(bytes)).toBe(true);
});
