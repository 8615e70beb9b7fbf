// Sets that are cut anew while the store is in use, over simulated drives: nothing is unreadable at any moment, all is cut as it
// should be at the end, with everything that the drives said of it, and what others do meanwhile counts.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import {
  locateFooter,
  parseShardFooter,
  TRAILER_BYTES,
  type ShardFooter,
} from "../../../src/datanode/shard-format.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { LayoutMover } from "../../../src/layout/layout-mover.ts";
import { Reshaper } from "../../../src/layout/reshaper.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import { masterKeyOf, MasterKeys } from "../../../src/store/encryption/master-keys.ts";
import { changeLayout, recutLayout } from "../../../src/store/layout/change-layout.ts";
import type { Cut } from "../../../src/store/reshape/other-cuts.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import {
  bodyOf,
  bytesOf,
  collect,
  givenStore,
  HandClock,
  OWNER,
  setIdOf,
  type LabOptions,
  type StoreLab,
} from "../../support/store-lab.ts";

const KIB = 1024;
const FAST = { idleBytes: 1e12, busyBytes: 1e12 };
const LIMITS = { packBytesMax: 64 * KIB, inlineBytesMax: 1 * KIB, partBytesMin: 1 };
const { signal } = new AbortController();
const FOUR_TWO = { dataShards: 4, parityShards: 2 };

interface ReshapeLab extends StoreLab {
  readonly disks: SimDrive[];
  readonly reshaper: () => Reshaper;
  /** Both, one step at a time, with something in between; resolves when there is nothing more to do. */
  readonly run: (between?: () => Promise<void>) => Promise<Reshaper>;
  readonly grow: (count: number) => Promise<void>;
  readonly recut: (cut: Cut) => Promise<void>;
}

async function givenReshape(options: LabOptions): Promise<ReshapeLab> {
  const lab = await givenStore({ ...options, limits: { ...LIMITS, ...options.limits } });
  const { metadata, store } = lab;
  const disks = [...lab.disks];
  const parts = { metadata, store, logger: silentLogger, limits: FAST, isBusy: () => false };
  const reshaper = () => new Reshaper({ ...parts, followMembers: async () => undefined });
  const weighed = () =>
    store.layoutState().newest.drives.map((driveId) => ({ driveId, weight: 1 }));
  return {
    ...lab,
    disks,
    reshaper,
    run: async (between = async () => undefined) => {
      const mover = new LayoutMover({ ...parts, tellOthers: async () => undefined });
      const worker = reshaper();
      for (;;) {
        const moved = await mover.step(signal);
        const reshaped = await worker.step(signal);
        await between();
        if (moved === "idle" && reshaped === "idle") return worker;
      }
    },
    grow: async (count) => {
      for (let added = 0; added < count; added += 1) {
        const disk = new SimDrive({ seed: 90 + disks.length, deadlineMs: 100 });
        const driveId = newDriveId();
        const slots = [{ driveId, wasMountPoint: false }];
        await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
        const { newest } = store.layoutState();
        await store.publishLayout(changeLayout(newest, [...weighed(), { driveId, weight: 1 }]));
        store.attachDrive(await openLocalDrive({ disk, driveId }));
        disks.push(disk);
      }
    },
    recut: async (cut) => {
      const keptCount = await store.placesInUse();
      const { newest } = store.layoutState();
      await store.publishLayout(recutLayout(newest, weighed(), { cut, keptCount }));
    },
  };
}

async function expectCut(lab: ReshapeLab, cut: Cut): Promise<void> {
  const sets = await lab.metadata.listSets(undefined, 10_000);
  expect(sets.length).toBeGreaterThan(0);
  for (const set of sets) expect(set).toMatchObject(cut);
  expect(await lab.store.findOtherCuts()).toEqual([]);
}

async function expectClean(lab: ReshapeLab): Promise<void> {
  const { findings } = await lab.store.verifyObjects({ bucket: undefined, prefix: undefined });
  expect(Object.entries(findings).filter(([, count]) => count > 0)).toEqual([]);
  expect(await lab.metadata.listDegradedSets(undefined, 10)).toEqual([]);
}

/** Objects of all kinds, by key: what each must read as. */
class Contents {
  readonly #lab: ReshapeLab;
  readonly #expected = new Map<
    string,
    { readonly key: string; versionId?: string; bytes: Buffer }
  >();

  constructor(lab: ReshapeLab) {
    this.#lab = lab;
  }

  async put(key: string, bytes: Buffer): Promise<ObjectRecord> {
    const object = await this.#lab.put(key, bytes);
    const { versionId } = object;
    this.#expected.set(`${key} ${versionId}`, { key, versionId, bytes });
    return object;
  }

