// What is due by a rule, and when. S3 adds the days of a rule to a time and takes the midnight (UTC) that follows: so all
// that becomes due does so at a midnight, and what was written on one day becomes due together.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rules-number-of-days

import type { Tag } from "../core/tags.ts";
import type { DueEntry, DueQuery } from "../metadata/metadata-store.ts";
import { DAY_MS, dayOf } from "./day-length.ts";
import type { LifecycleFilter, LifecycleRule } from "./lifecycle-rule.ts";

/** What rules act on: see DueQuery. */
export type DueKind = DueQuery["kind"];

/** After all times. */
const ALWAYS = Number.MAX_SAFE_INTEGER;

export interface Described {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags: readonly Tag[];
}

/** The midnight at which what is dated `at` is due after so many days. */
export function dueAfterDays(at: number, days: number): number {
  return (dayOf(at) + days + 1) * DAY_MS;
}

/**
 * What is dated before this time is old enough for the rule now; undefined: nothing is. An object, and a delete marker
 * that is all that is left, go by the same days or date.
 */
export function cutoffOf(rule: LifecycleRule, kind: DueKind, now: number): number | undefined {
  if (!rule.isEnabled) return undefined;
  if (kind === "upload") return afterDays(rule.abortUploadDays, now);
  if (kind === "noncurrent") return afterDays(rule.noncurrentExpiration?.days, now);
  return expirationCutoff(rule, kind, now);
}

function expirationCutoff(
  { expiration }: LifecycleRule,
  kind: "current" | "marker",
  now: number,
): number | undefined {
  if (expiration?.kind === "days") return afterDays(expiration.days, now);
  if (expiration?.kind === "date") return expiration.date <= now ? ALWAYS : undefined;
  const isForMarkers = expiration?.isWanted === true;
  return isForMarkers && kind === "marker" ? ALWAYS : undefined;
}

/** The same as `dueAfterDays(at, days) <= now`, said of all times at once. */
function afterDays(days: number | undefined, now: number): number | undefined {
  return days === undefined ? undefined : (dayOf(now) - days) * DAY_MS;
}

/** Whether an entry of that kind is to go by the rule. */
export function isDue(rule: LifecycleRule, kind: DueKind, entry: DueEntry, now: number): boolean {
  const cutoff = cutoffOf(rule, kind, now);
  if (cutoff === undefined || entry.at >= cutoff || !matches(rule.filter, entry)) return false;
  const { newerVersions = 0 } = rule.noncurrentExpiration ?? {};
  return kind !== "noncurrent" || entry.newerNoncurrent >= newerVersions;
}

/** A delete marker has no tags, and no bytes. */
export function matches(filter: LifecycleFilter, { key, sizeBytes, tags }: Described): boolean {
  const { prefix = "", sizeGreaterThan = -1, sizeLessThan = ALWAYS } = filter;
  return (
    key.startsWith(prefix) &&
    sizeBytes > sizeGreaterThan &&
    sizeBytes < sizeLessThan &&
    filter.tags.every((wanted) =>
      tags.some((tag) => tag.key === wanted.key && tag.value === wanted.value),
    )
  );
}

export interface Foreseen {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ruleId: string;
}

/** When an object that stays the latest version will expire; of several rules the first one to act. */
export function foreseeExpiration(
  rules: readonly LifecycleRule[],
  object: Described & { readonly modifiedAt: number },
): Foreseen | undefined {
  return earliest(
    rules.flatMap(({ id, isEnabled, expiration, filter }) => {
      if (!isEnabled || !matches(filter, object)) return [];
      if (expiration?.kind === "date") return [{ at: expiration.date, ruleId: id }];
      if (expiration?.kind !== "days") return [];
      return [{ at: dueAfterDays(object.modifiedAt, expiration.days), ruleId: id }];
    }),
  );
}

/** When an upload that is not completed will be aborted. */
export function foreseeAbort(
  rules: readonly LifecycleRule[],
  { key, initiatedAt }: { readonly key: string; readonly initiatedAt: number },
): Foreseen | undefined {
  return earliest(
    rules.flatMap(({ id, isEnabled, abortUploadDays: days, filter: { prefix = "" } }) =>
      isEnabled && days !== undefined && key.startsWith(prefix)
        ? [{ at: dueAfterDays(initiatedAt, days), ruleId: id }]
        : [],
    ),
  );
}

function earliest(foreseen: readonly Foreseen[]): Foreseen | undefined {
  const [first, ...others] = foreseen;
  return others.reduce((best, next) => (best && next.at < best.at ? next : best), first);
}
