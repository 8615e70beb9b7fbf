// Memory under clients that hang on: uploads hold what was sent of them, readings a unit each, all of them one budget, and
// when that is used up new ones are asked to come later, large ones first. Everything is given back.

import { once } from "node:events";
import { expect, test } from "vitest";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import type { ByteWindow } from "../../../src/store/byte-window.ts";
import {
  bodyOf,
  bytesOf,
  callsOf,
  givenStore,
  HandClock,
  type StoreLab,
} from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const BUDGET = 16 * MIB;

/** Begins uploads whose clients send a little and then nothing until `resume`. */
function beginUploads(lab: StoreLab, count: number, first: number) {
  const signal = new EventTarget();
  const resumed = once(signal, "resume");
  const bytes = bytesOf(300 * KIB, 1);
  async function* stalling() {
    yield bytes.subarray(0, first);
    await resumed;
    yield bytes.subarray(first);
  }
  const puts = Array.from({ length: count }, (_, index) =>
    lab.store.putObject(lab.target(`key-${index}`), bodyOf(bytes, { chunks: stalling() })),
  );
  const resume = () => signal.dispatchEvent(new Event("resume"));
  return { bytes, done: Promise.allSettled(puts), resume };
}

/** The first window of each of so many readings that take no more. */
async function beginReadings(lab: StoreLab, key: string, count: number) {
  const begun: { readonly iterator: AsyncIterator<ByteWindow>; readonly window: ByteWindow }[] = [];
  for (let index = 0; index < count; index += 1) {
    const reading = await lab.store.openObject(lab.bucket, key);
    if (reading === undefined) throw new Error(`${key} is there`);
    const windows = reading.read(0, reading.object.sizeBytes);
    const iterator = windows[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true) throw new Error(`${key} has bytes`);
    begun.push({ iterator, window: first.value });
  }
  return begun;
}

/** On a busy machine no drive is to miss its deadline. */
const givenLab = (bufferBytesMax: number) =>
  givenStore({ limits: { bufferBytesMax }, drive: () => ({ deadlineMs: 10_000 }) });

const lengthOf = ({ chunks }: ByteWindow) => chunks.reduce((sum, chunk) => sum + chunk.length, 0);

test("F70 uploads that stall hold what was sent of them, and no files; all of it comes back", async () => {
  const lab = await givenLab(6 * BUDGET);
  const { bytes, done, resume } = beginUploads(lab, 100, 10);
  await expect.poll(() => lab.store.bufferBytes()).toBeGreaterThan(0);
  await lab.put("small", bytesOf(100, 2));
  // A few came before memory was scarce, and have a window each.
  expect(lab.store.bufferBytes()).toBeLessThan((6 * BUDGET) / 4 + 2 * MIB + 100 * 16 * KIB);
  expect(await lab.shardFiles()).toEqual([]);

  resume();
  const failed = (await done).filter(({ status }) => status === "rejected");
  expect(failed).toEqual([]);
  expect(lab.store.bufferBytes()).toBe(0);
  for (const index of [0, 50, 99]) {
    expect((await lab.get(`key-${index}`)).equals(bytes)).toBe(true);
  }
});

test("F70 when the budget is used up what is large is asked to come later, then all but what lies in the metadata", async () => {
  const lab = await givenLab(BUDGET);
  const [small, middle, large] = [bytesOf(100, 2), bytesOf(500 * KIB, 3), bytesOf(2 * MIB, 4)];
  await lab.put("middle", middle);
  await lab.put("large", large);
  const { done, resume } = beginUploads(lab, 300, 200 * KIB);
  await expect.poll(() => lab.store.bufferBytes()).toBeGreaterThan(BUDGET * 0.9);
  expect(lab.store.bufferBytes()).toBeLessThanOrEqual(BUDGET);

  await expect(lab.get("large")).rejects.toMatchObject({ code: "SlowDown" });
  await expect(lab.put("other", large)).rejects.toMatchObject({ code: "SlowDown" });
  await lab.put("small", small);
  expect((await lab.get("small")).equals(small)).toBe(true);

  resume();
  const refused = (await done).filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(0);
  for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: "SlowDown" } });
  expect(lab.store.bufferBytes()).toBe(0);
  expect((await lab.get("middle")).equals(middle)).toBe(true);
  expect((await lab.get("large")).equals(large)).toBe(true);
});

test("what is left when large ones are refused is for small ones", async () => {
  const lab = await givenLab(BUDGET);
  const [middle, large] = [bytesOf(500 * KIB, 3), bytesOf(2 * MIB, 4)];
  await lab.put("middle", middle);
  await lab.put("large", large);
  const held = await beginReadings(lab, "large", 40);
  while (lab.store.bufferBytes() < BUDGET * 0.875) {
    held.push(...(await beginReadings(lab, "large", 1)));
  }
  await expect(beginReadings(lab, "large", 1)).rejects.toMatchObject({ code: "SlowDown" });
  expect((await lab.get("middle")).equals(middle)).toBe(true);
  expect((await lab.get("large", 0, 100)).equals(large.subarray(0, 100))).toBe(true);

  for (const { iterator, window } of held) {
    window.release();
    await iterator.return?.();
  }
  await expect.poll(() => lab.store.bufferBytes()).toBe(0);
});

