// Random operations on the object store over simulated drives, against a model in memory: with crashes, lost, failing,
// lying, full and hanging drives, rot, trash collection, compaction and sweeps between and during them.

import { seededRandom } from "../../../src/util/seeded-random.ts";
import type { LoopOptions } from "../crash-loop.ts";
import { ModelStore } from "./model-store.ts";
import { runSequence } from "./sequence.ts";

/** 2+1, 2+2 and 4+2 shards, of which the last has the most to say and the first is the fastest. */
const DRIVE_COUNTS = [3, 3, 3, 4, 6, 6, 6];

/** Deadlines of the store, in milliseconds. */
const TIMEOUTS_MS = [2_000, 10_000];

/** One sequence after another, each on a store of its own; the k-th depends on the seed and on k alone. */
export async function runModel({
  seed,
  journal,
  shouldGoOn,
  from = 1,
  stride = 1,
}: LoopOptions): Promise<void> {
  // Errors are the daily bread here, and their stacks would cost more than all else.
  Error.stackTraceLimit = 0;
  // While a timer of such a length runs, Node need not make, and drop, a list for each one of the store's.
  const kept = TIMEOUTS_MS.map((ms) => setInterval(() => undefined, ms).unref());
  const before = process.cpuUsage();
  for (let number = from; shouldGoOn(); number += stride) {
    journal.sequence = number;
    journal.cycle += 1;
    const random = seededRandom(seed * 100_003 + number);
    const driveCount = DRIVE_COUNTS[random.below(DRIVE_COUNTS.length)] ?? 6;
    const model = await ModelStore.make(seed * 100_003 + number, driveCount);
    journal.note(`sequences on ${driveCount} drives`);
    await runSequence({ model, random, journal });
    await model.close();
  }
  for (const timer of kept) clearInterval(timer);
  const { user, system } = process.cpuUsage(before);
  journal.note("seconds of CPU", (user + system) / 1_000_000);
}
