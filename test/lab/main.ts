// `npm run lab -- --minutes N [--seed S] [--only PART] [--workers N]`: crashes, power cuts, drive faults and bit flips
// against the real server and the store. See docs/LAB.md. Exits 1 when anything was found.

import { parseArgs } from "node:util";
import { isLabPart, LAB_PARTS } from "./lab-parts.ts";
import { runShared } from "./lab-workers.ts";
import { Journal } from "./world.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "4" },
    seed: { type: "string" },
    only: { type: "string" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
  },
});

const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const minutes = Number(values.minutes);
const workers = Number(values.workers);
const print = (line: string) => void process.stdout.write(`${line}\n`);

// So that the servers end with the lab, however it ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const names = values.only === undefined ? Object.keys(LAB_PARTS) : [values.only];

let violations = 0;
for (const name of names) {
  if (!isLabPart(name) || !(minutes > 0) || !(workers >= 1)) {
    const parts = Object.keys(LAB_PARTS).join("|");
    print(
      `usage: npm run lab -- --minutes N [--seed S] [--only ${parts}] [--workers N] [--from K]`,
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
  const rest = [...notes].filter(([kind]) => !/^(operation|fault): /.test(kind));
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
