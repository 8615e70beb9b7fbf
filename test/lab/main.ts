// `npm run lab -- --minutes N [--seed S] [--only PART] [--workers N]`: crashes, power cuts, drive faults and bit flips
// against the real server and the store. `--only points --hits N` ends when each named point was hit so often. See
// docs/LAB.md. Exits 1 when anything was found.

import { parseArgs } from "node:util";
import { isLabPart, LAB_PARTS } from "./lab-parts.ts";
import { runShared } from "./lab-workers.ts";
import { Journal } from "./world.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    hits: { type: "string", default: "0" },
    seed: { type: "string" },
    only: { type: "string" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
  },
});

const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const hits = Number(values.hits);
/** As long as it takes is no more than this. */
const DAY_MINUTES = 24 * 60;
const minutes = Number(values.minutes ?? (hits > 0 ? DAY_MINUTES : 4));
const workers = Number(values.workers);
const print = (line: string) => void process.stdout.write(`${line}\n`);

// So that the servers end with the lab, however it ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const names = values.only === undefined ? Object.keys(LAB_PARTS) : [values.only];

let violations = 0;
for (const name of names) {
  const isWrong = !(minutes > 0) || !(workers >= 1) || !(hits >= 0);
  if (!isLabPart(name) || isWrong || (hits > 0 && name !== "points")) {
    const parts = Object.keys(LAB_PARTS).join("|");
    print(
      `usage: npm run lab -- --minutes N [--seed S] [--only ${parts}] [--workers N] [--from K] [--hits N (of points)]`,
    );
    process.exit(2);
  }
  const journal = new Journal(print);
  const share = minutes / names.length;
  print(`${name}: seed ${seed}, ${share.toFixed(1)} minutes, ${workers} processes`);
  await runShared({
    part: name,
    workers,
    seed,
    minutes: share,
    from: Number(values.from),
    hits,
    journal,
  });
  report(name, journal);
  violations += journal.violations.length;
}
process.exitCode = violations > 0 ? 1 : 0;

function report(name: string, journal: Journal): void {
  const { acknowledged, notes } = journal;
  print(
    `${name}: seed ${seed}, ${journal.cycle} cycles, ${journal.acknowledgedCount} acknowledged`,
  );
  print(`  acknowledged: ${countsOf(acknowledged)}`);
  printShares("operation", notes);
  printShares("fault", notes);
  const points = [...notes].filter(([kind]) => kind.startsWith("point: "));
  if (points.length > 0) {
    const rows = points.map(([kind, count]) => [kind.slice("point: ".length), count] as const);
    const least = Math.min(...points.map(([, count]) => count));
    print(`  ${points.length} points, each hit ${least} times or more: ${countsOf(new Map(rows))}`);
  }
  const trials = [...notes].filter(([kind]) => kind.startsWith("trial: "));
  if (trials.length > 0) {
    const rows = trials.map(([kind, count]) => [kind.slice("trial: ".length), count] as const);
    print(`  trials: ${countsOf(new Map(rows))}`);
  }
  const rest = [...notes].filter(([kind]) => !/^(operation|fault|point|trial): /.test(kind));
  print(`  noted: ${countsOf(new Map(rest))}`);
  print(`  violations: ${journal.violations.length}`);
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([kind, count]) => `${kind} ${Math.round(count)}`).join(", ");
}

/** The share of each of a kind, the most frequent first. */
function printShares(kind: string, notes: ReadonlyMap<string, number>): void {
  const rows = [...notes].filter(([name]) => name.startsWith(`${kind}: `));
  const sum = rows.reduce((total, [, count]) => total + count, 0);
  if (sum === 0) return;
  const shares = rows
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name.slice(kind.length + 2)} ${((100 * count) / sum).toFixed(1)}%`);
  print(`  ${kind}s, ${sum}: ${shares.join(", ")}`);
}
