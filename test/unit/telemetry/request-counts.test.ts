// Requests are counted by operation, status and duration, in numbers alone.

import { expect, test } from "vitest";
import { DURATION_BUCKETS_MS, RequestCounts } from "../../../src/telemetry/request-counts.ts";

const request = { operationName: "GetObject", status: 200, receivedBytes: 1, sentBytes: 10 };

test("each request counts once, in the bucket that its duration is not beyond", () => {
  const counts = new RequestCounts();
  for (const durationMs of [0, 1, 1.1, 120_000, 120_001]) {
    counts.begin();
    counts.end({ ...request, durationMs });
  }
  const found = counts.operations.get("GetObject");
  expect(found?.statuses).toEqual(new Map([[200, 5]]));
  expect(found).toMatchObject({ receivedBytes: 5, sentBytes: 50, durationMsSum: 240_003.1 });
  const durations = [...(found?.durations ?? [])];
  expect(durations.slice(0, 2)).toEqual([2, 1]);
  expect(durations.slice(-2)).toEqual([1, 1]);
  expect(durations).toHaveLength(DURATION_BUCKETS_MS.length + 1);
});

test("what has begun and not ended is open", () => {
  const counts = new RequestCounts();
  counts.begin();
  counts.begin();
  counts.end({ ...request, durationMs: 1 });
  expect(counts.openCount).toBe(1);
});
