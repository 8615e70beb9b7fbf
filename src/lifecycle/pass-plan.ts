// What a pass over a bucket must look at: spans of time in which something may have become due since the pass before.
//
// What cannot change with time alone is looked at once: a size and a key stay, and so does when something was written. It is
// looked at in each pass, as long as it is there, where something else may make it due:
// - tags may be changed, and an older version may come back as the latest one;
// - how many versions are newer, whether a lock has ended, and whether a delete marker is all that is left, change.
// Whatever the reason, everything is looked at again once in a while: clocks are set back, and rows are restored.

import type { BucketRecord } from "../metadata/records.ts";
import { cutoffOf, type DueKind } from "./due.ts";
import { DAY_MS } from "./day-length.ts";
import type { LifecycleRule } from "./lifecycle-rule.ts";

/** In this order: what goes as current becomes noncurrent, and what goes as that may leave a marker alone. */
export const KINDS = ["upload", "current", "noncurrent", "marker"] as const satisfies DueKind[];

/** After so many days a pass looks at everything that is old enough. */
const FULL_EVERY_DAYS = 7;

/** From `from` (inclusive) to `before` (exclusive), in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly before: number;
}

/** Before all times. */
export const BEGINNING = Number.MIN_SAFE_INTEGER;

export interface PassTimes {
  /** What the pass goes by, however long it takes. */
  readonly now: number;
  /** What the pass before it went by, with the same rules; undefined: everything is to be looked at. */
  readonly previous: number | undefined;
}

type Bucket = Pick<BucketRecord, "lock" | "versioning">;

/** The spans of a kind, in order, without overlaps. */
export function spansOf(
  rules: readonly LifecycleRule[],
  kind: DueKind,
  bucket: Bucket,
  times: PassTimes,
): readonly Span[] {
  const spans = rules.flatMap((rule) => {
    const before = cutoffOf(rule, kind, times.now);
    if (before === undefined) return [];
    const from = settledBefore(rule, kind, bucket, times) ?? BEGINNING;
    return from < before ? [{ from, before }] : [];
  });
  return merge(spans);
}

/** Whether it is time to look at everything again. */
export function isFullDue(lastFullAt: number, now: number): boolean {
  return Math.abs(now - lastFullAt) >= FULL_EVERY_DAYS * DAY_MS;
}

/** What is dated before has been looked at by the rule, and cannot have become due since. */
function settledBefore(
  rule: LifecycleRule,
  kind: DueKind,
  bucket: Bucket,
  { previous }: PassTimes,
): number | undefined {
  if (previous === undefined || !isSettling(rule, kind, bucket)) return undefined;
  const cutoff = cutoffOf(rule, kind, previous);
  // A rule with a date looks at all that is there: what a write under way then has added since is younger than a day.
  return cutoff && Math.min(cutoff, previous - DAY_MS);
}

function isSettling(rule: LifecycleRule, kind: DueKind, { lock, versioning }: Bucket): boolean {
  if (rule.filter.tags.length > 0) return false;
  if (kind === "current") return versioning === "off";
  const isCounting = rule.noncurrentExpiration?.newerVersions !== undefined;
  if (kind === "noncurrent") return lock === undefined && !isCounting;
  return kind === "upload";
}

function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || span.from > last.before) merged.push(span);
    else merged[merged.length - 1] = { ...last, before: Math.max(last.before, span.before) };
  }
  return merged;
}
