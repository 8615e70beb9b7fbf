// The chances of docs/OPERATIONS.md: against formulas where there are any, else against years that are played through.

import { expect, test } from "vitest";
import {
  hoursUntilWhole,
  lossChances,
  type DriveAssumptions,
} from "../../../scripts/support/durability-model.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const HOURS_A_YEAR = 8_766;

const DRIVES: DriveAssumptions = {
  driveCount: 6,
  dataShards: 4,
  parityShards: 2,
  driveBytes: 4e12,
  failuresAYear: 0.02,
  replaceHours: 24,
  repairBytes: 64e6,
  badPlacesAYear: 0,
  scrubDays: 14,
};

test("one drive without parity is lost as often as drives fail", () => {
  const one = { ...DRIVES, driveCount: 1, dataShards: 1, parityShards: 0 };
  expect(lossChances(one)).toEqual({ drives: expect.closeTo(0.02, 12) as number, place: 0 });
  const { place } = lossChances({ ...one, badPlacesAYear: 0.5, failuresAYear: 0 });
  expect(place).toBeCloseTo(1 - Math.exp(-0.5), 12);
});

test.each([2, 3, 7])("with one parity shard on %d drives it is the known formula", (driveCount) => {
  const assumptions = { ...DRIVES, driveCount, dataShards: 1, parityShards: 1 };
  const failure = -Math.log(0.98) / HOURS_A_YEAR;
  const repair = 1 / hoursUntilWhole(assumptions);
  const meanHours =
    ((2 * driveCount - 1) * failure + repair) / (driveCount * (driveCount - 1) * failure ** 2);
  const chance = 1 - Math.exp(-HOURS_A_YEAR / meanHours);
  expect(lossChances(assumptions).drives / chance).toBeCloseTo(1, 9);
});

test("more parity, better drives, faster hands and repair, and more scrubbing each make loss rarer", () => {
  const usual = { ...DRIVES, badPlacesAYear: 0.1 };
  const { drives, place } = lossChances(usual);
  const others: readonly Partial<DriveAssumptions>[] = [
    { parityShards: 3, driveCount: 7 },
    { failuresAYear: 0.01 },
    { replaceHours: 12 },
    { repairBytes: 200e6 },
  ];
  for (const other of others) {
    expect(lossChances({ ...usual, ...other }).drives).toBeLessThan(drives);
    expect(lossChances({ ...usual, ...other }).place).toBeLessThan(place);
  }
  expect(lossChances({ ...usual, scrubDays: 1 }).place).toBeLessThan(place);
});

test("years that are played through end as often as calculated", () => {
  // Drives so bad that a hundred thousand steps tell.
  const bad = { ...DRIVES, failuresAYear: 0.9, replaceHours: 200, badPlacesAYear: 0.5 };
  const seed = 20_261_122;
  const { hours, byDrives, runs } = play(bad, { seed, runs: 4_000 });
  const { drives, place } = lossChances(bad);
  const rate = -(Math.log1p(-drives) + Math.log1p(-place)) / HOURS_A_YEAR;
  expect((hours / runs) * rate).toBeCloseTo(1, 1);
  expect(byDrives / runs).toBeCloseTo(-Math.log1p(-drives) / (rate * HOURS_A_YEAR), 1);
});

/** Each run from all drives there until data is lost. */
function play(assumptions: DriveAssumptions, { seed, runs }: { seed: number; runs: number }) {
  const { driveCount, parityShards, failuresAYear, badPlacesAYear, scrubDays } = assumptions;
  const random = seededRandom(seed);
  const uniform = (): number => (random.below(1_000_000_000) + 0.5) / 1_000_000_000;
  const failure = -Math.log1p(-failuresAYear) / HOURS_A_YEAR;
  const hoursGone = hoursUntilWhole(assumptions);
  const exposedHours = scrubDays * 12 + hoursGone;
  const unlucky =
    1 - Math.exp((-(driveCount - parityShards) * badPlacesAYear * exposedHours) / HOURS_A_YEAR);
  let [hours, byDrives] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    let goneCount = 0;
    while (goneCount <= parityShards) {
      const fails = (driveCount - goneCount) * failure;
      const repairs = goneCount === 0 ? 0 : 1 / hoursGone;
      hours += -Math.log(uniform()) / (fails + repairs);
      const isFailure = uniform() < fails / (fails + repairs);
      goneCount += isFailure ? 1 : -1;
      if (isFailure && goneCount === parityShards && uniform() < unlucky) break;
    }
    if (goneCount > parityShards) byDrives += 1;
  }
  return { hours, byDrives, runs };
}
