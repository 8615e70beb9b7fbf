// Time in which the process did not run is nobody's fault.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { awakeTimeout } from "../../../src/util/awake-timeout.ts";

let sleptMs = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  sleptMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => Date.now() + sleptMs);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The clock goes on, and no timer is looked at. */
function sleep(timeMs: number): void {
  sleptMs += timeMs;
}

test.each([10, 999, 1_000, 10_000])("%i ms that pass are %i ms", (timeoutMs) => {
  const onTimeout = vi.fn<() => void>();
  awakeTimeout(timeoutMs, onTimeout);
  vi.advanceTimersByTime(timeoutMs - 1);
  expect(onTimeout).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onTimeout).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(60_000);
  expect(onTimeout).toHaveBeenCalledOnce();
});

test("what was cancelled stays silent", () => {
  const onTimeout = vi.fn<() => void>();
  const timeout = awakeTimeout(10_000, onTimeout);
  vi.advanceTimersByTime(9_000);
  timeout.cancel();
  vi.advanceTimersByTime(60_000);
  expect(onTimeout).not.toHaveBeenCalled();
});

test("a minute that was slept through counts for nothing, at any moment of the wait", () => {
  for (const before of [0, 2_600, 9_900]) {
    const onTimeout = vi.fn<() => void>();
    awakeTimeout(10_000, onTimeout);
    vi.advanceTimersByTime(before);
    sleep(60_000);
    vi.advanceTimersByTime(1);
    expect(onTimeout).not.toHaveBeenCalled();
    vi.advanceTimersByTime(12_500);
    expect(onTimeout).toHaveBeenCalledOnce();
  }
});

test("a process that is always late waits twice as long, and no longer", () => {
  const onTimeout = vi.fn<() => void>();
  awakeTimeout(10_000, onTimeout);
  for (let slices = 0; slices < 8; slices += 1) {
    expect(onTimeout).not.toHaveBeenCalled();
    sleep(20_000);
    vi.advanceTimersByTime(2_500);
  }
  expect(onTimeout).toHaveBeenCalledOnce();
});