test("F70 readings that nobody takes hold a unit each where memory is scarce", async () => {
  const lab = await givenLab(BUDGET);
  await lab.put("large", bytesOf(2 * MIB, 1));
  const begun = await beginReadings(lab, "large", 100);
  const sizes = begun.map(({ window }) => lengthOf(window));
  expect(sizes[0]).toBe(MIB);
  expect(sizes.slice(-50)).toEqual(Array.from({ length: 50 }, () => 64 * KIB));
  expect(lab.store.bufferBytes()).toBeLessThan(BUDGET * 0.375 + MIB + 100 * 65 * KIB);
  for (const { iterator, window } of begun) {
    window.release();
    await iterator.return?.();
  }
  await expect.poll(() => lab.store.bufferBytes()).toBe(0);
});

test("a client that is slow gets units, and nothing is read ahead for it; one that is quick for long gets more again", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  const bytes = bytesOf(20 * MIB, 1);
  await lab.put("large", bytes);
  const reading = await lab.store.openObject(lab.bucket, "large");
  if (reading === undefined) throw new Error("it is there");
  const sizes: number[] = [];
  const got: Buffer[] = [];
  for await (const window of reading.read(0, bytes.length)) {
    if (sizes.length === 2) clock.nowMs += 10_000;
    sizes.push(lengthOf(window));
    got.push(...window.chunks.map((chunk) => Buffer.from(chunk)));
    window.release();
  }
  expect(Buffer.concat(got).equals(bytes)).toBe(true);
  // The one that was read ahead is whole; after it came 8 MiB of units.
  expect(sizes.slice(0, 5)).toEqual([MIB, MIB, MIB, MIB, 64 * KIB]);
  expect(sizes.filter((size) => size === 64 * KIB)).toHaveLength(112);
  expect(sizes.at(-1)).toBe(MIB);
  expect(lab.store.bufferBytes()).toBe(0);
});

test("F70 where shards are lost a unit is decoded for a client that is slow, and no more than it is held", async () => {
  const lab = await givenLab(BUDGET);
  const bytes = bytesOf(2 * MIB, 1);
  const object = await lab.put("large", bytes);
  for (const index of [0, 1]) {
    const { disk, path } = await lab.shardOf(object, index);
    await disk.unlink(path);
  }
  const begun = await beginReadings(lab, "large", 60);
  const held = lab.store.bufferBytes();
  const more = await beginReadings(lab, "large", 20);
  expect(lab.store.bufferBytes() - held).toBeLessThanOrEqual(20 * 65 * KIB);
  for (const { iterator, window } of [...begun, ...more]) {
    window.release();
    await iterator.return?.();
  }
  await expect.poll(() => lab.store.bufferBytes()).toBe(0);
  expect((await lab.get("large")).equals(bytes)).toBe(true);
});

test("F71 however many read and write at a time, a drive is asked for few of them", async () => {
  let asked = 0;
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const held = async <Value>(call: () => Promise<Value>): Promise<Value> => {
    asked += 1;
    if (isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
    return call();
  };
  const hold = (): void => {
    asked = 0;
    isHeld = true;
  };
  const open = (): void => {
    isHeld = false;
    for (const go of waiting.splice(0)) go();
  };
  const wrap = (drive: ShardStore): ShardStore => ({
    ...callsOf(drive),
    create: (name, creation) => held(() => drive.create(name, creation)),
    read: (name, offset, target) => held(() => drive.read(name, offset, target)),
  });
  const lab = await givenStore({ limits: { bufferBytesMax: 512 * MIB }, driveCount: 1, wrap });
  const bytes = bytesOf(1_025 * KIB, 5);
  await lab.put("large", bytes);

  hold();
  const puts = Array.from({ length: 70 }, (_, index) => lab.put(`key-${index}`, bytes));
  await expect.poll(() => asked).toBe(64);
  open();
  await Promise.all(puts);
  hold();
  const readings = Array.from({ length: 70 }, () => lab.get("large"));
  await expect.poll(() => asked).toBe(64);
  // Small ones have turns of their own.
  const small = Array.from({ length: 260 }, () => lab.get("large", 0, 100));
  await expect.poll(() => asked).toBe(64 + 256);
  open();
  for (const got of await Promise.all(readings)) expect(got.equals(bytes)).toBe(true);
  for (const got of await Promise.all(small)) expect(got.length).toBe(100);
});
