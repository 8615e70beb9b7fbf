// A wait ends with its work or with its deadline, and late results are not lost.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withDeadline } from "../../../src/util/deadline.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const onTimeout = () => new Error("too late");

test("what settles in time settles as it does, and leaves no timer", async () => {
  expect(await withDeadline(Promise.resolve(7), { timeoutMs: 10, onTimeout })).toBe(7);
  const failing = withDeadline(Promise.reject(new Error("own")), { timeoutMs: 10, onTimeout });
  await expect(failing).rejects.toThrow("own");
  expect(vi.getTimerCount()).toBe(0);
});

test("what takes longer rejects, and its late result is handed on", async () => {
  const late: number[] = [];
  const work = new Promise<number>((resolve) => void setTimeout(() => resolve(3), 30));
  const waiting = withDeadline(work, { timeoutMs: 10, onTimeout, onLate: (v) => late.push(v) });
  const [outcome] = await Promise.allSettled([waiting, vi.advanceTimersByTimeAsync(10)]);
  expect(outcome).toEqual({ status: "rejected", reason: onTimeout() });
  expect(late).toEqual([]);
  await vi.advanceTimersByTimeAsync(20);
  expect(late).toEqual([3]);
});
