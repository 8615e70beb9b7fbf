// What docs/PERFORMANCE.md says of a file of results: above all where another server is faster.

import { XMLParser, XMLValidator } from "fast-xml-parser";
import { expect, test } from "vitest";
import { ratiosOf, verdictsOf } from "../../../bench/page/aims.ts";
import { growthChart } from "../../../bench/page/growth-chart.ts";
import { ratioChart } from "../../../bench/page/ratio-chart.ts";
import { renderPage } from "../../../bench/page/render-page.ts";
import { quartilesOf } from "../../../bench/quartiles.ts";
import type { Result } from "../../../bench/results.ts";

function result(section: string, work: string, server: string, rates: readonly number[]): Result {
  return {
    section,
    work,
    server,
    connections: 16,
    bytesPerOperation: work.endsWith("16m") ? 16 * 1024 ** 2 : 4_096,
    secondsOfRound: 10,
    at: "2026-11-21T00:00:00.000Z",
    rounds: rates.map((operationsPerSecond) => ({
      operationsPerSecond,
      p50Ms: 1,
      p99Ms: 2,
      cpuMicros: 200,
      peakMiB: 300,
      clientCpuMicros: 15,
    })),
  };
}

const RESULTS: readonly Result[] = [
  result("memory", "put-4k", "kintsugi", [300, 400, 500]),
  result("memory", "put-4k", "minio", [90, 100, 110]),
  result("memory", "put-4k", "other", [790, 800, 810]),
  result("memory", "get-16m", "kintsugi", [100]),
  { ...result("memory", "get-16m", "minio", []), error: "503 | Slow Down" },
];

const page = renderPage({
  machine: "2 cores",
  servers: { kintsugi: "4+2", minio: "EC:2", unused: "never measured" },
  commands: { "npm run bench:matrix": "load average before: 0.1" },
  results: RESULTS,
});

test("quartiles lie between the values", () => {
  expect(quartilesOf([4, 1, 3, 2])).toEqual({ low: 1.75, median: 2.5, high: 3.25 });
  expect(quartilesOf([7])).toEqual({ low: 7, median: 7, high: 7 });
  expect(quartilesOf([])).toBeUndefined();
});

test("the page says plainly where we lose", () => {
  expect(page).toContain(
    "### Where we lose\n\n1 of 2 comparisons.\n\n- PUT 4 KiB in memory: 0.50x of other's rate",
  );
  expect(page).not.toContain("unused");
});

test("rates stand with quartiles and ratios, large objects in MiB/s, failures in words", () => {
  expect(page).toContain(
    "| PUT 4 KiB | 16 | 400/s (350-450) | 100/s (95-105) | **4.00x** | 800/s (795-805) | 0.50x |",
  );
  expect(page).toContain(
    "| GET 16 MiB | 16 | 1,600 MiB/s (1,600-1,600) | failed: 503 Slow Down | - | - | - |",
  );
});

test("aims are judged, to MinIO and to the fastest", () => {
  const verdicts = verdictsOf(RESULTS).map(({ what, found, isReached }) => [
    what,
    found,
    isReached,
  ]);
  expect(verdicts).toContainEqual(["PUT 4 KiB, in memory, to MinIO", "4.00x", true]);
  expect(verdicts).toContainEqual(["PUT 4 KiB, in memory, to the fastest (other)", "0.50x", false]);
  expect(verdicts).toContainEqual(["CPU of PUT 4 KiB", "200 us", true]);
});

/** A result of one round, of which one figure matters. */
function varied(section: string, x: number, figure: Partial<Result["rounds"][number]>): Result {
  const one = result(section, section === "buckets" ? "list" : "get-4k", "kintsugi", [10]);
  return { ...one, x, rounds: one.rounds.map((round) => ({ ...round, ...figure })) };
}

test("growth and slow clients are judged within ours", () => {
  const listed = [
    varied("buckets", 1_000, { cpuMicros: 1 }),
    varied("buckets", 10_000, { cpuMicros: 100 }),
    varied("buckets", 1_000_000, { cpuMicros: 130 }),
  ];
  expect(verdictsOf(listed).map(({ isReached }) => isReached)).toEqual([false]);
  const slow = [
    varied("slow-clients", 0, { p99Ms: 10 }),
    varied("slow-clients", 1_000, { p99Ms: 19 }),
  ];
  expect(verdictsOf(slow).map(({ isReached }) => isReached)).toEqual([true, true]);
});

test("what failed on ours is a loss and a missed aim, whatever its rounds before were", () => {
  const own = { ...result("memory", "put-4k", "kintsugi", [900]), error: "wrong bytes" };
  const results = [own, result("memory", "put-4k", "minio", [100])];
  expect(ratiosOf(results, "memory")).toEqual([]);
  expect(verdictsOf(results).filter(({ isReached }) => !isReached)).toHaveLength(1);
  const failed = renderPage({ machine: "2 cores", servers: {}, commands: {}, results });
  expect(failed).toContain("- PUT 4 KiB, section memory: failed on ours");
  expect(failed).not.toContain("9.00x");
});

test("rates of different runs are not compared", () => {
  const own = result("memory", "put-4k", "kintsugi", [900]);
  const other = result("memory", "put-4k", "minio", [100]);
  const later = { ...own, at: "2026-11-21T03:00:00.000Z" };
  expect(ratiosOf([own, other], "memory")).toHaveLength(1);
  expect(ratiosOf([later, other], "memory")).toEqual([]);
  const rendered = renderPage({ machine: "", servers: {}, commands: {}, results: [later, other] });
  expect(rendered).toContain("| 900/s (900-900) | 100/s (100-100) | - |");
});

test("charts are well-formed, name each bar, and suit dark pages", () => {
  const chart = ratioChart("Ratios & more", ratiosOf(RESULTS, "memory"));
  expect(XMLValidator.validate(chart)).toBe(true);
  expect(chart).toContain("prefers-color-scheme: dark");
  expect(chart).toContain("0.50x");
  expect(new XMLParser().parse(chart)).toMatchObject({ svg: { title: "Ratios & more" } });
  const grown = [1, 4_096, 1024 ** 2].map((x) => ({
    ...result("sizes", `put-${x}`, "kintsugi", [x + 1]),
    x,
  }));
  expect(XMLValidator.validate(growthChart("Growth", grown) ?? "")).toBe(true);
  expect(growthChart("Nothing", [])).toBeUndefined();
});
