// Which readings are open, and since when the oldest is: what is deleted waits for it.

import { expect, test } from "vitest";
import { ReadTracker, type OpenReading } from "../../../src/store/read-tracker.ts";
import { realClock } from "../../../src/util/clock.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

/** A clock whose monotonic time the test moves. */
function givenTracker() {
  let time = 0;
  const tracker = new ReadTracker({ ...realClock, monotonic: () => time });
  return { tracker, advance: (ms: number) => void (time += ms) };
}

test(`the oldest is known in whatever order they end (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const { tracker, advance } = givenTracker();
  const open: OpenReading[] = [];
  for (let step = 0; step < 2_000; step += 1) {
    advance(1);
    if (random.below(100) < 51) open.push(tracker.begin());
    else {
      const [ended] = open.splice(random.below(open.length), 1);
      ended?.close();
      if (random.below(4) === 0) ended?.close();
    }
    expect(tracker.count).toBe(open.length);
    expect(tracker.oldestStartedAt).toBe(open[0]?.startedAt);
  }
});

test("those that are a day old are cut off, and no others", () => {
  const { tracker, advance } = givenTracker();
  const old = [tracker.begin(), tracker.begin()];
  advance(DAY_MS);
  const young = tracker.begin();
  advance(1);
  tracker.cutOffOld();
  expect(old.map(({ isCutOff }) => isCutOff)).toEqual([true, true]);
  expect(young.isCutOff).toBe(false);
  expect(tracker.oldestStartedAt).toBe(young.startedAt);
  // They end as if nothing had been.
  for (const reading of old) reading.close();
  expect(tracker.count).toBe(1);
  young.close();
  expect(tracker.oldestStartedAt).toBeUndefined();
});