  expect(key: string, bytes: Buffer): void {
    this.#expected.set(key, { key, bytes });
  }

  async check(): Promise<void> {
    const { bucket, store } = this.#lab;
    for (const [name, { key, versionId, bytes }] of this.#expected) {
      const reading = await store.openObject(bucket, key, versionId);
      if (reading === undefined) throw new Error(`${name} is gone`);
      await reading.unlock(undefined);
      const read = await collect(reading.read(0, reading.object.sizeBytes));
      expect(read.equals(bytes), name).toBe(true);
    }
  }
}

async function givenUpload(lab: ReshapeLab, key: string, sizes: readonly number[]) {
  const upload = await lab.store.createUpload(lab.target(key), OWNER, undefined);
  const handle = { bucket: lab.bucket, upload };
  const bodies = sizes.map((size, index) => bytesOf(size, 700 + index));
  const parts: { number: number; etag: string; checksum: undefined }[] = [];
  for (const [index, body] of bodies.entries()) {
    const { etag } = await lab.store.putPart(handle, index + 1, bodyOf(body));
    parts.push({ number: index + 1, etag, checksum: undefined });
  }
  const request = { checksum: undefined, checksumType: undefined, expectedBytes: undefined };
  const { uploadId } = upload;
  const named = { ...request, bucket: lab.bucket, key, uploadId, parts, condition: undefined };
  const complete = async (): Promise<void> => {
    await lab.store.completeUpload(named);
  };
  return { complete, bytes: Buffer.concat(bodies), upload };
}

test("one drive becomes six with parity: everything is readable at every step, and after two are lost", async () => {
  const keys = new MasterKeys([masterKeyOf(randomBytes(32))]);
  const clock = new HandClock();
  const lab = await givenReshape({ driveCount: 1, keys, clock });
  const { bucket, store } = lab;
  await store.setVersioning(bucket, "enabled");
  const contents = new Contents(lab);
  for (const size of [1, 5 * KIB, 60 * KIB, 100 * KIB, 700 * KIB, 3_000 * KIB + 1]) {
    await contents.put(`of-${size}`, bytesOf(size, size));
    await contents.put(`of-${size}`, bytesOf(size + 7, size + 1));
  }
  const sealed = bytesOf(300 * KIB, 4);
  const target = lab.target("sealed", { encryption: { kind: "managed" } });
  await store.putObject(target, bodyOf(sealed));
  contents.expect("sealed", sealed);
  const reading = await store.openObject(bucket, "of-716800");
  if (reading === undefined) throw new Error("it is there");
  await store.copyObject({ bucket, reading }, lab.target("a-copy"), undefined);
  contents.expect("a-copy", bytesOf(700 * KIB + 7, 700 * KIB + 1));
  const done = await givenUpload(lab, "done", [200 * KIB, 30 * KIB, 90 * KIB]);
  await done.complete();
  contents.expect("done", done.bytes);
  const open = await givenUpload(lab, "open", [150 * KIB, 10 * KIB]);
  await store.endPacks();

  await lab.grow(5);
  let count = 0;
  const between = async (): Promise<void> => {
    await contents.put(`new-${count}`, bytesOf([10 * KIB, 90 * KIB][count % 2] ?? 0, count));
    count += 1;
    await contents.check();
  };
  await lab.run(between);
  expect(store.newCut()).toEqual({ dataShards: 1, parityShards: 0 });
  await lab.recut(FOUR_TWO);
  expect(await store.placesInUse()).toBe(6);
  const reshaper = await lab.run(between);
  expect(reshaper.status).toMatchObject({ phase: "idle", leftSets: 0, problem: undefined });
  expect(reshaper.status.rewrittenSets).toBeGreaterThan(8);
  await open.complete();
  contents.expect("open", open.bytes);
  await expectCut(lab, FOUR_TWO);
  await expectClean(lab);
  const [copy, original] = [await sharedSet(lab, "a-copy"), await sharedSet(lab, "of-716800")];
  expect(copy).toBe(original);

  await store.endPacks();
  await store.collectTrash();
  clock.nowMs += 120_000;
  await store.collectTrash();
  expect((await lab.metadata.totals()).trashedSets).toBe(0);
  for (const disk of lab.disks.slice(0, 2)) await wipe(disk);
  await contents.check();
}, 60_000);

async function wipe(disk: SimDrive): Promise<void> {
  for (const { name: folder } of await disk.list("shards")) {
    for (const { name } of await disk.list(`shards/${folder}`)) {
      await disk.unlink(`shards/${folder}/${name}`);
    }
  }
}

async function sharedSet(lab: ReshapeLab, key: string): Promise<string> {
  const object = await lab.store.findObject(lab.bucket, key);
  if (object === undefined) throw new Error(`${key} is there`);
  return setIdOf(object);
}

