// F47, F48: drives that answer, but late: reads go round a slow one, and while all are slow writers are held back, and
// nothing is acknowledged. Over simulated drives whose time passes when the trial says so.

import assert from "node:assert/strict";
import { setImmediate as giveWay } from "node:timers/promises";
import type { DiskCall } from "../../../src/disk/sim-fault.ts";
import { bodyOf, bytesOf, givenStore } from "../../support/store-lab.ts";
import { within } from "../../support/until.ts";
import { someBelow, type Trial } from "./fault-trial.ts";

const MIB = 1024 * 1024;
const DRIVES = 6;
/** A hundred times what these calls take, and short of the deadline. */
const SLOW_MS = 5_000;
const DEADLINE_MS = 60_000;
const NEVER_MS = 3_600_000;
/** Turns of the event loop after which nothing moves any more that can. */
const TURNS = 300;
/** What does not wait is over by then, on any machine. */
const LIMIT_MS = 60_000;
const ROUNDS = 3;

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
    // Whatever waits for the slow one waits until the trial ends.
    limits: { hedgeMsMin: 5, packBytesMax, readDeadlineMs: NEVER_MS, writeDeadlineMs: NEVER_MS },
    drive: () => ({ deadlineMs: DEADLINE_MS, wait: () => gate.wait() }),
  });
  const slowDown = (position: number, ...calls: readonly DiskCall[]): void => {
    lab.disks[position]?.inject({ calls, effect: { kind: "slow", delayMs: SLOW_MS } });
  };
  return { ...lab, gate, slowDown };
}

/** One drive or two are slow: no read waits for them, and what they answer in the end is not used. */
export async function readAroundSlowDrives(
  { random, journal }: Trial,
  slow = someBelow(random, DRIVES, 1 + random.below(2)),
): Promise<void> {
  const { put, get, gate, slowDown } = await givenSlowStore(random.below(2) * MIB);
  const sizes = Array.from({ length: 4 }, () => 20_001 + random.below(3 * MIB));
  sizes.push(6 * MIB + 7);
  for (const [index, size] of sizes.entries()) await put(`key-${index}`, bytesOf(size, index));
  for (const position of slow) slowDown(position, "open", "read");
  const readAll = async (): Promise<void> => {
    for (const [index, size] of sizes.entries()) {
      const bytes = bytesOf(size, index);
      const start = random.below(size);
      const end = start + 1 + random.below(size - start);
      const words = `key-${index} of ${size} bytes, drives ${slow.join()} slow`;
      assert.ok((await get(`key-${index}`)).equals(bytes), words);
      const range = await get(`key-${index}`, start, end);
      assert.ok(range.equals(bytes.subarray(start, end)), `${start}-${end} of ${words}`);
      journal.count("read beside slow drives");
    }
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await within(LIMIT_MS, `reads beside the slow drives ${slow.join()}`, readAll());
  }
  gate.open();
  await readAll();
}

/** All drives take their time with bytes: a writer is held back, and what it sends does not pile up. */
export async function holdBackWriters({ random, journal }: Trial): Promise<void> {
  const { store, target, get, gate, slowDown } = await givenSlowStore();
  for (let position = 0; position < DRIVES; position += 1) slowDown(position, "append");
  const chunk = bytesOf(MIB / 2 ** random.below(3), random.below(1_000));
  const chunkCount = (64 * MIB) / chunk.length;
  let takenCount = 0;
  async function* chunks() {
    for (; takenCount < chunkCount; takenCount += 1) yield chunk;
  }
  const sizeBytes = chunkCount * chunk.length;
  const body = { ...bodyOf(chunk), sizeBytes, chunks: chunks() };
  const done = store.putObject(target("key"), body);
  await settle();
  const taken = takenCount;
  assert.ok(gate.waitingCount > 0, "the drives are slow");
  assert.ok(taken < chunkCount / 4, `${taken} of ${chunkCount} chunks were taken`);
  await settle();
  assert.equal(takenCount, taken, "more was taken while nothing moved");
  gate.open();
  await within(LIMIT_MS, "the write, once the drives answer", done);
  const bytes = await get("key");
  assert.equal(bytes.length, sizeBytes);
  assert.ok(bytes.subarray(-chunk.length).equals(chunk), "the end of what was written");
  journal.count("write held back");
}

/** Syncs of all drives take their time: nothing is acknowledged, in packs and in sets; then everything is. */
export async function acknowledgeNothingUnsynced({ random, journal }: Trial): Promise<void> {
  const { put, get, gate, slowDown } = await givenSlowStore(MIB);
  for (let position = 0; position < DRIVES; position += 1) slowDown(position, "sync");
  let answeredCount = 0;
  const sizes = Array.from(
    { length: 10 + random.below(40) },
    () => 17_000 + random.below(1.5 * MIB),
  );
  const puts = sizes.map(async (size, index) => {
    await put(`key-${index}`, bytesOf(size, index));
    answeredCount += 1;
  });
  await settle();
  assert.ok(gate.waitingCount > 0, "the drives are slow");
  assert.equal(answeredCount, 0, "acknowledged before it was synced");
  gate.open();
  await within(LIMIT_MS, "the writes, once the drives answer", Promise.all(puts));
  for (const [index, size] of sizes.entries()) {
    assert.ok((await get(`key-${index}`)).equals(bytesOf(size, index)), `key-${index}`);
    journal.count("write after a stall");
  }
}

/** Both ways in which all drives stall. */
export async function stallAllDrives(trial: Trial): Promise<void> {
  if (trial.random.below(2) === 0) await holdBackWriters(trial);
  else await acknowledgeNothingUnsynced(trial);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await giveWay();
}
