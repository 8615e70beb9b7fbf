// What the web page decides without a browser: what its address means, what numbers look like, when it asks again, and that
// the answers that it reads are those that the server gives.

import * as fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import type { DrivesReport } from "../../../src/admin/admin-drives.ts";
import type { BucketsPage, ObjectsPage, VersionsPage } from "../../../src/admin/admin-catalog.ts";
import type { StatusReport } from "../../../src/admin/status-report.ts";
import type {
  BucketsAnswer,
  DrivesAnswer,
  HealingAnswer,
  ObjectsAnswer,
  StatusAnswer,
  VersionsAnswer,
} from "../../../src/console/answers.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumberOf,
  formatTime,
} from "../../../src/console/format.ts";
import {
  crumbsOf,
  parseLocation,
  renderLocation,
  type PageLocation,
} from "../../../src/console/page-location.ts";
import { pollWaitMs } from "../../../src/console/poll-pace.ts";
import {
  changeSentence,
  headlineOf,
  repairSentences,
} from "../../../src/console/status-sentences.ts";

test("what the page reads is what the server answers", () => {
  expectTypeOf<StatusReport>().toExtend<StatusAnswer>();
  expectTypeOf<DrivesReport>().toExtend<DrivesAnswer>();
  expectTypeOf<BucketsPage>().toExtend<BucketsAnswer>();
  expectTypeOf<ObjectsPage>().toExtend<ObjectsAnswer>();
  expectTypeOf<VersionsPage>().toExtend<VersionsAnswer>();
});

const name = fc.string({ unit: "grapheme" });
const bucket = fc.string({ unit: "grapheme", minLength: 1 });
const locations: fc.Arbitrary<PageLocation> = fc.oneof(
  fc.constant({ view: "overview" } as const),
  fc.record({ view: fc.constant("buckets" as const), after: name }),
  fc.record({ view: fc.constant("objects" as const), bucket, prefix: name, after: name }),
  fc.record({
    view: fc.constant("versions" as const),
    bucket,
    prefix: name,
    key: name,
    after: name,
    afterVersion: name,
  }),
);

test("an address leads back to what it was made of, whatever names are in it, and never elsewhere", () => {
  fc.assert(
    fc.property(locations, (location) => {
      const hash = renderLocation(location);
      expect(hash).toMatch(/^#\/[\w?=&%*.+-]*$/);
      expect(parseLocation(hash)).toEqual(location);
    }),
  );
});

test.each([
  "",
  "#",
  "#/",
  "#/nothing",
  "#/objects",
  "#/objects?bucket=",
  "#main",
  "#/__proto__?x=1",
])("%j is the overview", (hash) => {
  expect(parseLocation(hash)).toEqual({ view: "overview" });
});

test("the folders that lead to a prefix", () => {
  expect(crumbsOf("")).toEqual([]);
  expect(crumbsOf("a//b/c")).toEqual([
    { name: "a/", prefix: "a/" },
    { name: "/", prefix: "a//" },
    { name: "b/", prefix: "a//b/" },
    { name: "c", prefix: "a//b/c" },
  ]);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_024, "1.00 KiB"],
  [10_240, "10.0 KiB"],
  [1_048_575, "1.00 MiB"],
  [3_000_001, "2.86 MiB"],
  [999 * 1_024 ** 3, "999 GiB"],
  [5 * 1_024 ** 7, "5120 EiB"],
])("%d bytes are %s", (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words);
});

test.each([
  [0, "0 s"],
  [59.6, "1 min"],
  [125, "2 min 5 s"],
  [3_600, "1 h"],
  [90_061, "1 d 1 h"],
  [-5, "0 s"],
])("%d seconds are %s", (seconds, words) => {
  expect(formatDuration(seconds)).toBe(words);
});

test("counts and times", () => {
  expect(formatCount(1_234_567)).toBe("1,234,567");
  expect(formatNumberOf(1, "set")).toBe("1 set");
  expect(formatNumberOf(2, "set")).toBe("2 sets");
  expect(formatTime("2026-11-22T06:00:00.123Z")).toBe("2026-11-22 06:00:00 UTC");
  expect(formatTime("soon")).toBe("soon");
});

test("it asks less and less often while nothing answers, and never stops asking", () => {
  expect([0, 1, 2, 3, 4, 100].map((failures) => pollWaitMs(5_000, failures))).toEqual([
    5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
  ]);
});

const HEALING: HealingAnswer = {
  state: "idle",
  isUnthrottled: false,
  degraded: { sets: 0, bytes: 0, bySpare: [], isMore: false },
  waitingSets: 0,
  failing: { sets: 0, first: [] },
  done: { sets: 0, writtenBytes: 0 },
  rateBytes: 0,
  renewedDrives: [],
  scrub: { lookedAtSets: 0, passCount: 0, lostShards: 0 },
};

test("repair in sentences", () => {
  expect(repairSentences(0, HEALING).join("")).toBe("Every set has all its shards. ");
  const busy: HealingAnswer = {
    ...HEALING,
    degraded: { ...HEALING.degraded, sets: 2, bytes: 3_000_001 },
    rateBytes: 1_048_576,
    secondsLeft: 61,
    done: { sets: 1, writtenBytes: 10 },
  };
  expect(repairSentences(2, busy).join("")).toBe(
    "2 sets below full redundancy; 2.86 MiB to make anew. 1.00 MiB a second, 1 min 1 s left. " +
      "Since the start: 1 set made whole, 10 B written. ",
  );
});

test("drives that come and go in a sentence", () => {
  const idle: DrivesAnswer["change"] = {
    phase: "idle",
    seenSets: 5,
    totalSets: 10,
    movedShards: 1,
    rateBytes: 0,
    waitingSets: 0,
  };
  expect(changeSentence({ drives: [], change: idle })).toBeUndefined();
  const busy = { ...idle, phase: "copying", waitingSets: 2, problem: "no room" };
  expect(changeSentence({ drives: [], change: busy })).toBe(
    "Drives come or go (copying): 5 of 10 sets seen, 1 shard moved, 0 B a second, 2 sets could not be moved: no room.",
  );
});

test("the headline says how many things there are to look at, and whether writes are refused", () => {
  const status = { isWell: true, isWritable: true, problems: [] } as unknown as StatusAnswer;
  expect(headlineOf(status)).toBe("All is well.");
  const ill = { ...status, isWell: false, problems: ["a", "b"] };
  expect(headlineOf(ill)).toBe("2 things to look at:");
  expect(headlineOf({ ...ill, isWritable: false })).toBe(
    "2 things to look at, and new objects are refused:",
  );
});
