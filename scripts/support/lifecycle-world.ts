// What scripts/lifecycle.ts fills its buckets with, and the ten rules over them: a bucket without versions, and one with.

import type { LifecycleRule } from "../../src/lifecycle/lifecycle-rule.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import { ModelBucket } from "../../test/support/lifecycle-reference.ts";

export interface WorldBucket {
  readonly name: string;
  readonly rules: readonly LifecycleRule[];
  readonly model: ModelBucket;
}

/** One call, of a key that no other call of the same step has. */
export type Call =
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "upload"; readonly key: string }
  | {
      readonly kind: "put";
      readonly key: string;
      readonly sizeBytes: number;
      readonly tags: Readonly<Record<string, string>>;
    };

const BASE = { isEnabled: true, form: "and", transitions: [], noncurrentTransitions: [] } as const;
const tag = (key: string, value: string) => ({ key, value });

/** @param dateMs When what is under `event/` expires. */
export function makeWorld(dateMs: number): readonly WorldBucket[] {
  const plain: readonly LifecycleRule[] = [
    { ...BASE, id: "logs", ...days("log/", 30) },
    { ...BASE, id: "debug", ...days("log/debug/", 7) },
    { ...BASE, id: "tags", ...days("", 14), filter: { tags: [tag("keep", "short")] } },
    { ...BASE, id: "large", ...days("data/", 365, { sizeGreaterThan: 100 }) },
    {
      ...BASE,
      id: "cold",
      ...days("data/", 180),
      filter: { prefix: "data/", tags: [tag("class", "cold")], sizeLessThan: 50 },
    },
    {
      ...BASE,
      id: "events",
      filter: { prefix: "event/", tags: [] },
      expiration: { kind: "date", date: dateMs },
    },
  ];
  const versioned: readonly LifecycleRule[] = [
    { ...BASE, id: "history", ...noncurrent("doc/", 20, 2) },
    { ...BASE, id: "documents", ...days("doc/", 200) },
    { ...BASE, id: "temporary", ...days("tmp/", 10), ...noncurrent("tmp/", 5) },
    {
      ...BASE,
      id: "markers",
      filter: { prefix: "", tags: [] },
      expiration: { kind: "marker", isWanted: true },
      abortUploadDays: 7,
    },
  ];
  const kept = new ModelBucket();
  kept.versioning = "enabled";
  return [
    { name: "plain", rules: plain, model: new ModelBucket() },
    { name: "versioned", rules: versioned, model: kept },
  ];
}

function days(prefix: string, count: number, more: object = {}) {
  return {
    filter: { prefix, tags: [], ...more },
    expiration: { kind: "days", days: count },
  } as const;
}

function noncurrent(prefix: string, count: number, newerVersions?: number) {
  return {
    filter: { prefix, tags: [] },
    noncurrentExpiration: { days: count, newerVersions },
  } as const;
}

const PREFIXES = {
  plain: ["log/", "log/debug/", "data/", "event/", "other/"],
  versioned: ["doc/", "tmp/", "else/"],
} as const;

/** Calls for one step, `count` in all for the bucket. */
export function drawCalls(
  random: SeededRandom,
  { name }: WorldBucket,
  range: { readonly count: number; readonly keys: number },
): readonly Call[] {
  const prefixes = name === "plain" ? PREFIXES.plain : PREFIXES.versioned;
  const calls = new Map<string, Call>();
  for (let left = range.count; left > 0; left -= 1) {
    const key = `${prefixes[random.below(prefixes.length)]}${random.below(range.keys)}`;
    calls.set(key, drawCall(random, key));
  }
  return [...calls.values()];
}

function drawCall(random: SeededRandom, key: string): Call {
  const chance = random.below(100);
  if (chance < 8) return { kind: "delete", key };
  if (chance < 9) return { kind: "upload", key };
  const tags = {
    ...(random.below(10) === 0 ? { keep: "short" } : {}),
    ...(random.below(3) === 0 ? { class: "cold" } : {}),
  };
  return { kind: "put", key, sizeBytes: 10 + random.below(190), tags };
}
