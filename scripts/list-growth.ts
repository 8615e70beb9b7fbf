// `npm run list-growth`: what a page of a listing costs in a small bucket and in a very large one, of one server that holds
// both, in alternating rounds. One drive, because listings ask none, and ten million keys take a copy on each.

import { parseArgs } from "node:util";
import { measureWork, type Measurement } from "../bench/measure-work.ts";
import { figuresOf } from "../bench/quartiles.ts";
import type { Round } from "../bench/results.ts";
import { embeddedWithDrives } from "../bench/subjects/own-subjects.ts";
import { inWorkshop, memoryFolder } from "../bench/workshop.ts";
import { Musts } from "./support/musts.ts";

const USAGE = `npm run list-growth -- [options]

  --small N             keys of the small bucket (10000)
  --large N             keys of the large one (10000000, which take some 35 minutes to put, and 4 GiB)
  --seconds N           of each round (10)
  --rounds N            of each bucket (7)
  --connections N       (16)
  --folder DIR          (default: memory, where that is a disk)`;

const COST_RATIO_MAX = 1.2;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    small: text,
    large: text,
    seconds: text,
    rounds: text,
    connections: text,
    folder: text,
  },
});

const sizes = [Number(values.small ?? 10_000), Number(values.large ?? 10_000_000)] as const;
const FILL_CONNECTIONS = 64;

const measurementOf = (keys: number, seconds: number, connections: number): Measurement => ({
  section: "growth",
  work: "list",
  x: keys,
  connections,
  keys,
  seconds,
  rounds: 1,
});

const say = (line: string): void => console.log(line);

/** The rounds of each bucket, which the server holds side by side. */
async function measureAll(): Promise<ReadonlyMap<number, readonly Round[]>> {
  const rounds = new Map<number, readonly Round[]>();
  const parent = values.folder ?? memoryFolder();
  await inWorkshop({ parent, subjects: [embeddedWithDrives(1)], say }, async (lab, sessions) => {
    const measured = async (measurement: Measurement): Promise<readonly Round[]> => {
      const [result] = await measureWork(lab, sessions, measurement);
      if (result?.error !== undefined) throw new Error(result.error);
      return result?.rounds ?? [];
    };
    for (const keys of sizes) await measured(measurementOf(keys, 1, FILL_CONNECTIONS));
    for (let turn = 0; turn < Number(values.rounds ?? 7); turn += 1) {
      for (const keys of turn % 2 === 0 ? sizes : sizes.toReversed()) {
        const connections = Number(values.connections ?? 16);
        const measurement = measurementOf(keys, Number(values.seconds ?? 10), connections);
        rounds.set(keys, [...(rounds.get(keys) ?? []), ...(await measured(measurement))]);
      }
    }
  });
  return rounds;
}

interface PageCost {
  readonly pagesPerSecond: number;
  readonly cpuMicros: number;
}

/** Printed, too. */
function costOf(keys: number, rounds: readonly Round[]): PageCost {
  const figures = figuresOf({ rounds, bytesPerOperation: 0 });
  if (!figures) throw new Error("nothing was measured");
  const { rate, cpuMicros = 0, p99Ms } = figures;
  const quartiles = `${rate.low.toFixed(0)}-${rate.high.toFixed(0)}`;
  const cpu = `${cpuMicros.toFixed(0)} us of CPU a page`;
  console.log(
    `${keys} keys: ${rate.median.toFixed(0)} pages/s (${quartiles}), ${cpu}, p99 ${p99Ms} ms`,
  );
  return { pagesPerSecond: rate.median, cpuMicros };
}

async function main(): Promise<void> {
  const rounds = await measureAll();
  const [small, large] = sizes.map((keys) => costOf(keys, rounds.get(keys) ?? []));
  if (!small || !large) return;
  const musts = new Musts();
  const must = (what: string, figure: number) =>
    musts.check({ what, figure, limit: COST_RATIO_MAX, isMost: true });
  must("time a page, large bucket to small", small.pagesPerSecond / large.pagesPerSecond);
  must("CPU a page, large bucket to small", large.cpuMicros / small.cpuMicros);
  musts.end();
}

if (values.help === true) console.log(USAGE);
else await main();