test("k+m that is no power of two, and fewer shards than before, and back", async () => {
  const clock = new HandClock();
  const lab = await givenReshape({ driveCount: 8, clock });
  const contents = new Contents(lab);
  for (let n = 0; n < 12; n += 1) {
    await contents.put(`key-${n}`, bytesOf([2 * KIB, 40 * KIB, 400 * KIB + 11][n % 3] ?? 0, n));
  }
  let widest = 6;
  for (const [dataShards, parityShards] of [
    [6, 2],
    [3, 2],
    [2, 1],
    [4, 2],
  ] as const) {
    await lab.recut({ dataShards, parityShards });
    const reshaper = await lab.run(() => contents.check());
    // What had more shards is on the drives still.
    const isNarrower = dataShards + parityShards < widest;
    expect(reshaper.status.problem?.includes("deleted") ?? false).toBe(isNarrower);
    widest = dataShards + parityShards;
    if (isNarrower) {
      await lab.store.collectTrash();
      clock.nowMs += 120_000;
      await lab.store.collectTrash();
      reshaper.hurry();
      while ((await reshaper.step(signal)) === "busy");
    }
    expect(reshaper.status).toMatchObject({ phase: "idle", problem: undefined });
    await expectCut(lab, { dataShards, parityShards });
    expect(await lab.store.placesInUse()).toBe(dataShards + parityShards);
    await expectClean(lab);
    // A drive comes while each partition has room for fewer or more shards than sets have.
    await lab.grow(1);
    await lab.run(() => contents.check());
    await expectClean(lab);
  }
}, 60_000);

test("uploads that began before are stored as they began, or cut as their pack is", async () => {
  const lab = await givenReshape({ driveCount: 6 });
  const gates: (() => void)[] = [];
  const gate = new Promise<void>((resolve) => void gates.push(resolve));
  const sizes = [50 * KIB, 900 * KIB];
  const puts = sizes.map((size) => {
    const bytes = bytesOf(size, size);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 40 * KIB);
      await gate;
      yield bytes.subarray(40 * KIB);
    }
    return lab.put(`of-${size}`, bytes, { chunks: chunks() });
  });
  // Each has taken its first bytes in.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await lab.recut({ dataShards: 3, parityShards: 3 });
  await lab.store.useNewestLayout();
  for (const open of gates) open();
  const [packed, single] = await Promise.all(puts);
  expect(packed?.content).toMatchObject({ kind: "packed", set: { dataShards: 3 } });
  expect(single?.content).toMatchObject({ kind: "set", set: { dataShards: 4 } });
  for (const size of sizes) {
    expect((await lab.get(`of-${size}`)).equals(bytesOf(size, size))).toBe(true);
  }
  await lab.store.endPacks();
  await lab.run();
  await expectCut(lab, { dataShards: 3, parityShards: 3 });
  await expectClean(lab);
});

test("what the drives say of an object is carried over as it was", async () => {
  const lab = await givenReshape({ driveCount: 6 });
  const object = await lab.store.putObject(
    lab.target("key", {
      attributes: { headers: { "content-type": "text/plain" }, userMetadata: { a: "b" } },
      tags: [{ key: "tag", value: "value" }],
    }),
    bodyOf(bytesOf(300 * KIB, 1)),
  );
  const before = await footerOf(lab, object);
  await lab.recut({ dataShards: 2, parityShards: 2 });
  await lab.run();
  const after = await lab.store.findObject(lab.bucket, "key");
  if (after === undefined) throw new Error("it is there");
  expect(after).toEqual({ ...object, content: after.content });
  expect(setIdOf(after)).not.toBe(setIdOf(object));
  const { setId: _old, digests: _six, index: _at, ...said } = before;
  expect(said.about).toContain("tag");
  expect(await footerOf(lab, after)).toMatchObject(said);
});

async function footerOf(lab: ReshapeLab, object: ObjectRecord): Promise<ShardFooter> {
  const { disk, path } = await lab.shardOf(object, 0);
  const bytes = await disk.readFile(path);
  const { offset } = locateFooter(bytes.subarray(-TRAILER_BYTES), bytes.length);
  return parseShardFooter(bytes.subarray(offset), bytes.length);
}

