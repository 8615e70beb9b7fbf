// How long the page waits before it asks again: longer and longer while nothing answers. Pure.

const WAIT_MS_MAX = 60_000;

/** `failuresInRow`: questions of late that had no answer. */
export function pollWaitMs(everyMs: number, failuresInRow: number): number {
  return Math.min(everyMs * 2 ** Math.min(failuresInRow, 10), Math.max(WAIT_MS_MAX, everyMs));
}
