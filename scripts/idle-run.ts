// `npm run idle-run`: what a server takes of the processor that holds very many objects, and that nobody asks for anything: the
// scrub at its default rate and all other work in the background included.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startOwnServer } from "../bench/own-server.ts";
import { processStats, processTree } from "../bench/process-stats.ts";
import { Musts } from "./support/musts.ts";
import { NumberedLoader } from "./support/numbered-loader.ts";

const USAGE = `npm run idle-run -- [options]

  --objects N       (1000000)     --size BYTES    of each (17000; what is no larger than 16 KiB lies in the metadata)
  --minutes M       that are measured (10)        --settle SECONDS   after the start, before that (60)
  --connections N   (64)          --folder DIR    the data goes to a folder of its own in it (default: the current one)
  --server-args="..."             of the server that is measured`;

const BUCKET = "idle";
const PERCENT_MAX = 2;
const MINUTE_MS = 60_000;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    size: text,
    minutes: text,
    settle: text,
    connections: text,
    folder: text,
    "server-args": text,
  },
});

const objects = Number(values.objects ?? 1_000_000);
const minutes = Number(values.minutes ?? 10);
const settleMs = Number(values.settle ?? 60) * 1_000;
const musts = new Musts();

async function fill(folder: string): Promise<void> {
  const loader = new NumberedLoader({
    bucket: BUCKET,
    sizeBytes: Number(values.size ?? 17_000),
    connections: Number(values.connections ?? 64),
    processes: 1,
  });
  const server = await startOwnServer({ folder });
  try {
    await loader.makeBucket(server);
    await loader.fill(server, objects);
  } finally {
    loader.stop();
    await server.stop();
  }
}

async function measure(folder: string): Promise<void> {
  const args = values["server-args"]?.split(" ").filter((word) => word !== "") ?? [];
  const server = await startOwnServer({ folder, args });
  try {
    await sleep(settleMs);
    const workers = processTree(server.pid).slice(1);
    // The first is that of the whole tree.
    const cpus = (): readonly number[] =>
      [server.pid, ...workers].map((pid) => processStats(pid).cpuSeconds);
    const [before, begin] = [cpus(), performance.now()];
    await sleep(minutes * MINUTE_MS);
    const seconds = (performance.now() - begin) / 1_000;
    const shares = cpus().map((used, at) => (100 * (used - (before[at] ?? 0))) / seconds);
    const [figure = 0, ...each] = shares;
    console.log(`of its workers: ${each.map((share) => share.toFixed(2)).join(", ")} percent`);
    musts.check({ what: "percent of a core", figure, limit: PERCENT_MAX, isMost: true });
  } finally {
    await server.stop();
  }
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, ${minutes} minutes, ${new Date().toISOString()}`);
  const folder = mkdtempSync(join(values.folder ?? ".", "kintsugi-idle-"));
  try {
    await fill(folder);
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  musts.end();
}
