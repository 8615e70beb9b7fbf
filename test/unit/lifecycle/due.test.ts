// When things are due: the examples of AWS's documentation, and what filters match.

import { expect, test } from "vitest";
import {
  cutoffOf,
  dueAfterDays,
  foreseeAbort,
  foreseeExpiration,
  isDue,
  matches,
} from "../../../src/lifecycle/due.ts";
import type { LifecycleFilter } from "../../../src/lifecycle/lifecycle-rule.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { ruleWith } from "../../support/lifecycle-lab.ts";

const DAY_MS = 86_400_000;
const OBJECT = { key: "logs/a", sizeBytes: 10, tags: [{ key: "k", value: "v" }] };

test("days are rounded up to the next midnight UTC, as AWS's example has it", () => {
  const created = Date.parse("2014-01-15T10:30:00Z");
  expect(new Date(dueAfterDays(created, 3)).toISOString()).toBe("2014-01-19T00:00:00.000Z");
});

test("what is dated before the cutoff is what is due, to the millisecond", () => {
  const random = seededRandom(1);
  for (let round = 0; round < 5_000; round += 1) {
    const now = random.below(100 * DAY_MS);
    const days = 1 + random.below(20);
    const at =
      Math.floor(now / DAY_MS - days) * DAY_MS + random.below(2 * DAY_MS) - random.below(3);
    const rule = ruleWith({ expiration: { kind: "days", days } });
    const cutoff = cutoffOf(rule, "current", now) ?? 0;
    expect(at < cutoff).toBe(dueAfterDays(at, days) <= now);
  }
});

test.each<[string, LifecycleFilter, boolean]>([
  ["nothing", { tags: [] }, true],
  ["an empty prefix", { prefix: "", tags: [] }, true],
  ["the prefix", { prefix: "logs/", tags: [] }, true],
  ["another prefix", { prefix: "log/", tags: [] }, false],
  ["the tag", { tags: [{ key: "k", value: "v" }] }, true],
  ["another value", { tags: [{ key: "k", value: "w" }] }, false],
  ["one tag more", { tags: [...OBJECT.tags, { key: "l", value: "v" }] }, false],
  ["just its size, exclusive above", { tags: [], sizeGreaterThan: 10 }, false],
  ["a size below", { tags: [], sizeGreaterThan: 9 }, true],
  ["just its size, exclusive below", { tags: [], sizeLessThan: 10 }, false],
  ["a size above", { tags: [], sizeLessThan: 11 }, true],
])("a filter by %s", (_what, filter, isMatch) => {
  expect(matches(filter, OBJECT)).toBe(isMatch);
});

test("rules that are off, and what they say nothing of, name nothing", () => {
  const expiration = { kind: "days", days: 1 } as const;
  const now = 1_000 * DAY_MS;
  expect(cutoffOf(ruleWith({ expiration, isEnabled: false }), "current", now)).toBeUndefined();
  expect(cutoffOf(ruleWith({ expiration }), "noncurrent", now)).toBeUndefined();
  expect(cutoffOf(ruleWith({ expiration }), "upload", now)).toBeUndefined();
  const marker = ruleWith({ expiration: { kind: "marker", isWanted: true } });
  expect(cutoffOf(marker, "current", now)).toBeUndefined();
  expect(cutoffOf(marker, "marker", now)).toBeDefined();
  const off = ruleWith({ expiration: { kind: "marker", isWanted: false } });
  expect(cutoffOf(off, "marker", now)).toBeUndefined();
  const later = ruleWith({ expiration: { kind: "date", date: now + DAY_MS } });
  expect(cutoffOf(later, "current", now)).toBeUndefined();
});

test("so many of the newer versions are kept, and what is newer counts whatever rule it is under", () => {
  const noncurrentExpiration = { days: 1, newerVersions: 2 };
  const rule = ruleWith({ noncurrentExpiration });
  const entry = { ...OBJECT, at: 0, sequence: 1, versionId: "v", uploadId: undefined };
  const due = (newerNoncurrent: number) =>
    isDue(rule, "noncurrent", { ...entry, newerNoncurrent }, 10 * DAY_MS);
  expect([due(0), due(1), due(2), due(3)]).toEqual([false, false, true, true]);
});

test("of several rules the first to act is foreseen", () => {
  const rules = [
    ruleWith({ id: "late", expiration: { kind: "days", days: 9 } }),
    ruleWith({ id: "date", expiration: { kind: "date", date: 5 * DAY_MS } }),
    ruleWith({ id: "off", isEnabled: false, expiration: { kind: "days", days: 1 } }),
    ruleWith({ id: "marker", expiration: { kind: "marker", isWanted: true } }),
    ruleWith({ id: "abort", abortUploadDays: 3 }),
  ];
  const object = { ...OBJECT, modifiedAt: 0 };
  expect(foreseeExpiration(rules, object)).toEqual({ at: 5 * DAY_MS, ruleId: "date" });
  expect(foreseeExpiration(rules.slice(2), object)).toBeUndefined();
  const abort = foreseeAbort(rules, { key: "k", initiatedAt: 0 });
  expect(abort).toEqual({ at: 4 * DAY_MS, ruleId: "abort" });
});
