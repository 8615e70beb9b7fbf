// Drives that answer, but late, or that answer what is not so: reads go round a slow one, writes hold back their clients
// while all are slow, and what a drive has acknowledged and lost is found and made good. Over simulated drives whose
// time passes when the test says so.

import { setImmediate as giveWay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { DiskCall } from "../../src/disk/sim-fault.ts";
import { bodyOf, bytesOf, givenStore, setIdOf } from "../support/store-lab.ts";
import { verify } from "../support/verify-lab.ts";

const MIB = 1024 * 1024;
/** A hundred times what these calls take, and short of the deadline. */
const SLOW_MS = 5_000;
const DEADLINE_MS = 60_000;
const NEVER_MS = 3_600_000;
/** Turns of the event loop after which nothing moves any more that can. */
const TURNS = 300;

/** Slow calls of all drives end when it opens. */
class Gate {
  #open: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));
  waitingCount = 0;

  async wait(): Promise<void> {
    this.waitingCount += 1;
    await this.#opened;
  }

  open(): void {
    this.#open();
  }
}

async function givenSlowStore(packBytesMax = 0) {
  const gate = new Gate();
  const lab = await givenStore({
    // Whatever waits for the slow one waits until the test ends.
    limits: { hedgeMsMin: 5, packBytesMax, readDeadlineMs: NEVER_MS, writeDeadlineMs: NEVER_MS },
    drive: () => ({ deadlineMs: DEADLINE_MS, wait: () => gate.wait() }),
  });
  const slowDown = (position: number, ...calls: readonly DiskCall[]): void => {
    lab.disks[position]?.inject({ calls, effect: { kind: "slow", delayMs: SLOW_MS } });
  };
  return { ...lab, gate, slowDown };
}

test.each([0, 1, 2, 3, 4, 5])(
  "F47 drive %i is slow: reads do not wait for it, and its answer is not used when it comes",
  { timeout: 30_000 },
  async (slow) => {
    const { put, get, gate, slowDown } = await givenSlowStore();
    const bytes = bytesOf(6 * MIB + 7, slow);
    await put("key", bytes);
    slowDown(slow, "open", "read");
    for (let round = 0; round < 3; round += 1) {
      expect((await get("key")).equals(bytes)).toBe(true);
      expect((await get("key", 3 * MIB, 3 * MIB + 100_000)).length).toBe(100_000);
    }
    gate.open();
    expect((await get("key")).equals(bytes)).toBe(true);
  },
);

test("F47 two drives are slow: still nobody waits", { timeout: 30_000 }, async () => {
  const { put, get, gate, slowDown } = await givenSlowStore();
  const bytes = bytesOf(3 * MIB, 1);
  const keys = ["a", "b", "c", "d", "e", "f"];
  for (const key of keys) await put(key, bytes);
  for (const position of [1, 4]) slowDown(position, "open", "read");
  for (const key of keys) expect((await get(key)).equals(bytes)).toBe(true);
  gate.open();
});

test("F48 while all drives take their time a writer is held back, and its bytes do not pile up", async () => {
  const { store, target, get, gate, slowDown } = await givenSlowStore();
  for (let position = 0; position < 6; position += 1) slowDown(position, "append");
  const chunk = bytesOf(MIB, 1);
  const chunkCount = 64;
  let takenCount = 0;
  async function* chunks() {
    for (; takenCount < chunkCount; takenCount += 1) yield chunk;
  }
  const sizeBytes = chunkCount * MIB;
  const body = { ...bodyOf(chunk), sizeBytes, chunks: chunks() };
  const done = store.putObject(target("key"), body);
  for (let turn = 0; turn < TURNS; turn += 1) await giveWay();
  const taken = takenCount;
  expect(gate.waitingCount).toBeGreaterThan(0);
  expect(taken).toBeLessThan(chunkCount / 4);
  for (let turn = 0; turn < TURNS; turn += 1) await giveWay();
  expect(takenCount).toBe(taken);
  gate.open();
  await done;
  const bytes = await get("key");
  expect(bytes.length).toBe(sizeBytes);
  expect(bytes.subarray(-MIB).equals(chunk)).toBe(true);
});

test("F48 while syncs take their time nothing is acknowledged, in packs and in sets; then everything is", async () => {
  const { put, get, gate, slowDown } = await givenSlowStore(MIB);
  for (let position = 0; position < 6; position += 1) slowDown(position, "sync");
  let answeredCount = 0;
  const sizes = Array.from({ length: 40 }, (_, index) => 20_000 + index * 40_000);
  const puts = sizes.map(async (size, index) => {
    await put(`key-${index}`, bytesOf(size, index));
    answeredCount += 1;
  });
  for (let turn = 0; turn < TURNS; turn += 1) await giveWay();
  expect(gate.waitingCount).toBeGreaterThan(0);
  expect(answeredCount).toBe(0);
  gate.open();
  await Promise.all(puts);
  for (const [index, size] of sizes.entries()) {
    expect((await get(`key-${index}`)).equals(bytesOf(size, index))).toBe(true);
  }
});

test("F52 what a lying drive has acknowledged and lost is found by verify, counted, and read from the others", async () => {
  const lab = await givenStore();
  const before = bytesOf(2 * MIB, 1);
  const after = bytesOf(2 * MIB, 2);
  await lab.put("before", before);
  const [, liar] = lab.disks;
  liar?.inject({ calls: ["sync", "syncDirectory"], effect: { kind: "lie" } });
  const object = await lab.put("after", after);
  expect((await verify(lab.store)).findings).toEqual([]);
  liar?.heal();
  liar?.crash("lost");
  const { report, findings } = await verify(lab.store);
  expect(report).toMatchObject({ belowRedundancy: 1, objects: 2 });
  expect(findings).toMatchObject([
    { kind: "below-redundancy", key: "after", setId: setIdOf(object), shards: [{}] },
  ]);
  const noted = await lab.metadata.listDegradedSets(undefined, 10);
  expect(noted.map(({ id }) => id)).toEqual([setIdOf(object)]);
  expect((await lab.get("after")).equals(after)).toBe(true);
  expect((await lab.get("before")).equals(before)).toBe(true);
});
