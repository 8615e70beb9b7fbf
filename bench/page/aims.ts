// What the project wants to reach, and how far it is: ratios to other servers, CPU, memory, and how little cost grows.

import { figuresOf } from "../quartiles.ts";
import type { Result } from "../results.ts";
import { OWN_NAME } from "../subjects/own-subjects.ts";
import { isMeasuredTogether } from "./measured-together.ts";
import { ratioText, rateText, workText } from "./quantities.ts";

/** At least so many times the rate of MinIO, and of the fastest peer. */
interface RatioAim {
  readonly minio: number;
  readonly fastest?: number;
}

const IN_MEMORY: Readonly<Record<string, RatioAim>> = {
  "put-4k": { minio: 3.5, fastest: 1 },
  "get-4k": { minio: 2.5, fastest: 1.6 },
  "get-4k-restarted": { minio: 2.5, fastest: 1.6 },
  "put-64k": { minio: 3, fastest: 0.9 },
  "get-64k": { minio: 2.2, fastest: 1.3 },
  "put-1m": { minio: 1.6, fastest: 1 },
  "get-1m": { minio: 1.6, fastest: 0.8 },
  "put-16m": { minio: 1.3, fastest: 1.1 },
  "get-16m": { minio: 1, fastest: 1 },
  "range-64k": { minio: 2.5, fastest: 1.5 },
  list: { minio: 25, fastest: 2 },
  "list-delimiter": { minio: 25, fastest: 2 },
  delete: { minio: 5, fastest: 2 },
};
const ON_DISK: Readonly<Record<string, RatioAim>> = { "put-4k": { minio: 8 } };

const AIMS: Readonly<Record<string, Readonly<Record<string, RatioAim>>>> = {
  memory: IN_MEMORY,
  disk: ON_DISK,
};

export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly aim: string;
  readonly isReached: boolean;
}

export interface PeerRatio {
  readonly section: string;
  readonly work: string;
  readonly server: string;
  readonly ratio: number;
}

const rateOf = (result: Result) => figuresOf(result)?.rate.median;
const isSame = (left: Result, right: Result) =>
  left.section === right.section &&
  left.work === right.work &&
  left.x === right.x &&
  isMeasuredTogether(left, right);

/** Ours by each other server's rate, in the order of the results. A work that failed on ours has no rate to be proud of. */
export function ratiosOf(results: readonly Result[], section: string): readonly PeerRatio[] {
  return ownOf(results, section)
    .filter(({ error }) => error === undefined)
    .flatMap((own) =>
      results
        .filter((other) => isSame(own, other) && other.server !== OWN_NAME)
        .flatMap((other) => {
          const [ours, theirs] = [rateOf(own), rateOf(other)];
          if (ours === undefined || theirs === undefined) return [];
          return [{ section, work: own.work, server: other.server, ratio: ours / theirs }];
        }),
    );
}

function ratioVerdicts(results: readonly Result[]): Verdict[] {
  return Object.entries(AIMS).flatMap(([section, aims]) => {
    const ratios = ratiosOf(results, section);
    return Object.entries(aims).flatMap(([work, { minio, fastest }]) => {
      const own = ratios.filter((ratio) => ratio.work === work);
      const what = `${workText(work)}, ${section === "disk" ? "on a disk" : "in memory"}`;
      const toMinio = own.find(({ server }) => server === "minio");
      const least = own.toSorted((left, right) => left.ratio - right.ratio)[0];
      return [
        ...(toMinio ? [atLeast(`${what}, to MinIO`, toMinio.ratio, minio)] : []),
        ...(least && fastest !== undefined && own.length > 1
          ? [atLeast(`${what}, to the fastest (${least.server})`, least.ratio, fastest)]
          : []),
      ];
    });
  });
}

/** What ours did not do to the end is missed, whatever its rounds before were. */
function failureVerdicts(results: readonly Result[]): Verdict[] {
  return failuresOf(results).map(({ section, work, x }) => {
    const varied = x === undefined ? "" : ` (${x})`;
    const what = `${workText(work)}${varied}, section ${section}`;
    return { what, found: "failed", aim: "done", isReached: false };
  });
}

