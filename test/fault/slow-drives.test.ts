// Drives that answer, but late, or that answer what is not so: reads go round a slow one, writes hold back their clients
// while all are slow, and what a drive has acknowledged and lost is found and made good. Each is one trial of the
// laboratory's, which has thousands: `npm run lab -- --only faults`.

import { expect, test } from "vitest";
import { findingsOf } from "../lab/faults/fault-loop.ts";
import { loseAfterSync } from "../lab/faults/lost-after-sync.ts";
import {
  acknowledgeNothingUnsynced,
  holdBackWriters,
  readAroundSlowDrives,
} from "../lab/faults/slow-drives.ts";

test.each([[0], [1], [2], [3], [4], [5], [1, 4]])(
  "F47 drives are slow, the first of them %i: reads do not wait for them, and their answers are not used when they come",
  { timeout: 60_000 },
  async (...slow) => {
    expect(await findingsOf((trial) => readAroundSlowDrives(trial, slow), 1)).toEqual([]);
  },
);

test("F48 while all drives take their time a writer is held back, and its bytes do not pile up", async () => {
  expect(await findingsOf(holdBackWriters, 1)).toEqual([]);
});

test("F48 while syncs take their time nothing is acknowledged, in packs and in sets; then everything is", async () => {
  expect(await findingsOf(acknowledgeNothingUnsynced, 1)).toEqual([]);
});

test.each([1, 2, 3])(
  "F52 what lying drives have acknowledged and lost is found by verify, counted, and read from the others (%i)",
  async (seed) => {
    expect(await findingsOf(loseAfterSync, seed)).toEqual([]);
  },
);
