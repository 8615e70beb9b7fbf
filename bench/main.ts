// `npm run bench`: measures an S3 server, alone or against others in alternating rounds. See README.md beside it.

import { parseArgs } from "node:util";
import { measureWork, type Measurement } from "./measure-work.ts";
import {
  COMMON_USAGE,
  commonOptions,
  flag,
  keysOf,
  numberOf,
  peersOf,
  pidOf,
  text,
} from "./options.ts";
import { figuresOf } from "./quartiles.ts";
import { printHeader, printResults } from "./report.ts";
import { machineName, type Result } from "./results.ts";
import { embedded, OWN_NAME } from "./subjects/own-subjects.ts";
import { urlPeer } from "./subjects/peers.ts";
import type { Subject } from "./subjects/subject.ts";
import { USUAL_WORKS, workOf } from "./works/work-of.ts";
import { inWorkshop, memoryFolder } from "./workshop.ts";

const LISTED_KEYS = 10_000;
const KEYS = 5_000;

const USAGE = `npm run bench -- [options]

Loads an S3 endpoint and prints operations/s (median and quartiles), MiB/s, p50 and p99, and, where the process id is
known, the server's CPU time per operation and its peak memory. Without --endpoint it starts Kintsugi itself.

  --endpoint URL        the server to load                 --access-key, --secret-key, --pid: of it
${COMMON_USAGE} (${KEYS})
  --connections N       (16)
  --work a,b            of ${USUAL_WORKS.join(", ")},
                        and put-, get- and range- of any other size
  --folder DIR          where the servers that it starts keep their data (default: memory, where that is a disk)
  --json                one JSON object a line instead of a table

Secrets may be given as BENCH_SECRET_KEY and BENCH_AGAINST_SECRET_KEY.`;

const { values } = parseArgs({
  options: {
    ...commonOptions,
    json: flag,
    endpoint: text,
    "access-key": text,
    "secret-key": text,
    pid: text,
    work: text,
    folder: text,
  },
});

function ownSubject(): Subject {
  if (values.endpoint === undefined) return embedded;
  const secretKey = values["secret-key"] ?? process.env["BENCH_SECRET_KEY"];
  const keys = keysOf(values.endpoint, values["access-key"], secretKey);
  const pid = pidOf(values.pid);
  return urlPeer({ name: OWN_NAME, url: new URL(values.endpoint), pid, ...keys });
}

function measurementOf(work: string): Measurement {
  const keys = work.startsWith("list") ? LISTED_KEYS : numberOf(values.keys, KEYS);
  return {
    section: "bench",
    work,
    connections: numberOf(values.connections, 16),
    seconds: numberOf(values.seconds, 5),
    rounds: numberOf(values.rounds, 3),
    keys,
  };
}

async function main(): Promise<void> {
  const works = values.work?.split(",") ?? USUAL_WORKS;
  for (const work of works) workOf(work);
  const parent = values.folder ?? memoryFolder();
  const subjects = [ownSubject(), ...peersOf(values)];
  if (values.json !== true) {
    console.log(`${machineName()}, ${new Date().toISOString()}`);
    printHeader();
  }
  await inWorkshop({ parent, subjects, say: () => undefined }, async (lab, sessions) => {
    for (const work of works) show(await measureWork(lab, sessions, measurementOf(work)));
  });
}

function show(results: readonly Result[]): void {
  if (results.some(({ error }) => error !== undefined)) process.exitCode = 1;
  if (values.json !== true) {
    printResults(results);
    return;
  }
  for (const result of results) {
    console.log(JSON.stringify({ ...result, figures: figuresOf(result) }));
  }
}

try {
  if (values.help === true) console.log(USAGE);
  else await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
