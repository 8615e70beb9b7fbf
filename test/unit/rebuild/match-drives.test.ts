// Shards of which there are copies: each is given a drive, none two, and as many as can be are given one.

import { expect, test } from "vitest";
import { matchDrives } from "../../../src/rebuild/match-drives.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

test("where a shard should be comes first", () => {
  expect(matchDrives([0, 1, 2], [[3, 0], [1], [4, 2]])).toEqual([0, 1, 2]);
});

test("what is found nowhere is where it should be, unless that drive has another", () => {
  expect(matchDrives([0, 1, 2], [[0], [], [2]])).toEqual([0, 1, 2]);
  expect(matchDrives([0, 1, 2], [[1], [], [2]])).toEqual([1, -1, 2]);
  expect(matchDrives([0, -1], [[0], []])).toEqual([0, -1]);
});

test("one gives way to another that can be nowhere else", () => {
  expect(matchDrives([0, 1, 2], [[0, 3], [0], [2]])).toEqual([3, 0, 2]);
});

test("two lists of places are one or the other, or a mix of both, and none is left out", () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  for (let round = 0; round < 500; round += 1) {
    const before = shuffled(8, random).slice(0, 6);
    const after = shuffled(8, random).slice(0, 6);
    // Of those that were moved some old copies are left, and all new ones are there.
    const found = after.map((drive, index) => {
      const old = random.below(2) === 0 ? [before[index] ?? -1] : [];
      return [...new Set([...old, drive])];
    });
    const drives = matchDrives(before, found);
    expect(new Set(drives).size, `seed ${seed}`).toBe(6);
    for (const [index, drive] of drives.entries()) {
      expect(found[index], `seed ${seed}`).toContain(drive);
    }
  }
});

function shuffled(count: number, random: ReturnType<typeof seededRandom>): readonly number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let end = count; end > 1; end -= 1) order.push(...order.splice(random.below(end), 1));
  return order;
}
