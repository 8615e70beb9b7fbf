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
