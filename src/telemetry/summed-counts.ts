// Counts of requests of several processes as one: what the metrics page shows of a server of several workers.

import type { OperationCounts, RequestCounts } from "./request-counts.ts";

/** What is looked at of counts, also where they come from another process. */
export type CountsView = Pick<RequestCounts, "openCount" | "operations">;

/** A copy that can be sent, and that later requests do not change. */
export function countsNow({ openCount, operations }: CountsView): CountsView {
  return { openCount, operations: new Map(operations) };
}

export function sumOfCounts(all: readonly CountsView[]): CountsView {
  const operations = new Map<string, OperationCounts>();
  for (const [name, counts] of all.flatMap((each) => [...each.operations])) {
    const before = operations.get(name);
    operations.set(name, before === undefined ? counts : sumOf(before, counts));
  }
  return { openCount: all.reduce((sum, { openCount }) => sum + openCount, 0), operations };
}

function sumOf(a: OperationCounts, b: OperationCounts): OperationCounts {
  const statuses = new Map(a.statuses);
  for (const [status, count] of b.statuses) {
    statuses.set(status, (statuses.get(status) ?? 0) + count);
  }
  return {
    statuses,
    durations: a.durations.map((count, index) => count + (b.durations[index] ?? 0)),
    durationMsSum: a.durationMsSum + b.durationMsSum,
    receivedBytes: a.receivedBytes + b.receivedBytes,
    sentBytes: a.sentBytes + b.sentBytes,
  };
}
