// How many writes under way make the first of them wait for others, and for how long.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PackGathering } from "../../../src/store/pack-gathering.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface UnderWay {
  readonly coming: number;
  readonly entered: number;
}

function gatheringOf({ coming, entered }: UnderWay, onOver = (): void => undefined) {
  const gathering = new PackGathering(onOver);
  const ends = Array.from({ length: coming }, () => gathering.announce());
  for (let count = 0; count < entered; count += 1) gathering.enter();
  return { gathering, ends };
}

test.each([
  ["one alone", { coming: 0, entered: 1 }, 0],
  ["one, while two more come", { coming: 2, entered: 1 }, 1],
  ["one, while three more come", { coming: 3, entered: 1 }, 2],
  ["of many, some of whom are being named", { coming: 5, entered: 11 }, 8],
  ["of very many", { coming: 300, entered: 100 }, 16],
])("%s: %o, %i go", (_, underWay, wanted) => {
  const { gathering } = gatheringOf(underWay);
  expect(gathering.holds(wanted)).toBe(false);
  expect(gathering.holds(Math.max(wanted - 1, 0))).toBe(wanted > 0);
});

test("who has stopped coming, or has been named, is waited for no longer", () => {
  const { gathering, ends } = gatheringOf({ coming: 4, entered: 2 });
  expect(gathering.holds(2)).toBe(true);
  ends[0]?.();
  ends[0]?.();
  expect(gathering.holds(2)).toBe(false);
  expect(gathering.holds(1)).toBe(true);
  gathering.leave();
  gathering.leave();
  expect(gathering.holds(1)).toBe(false);
});

test.each([
  [0, 1],
  [6, 3],
  [600, 5],
])("after a group that took %i ms the first waits for %i ms at the most", (tookMs, waitMs) => {
  const onOver = vi.fn<() => void>();
  const { gathering } = gatheringOf({ coming: 15, entered: 1 }, onOver);
  gathering.note(tookMs);
  expect(gathering.holds(1)).toBe(true);
  vi.advanceTimersByTime(waitMs - 1);
  expect(gathering.holds(2)).toBe(true);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onOver).toHaveBeenCalledOnce();
  expect(gathering.holds(1)).toBe(false);
});

test("the next group has its own moment", () => {
  const onOver = vi.fn<() => void>();
  const { gathering } = gatheringOf({ coming: 15, entered: 1 }, onOver);
  expect(gathering.holds(1)).toBe(true);
  gathering.end();
  vi.advanceTimersByTime(100);
  expect(onOver).not.toHaveBeenCalled();
  expect(gathering.holds(1)).toBe(true);
});

test("who sends slowly is waited for no longer", () => {
  const { gathering, ends } = gatheringOf({ coming: 6, entered: 2 });
  expect(gathering.holds(3)).toBe(true);
  vi.advanceTimersByTime(100);
  gathering.end();
  gathering.announce();
  gathering.announce();
  expect(gathering.holds(4)).toBe(true);
  vi.advanceTimersByTime(100);
  gathering.end();
  expect(gathering.holds(2)).toBe(false);
  expect(gathering.holds(1)).toBe(true);
  vi.advanceTimersByTime(200);
  gathering.end();
  expect(gathering.holds(1)).toBe(false);
  for (const end of ends) end();
  expect(gathering.holds(1)).toBe(false);
});
