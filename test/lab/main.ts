// `npm run lab -- --minutes N [--seed S] [--only crash|power|model|flips]`: crashes, power cuts, drive faults and bit
// flips against the real server and the store. See docs/LAB.md. Exits 1 when anything was found.

import { parseArgs } from "node:util";
import { runCrashLoop } from "./crash-loop.ts";
import { runFlips } from "./flips/flip-loop.ts";
import { runModel } from "./model/model-run.ts";
import { runPowerLoop } from "./power/power-loop.ts";
import { Journal } from "./world.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "4" },
    seed: { type: "string" },
    only: { type: "string" },
    from: { type: "string", default: "1" },
  },
});

const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const minutes = Number(values.minutes);
const print = (line: string) => void process.stdout.write(`${line}\n`);

// So that the servers end with the lab, however it ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const LABS = {
  crash: runCrashLoop,
  power: runPowerLoop,
  model: runModel,
  flips: runFlips,
} as const;
const isLab = (name: string): name is keyof typeof LABS => Object.hasOwn(LABS, name);
const names = values.only === undefined ? Object.keys(LABS) : [values.only];

let violations = 0;
for (const name of names) {
  if (!isLab(name) || !(minutes > 0)) {
    print("usage: npm run lab -- --minutes N [--seed S] [--only crash|power|model|flips]");
    process.exit(2);
  }
  const journal = new Journal(print);
  const until = performance.now() + (minutes / names.length) * 60_000;
  print(`${name}: seed ${seed}, ${(minutes / names.length).toFixed(1)} minutes`);
  await LABS[name]({
    seed,
    journal,
    from: Number(values.from),
    shouldGoOn: () => performance.now() < until,
  });
  report(name, journal);
  violations += journal.violations.length;
}
process.exitCode = violations > 0 ? 1 : 0;

function report(name: string, journal: Journal): void {
  print(
    `${name}: seed ${seed}, ${journal.cycle} cycles, ${journal.acknowledgedCount} acknowledged`,
  );
  print(`  acknowledged: ${countsOf(journal.acknowledged)}`);
  print(`  noted: ${countsOf(journal.notes)}`);
  print(`  violations: ${journal.violations.length}`);
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([kind, count]) => `${kind} ${count}`).join(", ");
}