test("whoever overwrites or deletes meanwhile wins, and no copy is left", async () => {
  const lab = await givenReshape({
    driveCount: 6,
    wrapMetadata: (metadata) => {
      const replaceSet = metadata.replaceSet.bind(metadata);
      metadata.replaceSet = async (input) => {
        if (input.key === "deleted") await deleteKeys(lab.store, lab.bucket, ["deleted"]);
        if (input.key === "replaced") await lab.put("replaced", bytesOf(200 * KIB, 9));
        return replaceSet(input);
      };
      return metadata;
    },
  });
  for (const key of ["deleted", "kept", "replaced"]) await lab.put(key, bytesOf(200 * KIB, 1));
  await lab.recut({ dataShards: 3, parityShards: 3 });
  await lab.run();
  expect(await lab.store.findObject(lab.bucket, "deleted")).toBeUndefined();
  expect((await lab.get("replaced")).equals(bytesOf(200 * KIB, 9))).toBe(true);
  expect((await lab.get("kept")).equals(bytesOf(200 * KIB, 1))).toBe(true);
  await expectCut(lab, { dataShards: 3, parityShards: 3 });
  const named = new Set((await lab.metadata.listSets(undefined, 9)).map(({ id }) => id));
  const trashed = new Set((await lab.metadata.listTrash(9)).map(({ setId }) => setId));
  for (const path of await lab.shardFiles()) {
    const [, , name = ""] = path.split("/");
    const id = name.split(".")[0] as Parameters<typeof named.has>[0];
    expect(named.has(id) || trashed.has(id), path).toBe(true);
  }
});

test("a restart goes on where it was; what cannot be read is left, told, and tried again", async () => {
  const lab = await givenReshape({ driveCount: 6 });
  const objects = [];
  for (let n = 0; n < 150; n += 1) objects.push(await lab.put(`key-${n}`, bytesOf(70 * KIB, n)));
  const [bad] = objects;
  if (bad === undefined) throw new Error("there are objects");
  for (const index of [0, 1, 2]) {
    const { disk, path } = await lab.shardOf(bad, index);
    await disk.unlink(path);
  }
  await lab.recut({ dataShards: 2, parityShards: 2 });
  const { metadata, store } = lab;
  const mover = new LayoutMover({
    metadata,
    store,
    logger: silentLogger,
    limits: FAST,
    tellOthers: async () => undefined,
    isBusy: () => false,
  });
  while ((await mover.step(signal)) === "busy");
  const first = lab.reshaper();
  await first.step(signal);
  await first.step(signal);
  const { rewrittenSets } = first.status;
  expect(rewrittenSets).toBeGreaterThan(30);
  const second = lab.reshaper();
  await second.step(signal);
  expect(second.status.rewrittenSets).toBeGreaterThan(rewrittenSets);
  expect(second.status.seenCount).toBeGreaterThan(64);
  while ((await second.step(signal)) === "busy");
  expect(second.status).toMatchObject({ phase: "waiting", leftSets: 1 });
  expect(second.status.problem).toContain(setIdOf(bad));
  expect(await lab.store.findOtherCuts()).toEqual([FOUR_TWO]);
  expect((await lab.store.inspect()).tolerance.isBeyond).toBe(true);

  await deleteKeys(lab.store, lab.bucket, ["key-0"]);
  second.hurry();
  while ((await second.step(signal)) === "busy");
  expect(second.status.problem).toContain("deleted");
});

test("while a drive is full up to its reserve nothing is cut anew: copies would lack its shard", async () => {
  let [freeBytes, wrapped] = [10 ** 9, 0];
  const lab = await givenReshape({
    driveCount: 6,
    limits: { reserveShare: 0.5, spaceEveryMs: 1 },
    wrap: (drive) => {
      const isFirst = (wrapped += 1) === 1;
      return new Proxy(drive, {
        get: (target, name) => {
          if (name === "space" && isFirst) {
            const rest = { freeInodes: undefined, totalInodes: undefined };
            return async () => ({ freeBytes, totalBytes: 10 ** 9, ...rest });
          }
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    },
  });
  const contents = new Contents(lab);
  for (let n = 0; n < 20; n += 1) await contents.put(`key-${n}`, bytesOf((n + 10) * 6 * KIB, n));
  await lab.store.endPacks();
  await lab.recut({ dataShards: 3, parityShards: 2 });
  freeBytes = 10 ** 8;
  await expect.poll(() => lab.store.lackOfDrives()).toContain("full");
  const reshaper = await lab.run();
  expect(reshaper.status).toMatchObject({ phase: "waiting", rewrittenSets: 0 });
  expect(reshaper.status.problem).toContain("full");
  expect(await lab.metadata.listDegradedSets(undefined, 10)).toEqual([]);
  freeBytes = 10 ** 9;
  await expect.poll(() => lab.store.lackOfDrives()).toBeUndefined();
  while ((await reshaper.step(signal)) === "busy");
  for (const set of await lab.metadata.listSets(undefined, 99)) expect(set.dataShards).toBe(3);
  await contents.check();
  await expectClean(lab);
});
