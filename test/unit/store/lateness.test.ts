// When a drive that was overtaken counts as slow.

import { expect, test } from "vitest";
import { Lateness } from "../../../src/store/lateness.ts";

function answers(lateness: Lateness, count: number): void {
  for (let each = 0; each < count; each += 1) lateness.noteAnswer();
}

test("a drive that has answered nothing since a late read began is slow at once", () => {
  expect(new Lateness().noteLate(false)).toBe(true);
});

test("one late read in a hundred makes no drive slow, however long it goes on", () => {
  const lateness = new Lateness();
  for (let round = 0; round < 1_000; round += 1) {
    answers(lateness, 99);
    expect(lateness.noteLate(true)).toBe(false);
  }
});

test("a drive of which every read is late is slow after three, and again after three more", () => {
  const lateness = new Lateness();
  const verdicts = Array.from({ length: 6 }, () => lateness.noteLate(true));
  expect(verdicts).toEqual([false, false, true, false, false, true]);
});

test("a drive of which one read in ten is late is found to be slow", () => {
  const lateness = new Lateness();
  let lateCount = 0;
  do {
    answers(lateness, 9);
    lateCount += 1;
  } while (!lateness.noteLate(true));
  expect(lateCount).toBeLessThan(6);
});
