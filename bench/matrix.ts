// `npm run bench:matrix`: all of what docs/PERFORMANCE.md shows, measured in one run, and kept in a file. See README.md
// beside it.

import { parseArgs } from "node:util";
import { secondsOf } from "./matrix/estimate.ts";
import { type Group, groupsOf, type Scale, SECTIONS, type SectionName } from "./matrix/sections.ts";
import { measureWork } from "./measure-work.ts";
import { COMMON_USAGE, commonOptions, numberOf, peersOf, text } from "./options.ts";
import { ResultsKeeper } from "./results.ts";
import { GIB, parseSize } from "./works/sizes.ts";
import { inWorkshop, memoryFolder } from "./workshop.ts";

const USAGE = `npm run bench:matrix -- [options]

Measures what docs/PERFORMANCE.md shows, and writes it to a file, from which \`npm run bench:page -- FILE\` makes the page
and its charts. Sections that are not measured keep what the file has of them. Prints how long it will take.

  --only a,b            sections, of ${SECTIONS.join(", ")}
  --work a,b            of these sections only these works
  --out FILE            (bench/results.json)
  --disk DIR            a folder on a real disk, for the section \`disk\`
  --memory DIR          a folder on tmpfs, for all others (/dev/shm)
${COMMON_USAGE} (100000)
  --connections N       of most works (16)
  --keys-max N          the largest bucket (1000000; 10000000 takes long to fill)
  --connections-max N   (10000)
  --size-max SIZE       (5g)
  --crowd N             slow readers, and as many slow writers (1000)
  --plan                prints what would be measured, and how long it takes

Defaults are 7 rounds of 10 s; \`--seconds 3 --rounds 3\` gives a first impression. Ours is measured in all sections, peers
in memory and disk.`;

const { values } = parseArgs({
  options: {
    ...commonOptions,
    only: text,
    work: text,
    out: text,
    disk: text,
    memory: text,
    "keys-max": text,
    "connections-max": text,
    "size-max": text,
    crowd: text,
    plan: { type: "boolean" },
  },
});

function scaleOf(): Scale {
  return {
    peers: peersOf(values),
    seconds: numberOf(values.seconds, 10),
    rounds: numberOf(values.rounds, 7),
    connections: numberOf(values.connections, 16),
    keys: numberOf(values.keys, 100_000),
    keysMax: numberOf(values["keys-max"], 1_000_000),
    connectionsMax: numberOf(values["connections-max"], 10_000),
    crowd: numberOf(values.crowd, 1_000),
    sizeMax: parseSize(values["size-max"] ?? "5g") ?? 5 * GIB,
  };
}

function sectionsOf(): readonly SectionName[] {
  const wanted = values.only?.split(",") ?? SECTIONS;
  const sections = wanted.map((name) => {
    const section = SECTIONS.find((known) => known === name);
    if (!section) throw new Error(`no such section: ${name}; there are ${SECTIONS.join(", ")}`);
    return section;
  });
  const needsDisk = sections.includes("disk") && values.disk === undefined;
  if (!needsDisk) return sections;
  if (values.only !== undefined) throw new Error("the section disk needs --disk DIR");
  console.log("without --disk DIR the section disk is left out");
  return sections.filter((section) => section !== "disk");
}

/** With the works that are asked for; nothing where none of them is in the group. */
function narrowed(group: Group): readonly Group[] {
  const wanted = values.work?.split(",");
  const measurements = group.measurements.filter(({ work }) => wanted?.includes(work) ?? true);
  return measurements.length > 0 ? [{ ...group, measurements }] : [];
}

const clock = (seconds: number) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** Says each line with the time that is over, and what the whole will take as far as one knows by now. */
class Progress {
  readonly #begin = performance.now();
  readonly #total: number;
  #doneOfEstimate = 0;

  constructor(total: number) {
    this.#total = total;
  }

  say(line: string): void {
    const elapsed = (performance.now() - this.#begin) / 1_000;
    const left = this.#total - this.#doneOfEstimate;
    const pace = this.#doneOfEstimate > 0 ? elapsed / this.#doneOfEstimate : 1;
    console.log(`[${clock(elapsed)} of about ${clock(elapsed + left * pace)}] ${line}`);
  }

  /** An estimate of `seconds` lies behind. */
  done(seconds: number): void {
    this.#doneOfEstimate += seconds;
  }
}

async function runGroup(group: Group, parent: string, keep: Keep): Promise<void> {
  const { subjects, measurements, section } = group;
  const { keeper, say } = keep;
  try {
    await inWorkshop({ parent, subjects, say }, async (lab, sessions) => {
      for (const measurement of measurements) {
        const isRestarted = measurement.isRestarted === true;
        const able = sessions.filter(({ subject }) => !isRestarted || subject.isStartedHere);
        for (const result of await measureWork(lab, able, measurement)) {
          keeper.add(result);
          if (result.error !== undefined) process.exitCode = 1;
        }
      }
    });
  } catch (error) {
    say(`${section}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

interface Keep {
  readonly keeper: ResultsKeeper;
  readonly say: (line: string) => void;
}

async function main(): Promise<void> {
  const scale = scaleOf();
  const groups = sectionsOf().flatMap((section) => groupsOf(section, scale).flatMap(narrowed));
  const total = groups.reduce((sum, group) => sum + secondsOf(group), 0);
  for (const group of groups) {
    const works = group.measurements.map(({ work, x }) =>
      x === undefined ? work : `${work}:${x}`,
    );
    const names = group.subjects.map(({ name }) => name).join(", ");
    console.log(`${group.section} (${names}): ${works.join(" ")}, ${clock(secondsOf(group))}`);
  }
  console.log(`about ${clock(total)} on a quiet machine`);
  if (values.plan === true) return;
  const keeper = new ResultsKeeper(values.out ?? "bench/results.json", commandLine());
  const parents = { memory: values.memory ?? memoryFolder(), disk: values.disk ?? "." };
  const progress = new Progress(total);
  const say = (line: string) => progress.say(line);
  for (const group of groups) {
    for (const { name, about } of group.subjects) keeper.describe(name, about);
    await runGroup(group, parents[group.medium], { keeper, say });
    progress.done(secondsOf(group));
  }
}

/** Without paths, which say nothing to others. */
function commandLine(): string {
  const words = process.argv.slice(2).map((word) => (word.includes("/") ? "..." : word));
  return ["npm run bench:matrix --", ...words].join(" ");
}

try {
  if (values.help === true) console.log(USAGE);
  else await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