/** Works that failed on ours. */
export function failuresOf(results: readonly Result[]): readonly Result[] {
  return results.filter(({ server, error }) => server === OWN_NAME && error !== undefined);
}

function atLeast(what: string, found: number, aim: number): Verdict {
  return { what, found: ratioText(found), aim: `at least ${aim}x`, isReached: found >= aim };
}

function atMost(what: string, found: number, [aim, unit]: readonly [number, string]): Verdict {
  return {
    what,
    found: `${rateText(found)} ${unit}`,
    aim: `at most ${rateText(aim)} ${unit}`,
    isReached: found <= aim,
  };
}

const ownOf = (results: readonly Result[], section: string) =>
  results.filter((result) => result.section === section && result.server === OWN_NAME);

function costVerdicts(results: readonly Result[]): Verdict[] {
  const own = ownOf(results, "memory");
  const verdicts: Verdict[] = [];
  for (const [work, aim] of [
    ["get-4k", 150],
    ["put-4k", 300],
  ] as const) {
    const result = own.find((each) => each.work === work);
    const cpu = result && figuresOf(result)?.cpuMicros;
    if (cpu !== undefined) verdicts.push(atMost(`CPU of ${workText(work)}`, cpu, [aim, "us"]));
  }
  const peaks = own.flatMap((each) => figuresOf(each)?.peakMiB ?? []);
  if (peaks.length > 0) {
    verdicts.push(atMost("memory under these loads", Math.max(...peaks), [400, "MiB"]));
  }
  return verdicts;
}

/** A page of a listing costs the same CPU in a large bucket as in one of ten thousand keys. */
function listVerdicts(results: readonly Result[]): Verdict[] {
  const pages = ownOf(results, "buckets").filter(
    ({ work, x = 0 }) => work === "list" && x >= 10_000,
  );
  const costs = pages
    .toSorted((left, right) => (left.x ?? 0) - (right.x ?? 0))
    .flatMap((page) => figuresOf(page)?.cpuMicros ?? []);
  const [first, last] = [costs[0], costs.at(-1)];
  if (first === undefined || last === undefined || costs.length < 2) return [];
  const largest = Math.max(...pages.map(({ x = 0 }) => x));
  const what = `CPU of a LIST page in a bucket of ${rateText(largest)} keys, to one of 10,000`;
  return [atMost(what, last / first, [1.2, "times"])];
}

function nodeVerdicts(results: readonly Result[]): Verdict[] {
  const nodes = results.filter(({ section, server }) => section === "nodes" && server !== OWN_NAME);
  return nodes.flatMap((result) => {
    if (!/-(1m|16m)$/.test(result.work)) return [];
    const own = results.find((other) => isSame(result, other) && other.server === OWN_NAME);
    const [theirs, ours] = [rateOf(result), own && rateOf(own)];
    if (theirs === undefined || ours === undefined) return [];
    return [
      atLeast(`${workText(result.work)} through six nodes, to embedded`, theirs / ours, 0.45),
    ];
  });
}

function slowVerdicts(results: readonly Result[]): Verdict[] {
  const all = ownOf(results, "slow-clients");
  return all
    .filter(({ x = 0 }) => x > 0)
    .flatMap((crowded) => {
      const quiet = all.find(({ work, x }) => work === crowded.work && x === 0);
      const [beside, alone] = [figuresOf(crowded), quiet && figuresOf(quiet)];
      if (!beside || !alone) return [];
      const what = `${workText(crowded.work)} beside ${crowded.x} slow readers and as many slow writers`;
      return [
        atMost(`${what}: p99, to without them`, beside.p99Ms / alone.p99Ms, [2, "times"]),
        ...(beside.peakMiB === undefined
          ? []
          : [atMost(`${what}: memory`, beside.peakMiB, [1_024, "MiB"])]),
      ];
    });
}

export function verdictsOf(results: readonly Result[]): readonly Verdict[] {
  return [
    failureVerdicts,
    ratioVerdicts,
    costVerdicts,
    listVerdicts,
    nodeVerdicts,
    slowVerdicts,
  ].flatMap((judge) => judge(results));
}
