// How many callers make the first few of them wait, and for how long.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Gathering } from "../../../src/util/gathering.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  ["few callers", 5, 2, 0],
  ["as many wait as were answered", 8, 8, 0],
  ["a quarter waits", 12, 4, 0],
  ["one of many waits", 15, 1, 8],
  ["nobody waits yet", 16, 0, 8],
])("%s: %i answered, %i wait", (_, answered, waiting, wanted) => {
  const gathering = new Gathering(() => undefined);
  gathering.begin(answered, waiting);
  expect(gathering.holds(wanted)).toBe(false);
  expect(gathering.holds(Math.max(wanted - 1, 0))).toBe(wanted > 0);
});

test.each([
  ["they are too few together", [3, 1, 3], 0],
  ["they are enough together, and half of them wait", [4, 4, 1], 0],
  ["they are enough together, and fewer wait", [6, 2, 1], 4],
] as const)("with others elsewhere: %s", (_, [answered, waiting, othersCount], wanted) => {
  const gathering = new Gathering(() => undefined);
  gathering.begin(answered, waiting, { othersCount, tookMs: 0 });
  expect(gathering.holds(wanted)).toBe(false);
  expect(gathering.holds(Math.max(wanted - 1, 0))).toBe(wanted > 0);
});

test.each([
  [0, 1],
  [6, 3],
  [600, 5],
])("after a group that took %i ms they wait for %i ms at the most", (tookMs, waitMs) => {
  const onOver = vi.fn<() => void>();
  const gathering = new Gathering(onOver);
  gathering.begin(15, 1, { othersCount: 0, tookMs });
  vi.advanceTimersByTime(waitMs - 1);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onOver).toHaveBeenCalledOnce();
});

test("a small group among large ones is not taken for few callers; several are", () => {
  const gathering = new Gathering(() => undefined);
  gathering.begin(14, 2);
  gathering.begin(3, 0);
  expect(gathering.holds(3)).toBe(true);
  expect(gathering.holds(4)).toBe(false);
  gathering.begin(1, 0);
  expect(gathering.holds(1)).toBe(false);
});

test("nobody waits longer than a moment, nor where it was ended", () => {
  const onOver = vi.fn<() => void>();
  const gathering = new Gathering(onOver);
  gathering.begin(15, 1);
  vi.advanceTimersByTime(1);
  expect(onOver).toHaveBeenCalledOnce();
  expect(gathering.holds(1)).toBe(false);
  gathering.begin(15, 1);
  gathering.end();
  expect(gathering.holds(1)).toBe(false);
  vi.advanceTimersByTime(10);
  expect(onOver).toHaveBeenCalledOnce();
});
