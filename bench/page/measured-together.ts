// Which results may be compared. A file of results keeps what earlier runs left there, and machines are noisy: ours of a
// quiet hour beside another's of a busy one would say nothing.

import type { Result } from "../results.ts";

/** The results of one measurement are written down together, at the end of its last round. */
const APART_MS_MAX = 1_000;

/** Whether the rounds of both alternated. */
export function isMeasuredTogether(left: Result, right: Result): boolean {
  return Math.abs(Date.parse(left.at) - Date.parse(right.at)) <= APART_MS_MAX;
}
