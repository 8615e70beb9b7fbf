// The gate before a drive, with calls that the test answers by hand; and the sums of its bound.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { callsInFlightMax } from "../../../src/disk/call-bound.ts";
import { CallGate, type Done } from "../../../src/disk/call-gate.ts";
import { diskErrorFrom } from "../../../src/disk/errno.ts";
import { diskErrorOf } from "../../contract/disk.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("no more calls are made than the bound allows", async () => {
  const gate = new CallGate({ deadlineMs: 100, maxInFlight: 2 });
  const made: Done<number>[] = [];
  const calls = [1, 2, 3].map((call) =>
    gate.run<number>({ what: `call ${call}`, start: (done) => void made.push(done) }),
  );
  expect(made).toHaveLength(2);
  made[0]?.(null, 10);
  expect(await calls[0]).toBe(10);
  await Promise.resolve();
  expect(made).toHaveLength(3);
  made[1]?.(null, 20);
  made[2]?.(null, 30);
  expect(await Promise.all(calls)).toEqual([10, 20, 30]);
});

test("while a call hangs others fail at once; every call ends exactly once", async () => {
  const gate = new CallGate({ deadlineMs: 100, maxInFlight: 1 });
  const made: Done<number>[] = [];
  const ends: string[] = [];
  const late: number[] = [];
  const call = (name: string) =>
    diskErrorOf(
      gate.run<number>({
        what: name,
        start: (done) => void made.push(done),
        onLate: (value) => void late.push(value),
        onEnd: () => void ends.push(name),
      }),
    );
  const waiting = [call("hung"), call("queued")];
  await vi.advanceTimersByTimeAsync(100);
  expect(await Promise.all(waiting)).toEqual(["TIMEOUT", "TIMEOUT"]);
  expect(await call("refused")).toBe("TIMEOUT");
  expect(made).toHaveLength(1);
  expect(ends).toEqual(["refused"]);

  made[0]?.(null, 7);
  await vi.advanceTimersByTimeAsync(0);
  expect(late).toEqual([7]);
  expect(ends.toSorted()).toEqual(["hung", "queued", "refused"]);
  const well = call("well");
  made[1]?.(null, 8);
  expect(await well).toBeUndefined();
});

test("F44 errno codes fold into what callers tell apart", () => {
  const codes = ["EDQUOT", "EEXIST", "EMFILE", "ENFILE", "ENOENT", "ENOSPC", "EROFS", "EUCLEAN"];
  const folded = codes.map(
    (code) => diskErrorFrom(Object.assign(new Error(code), { code }), "call").code,
  );
  expect(folded).toEqual([
    "ENOSPC",
    "EEXIST",
    "OTHER",
    "OTHER",
    "ENOENT",
    "ENOSPC",
    "EROFS",
    "EIO",
  ]);
});

test.each([
  [4, 0, 4],
  [4, 1, 1],
  [4, 2, 1],
  [16, 1, 11],
  [16, 2, 3],
  [16, 4, 1],
])("%i threads of which %i drives may take theirs: %i calls each", (poolThreads, hung, bound) => {
  expect(callsInFlightMax({ poolThreads, toleratedCount: hung })).toBe(bound);
});
