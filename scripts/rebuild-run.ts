// `npm run rebuild-run`: how fast the metadata of very many objects is made anew when the database, the members' journals and
// their snapshots are gone; that every object is back with its bytes, and that verify finds nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer, type OwnServer } from "../bench/own-server.ts";
import { AdminClient } from "../src/cli/admin-client.ts";
import type { RebuildReport } from "../src/cli/rebuild-report.ts";
import { seededRandom } from "../src/util/seeded-random.ts";
import { folderUsage } from "./support/folder-usage.ts";
import { measureRest } from "./support/measure-rest.ts";
import { Musts } from "./support/musts.ts";
import { NumberedLoader } from "./support/numbered-loader.ts";

const USAGE = `npm run rebuild-run -- [options]

  --objects N       (1000000)     --size BYTES    of each (17000; what is no larger than 16 KiB lies in the metadata)
  --connections N   (64)          --read N        objects that are read afterwards, drawn at random; 0: all (10000)
  --rest MINUTES    for so long the filled server is left alone before, as in idle-run (0)
  --folder DIR      the data goes to a folder of its own in it (default: the current one)
  --seed N`;

const BUCKET = "rebuilt";
const RATE_MIN = 5_000;
/** After a start there is something to do. */
const SETTLE_MS = 60_000;
const MIB = 1024 * 1024;
const REPORT_BYTES_MAX = 64 * MIB;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    size: text,
    connections: text,
    read: text,
    rest: text,
    folder: text,
    seed: text,
  },
});

const objects = Number(values.objects ?? 1_000_000);
const reads = Number(values.read ?? 10_000);
const restMinutes = Number(values.rest ?? 0);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

function rebuild(folder: string): RebuildReport {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["dist/main.js", "rebuild", folder, "--json"],
    { encoding: "utf8", maxBuffer: REPORT_BYTES_MAX },
  );
  if (status === 0) return JSON.parse(stdout) as RebuildReport;
  throw new Error(`rebuild ended with ${status}: ${stderr}${stdout}`);
}

function loseMetadata(folder: string): void {
  for (const drive of readdirSync(folder)) {
    for (const name of ["metadata", "journal"]) {
      rmSync(join(folder, drive, name), { recursive: true, force: true });
    }
  }
}

async function verify({ adminEndpoint, accessKey, secretKey }: OwnServer): Promise<number> {
  const client = new AdminClient({
    endpoint: adminEndpoint,
    key: { accessKey, secretKey },
    isInsecure: true,
  });
  let findings = 0;
  await client.run("/v1/verify", {}, (line) => {
    if (line.type === "finding") findings += 1;
  });
  return findings;
}

async function measure(loader: NumberedLoader, folder: string): Promise<void> {
  const musts = new Musts();
  let server = await startOwnServer({ folder });
  await loader.makeBucket(server);
  const filled = await loader.fill(server, objects);
  await server.stop();
  const { bytes } = folderUsage(folder);
  console.log(`filled in ${filled.toFixed(0)} s, ${(bytes / MIB).toFixed(0)} MiB on the drives`);
  if (restMinutes > 0) {
    await measureRest({ folder, minutes: restMinutes, settleMs: SETTLE_MS, musts });
  }
  loseMetadata(folder);
  const report = rebuild(folder);
  const { shardFiles, packs, seconds, peakBytes } = report;
  const memory = `${(peakBytes / MIB).toFixed(0)} MiB of memory at most`;
  console.log(`${shardFiles} shards, ${packs} packs, ${seconds.toFixed(1)} s, ${memory}`);
  const rate = objects / report.seconds;
  musts.check({ what: "objects a second", figure: rate, limit: RATE_MIN, isMost: false });
  const back = report.objects / objects;
  musts.check({ what: "share of them that is back", figure: back, limit: 1, isMost: false });
  server = await startOwnServer({ folder });
  try {
    const numbers =
      reads === 0
        ? Array.from({ length: objects }, (_, number) => number)
        : Array.from({ length: reads }, () => random.below(objects));
    await loader.run(server, "GET", numbers);
    console.log(`${numbers.length} objects were read, and their bytes are right`);
    const findings = await verify(server);
    musts.check({ what: "findings of verify", figure: findings, limit: 0, isMost: true });
  } finally {
    await server.stop();
  }
  musts.end();
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, seed ${seed}, ${new Date().toISOString()}`);
  const folder = mkdtempSync(join(values.folder ?? ".", "kintsugi-rebuild-"));
  const loader = new NumberedLoader({
    bucket: BUCKET,
    sizeBytes: Number(values.size ?? 17_000),
    connections: Number(values.connections ?? 64),
    processes: 1,
  });
  try {
    await measure(loader, folder);
  } finally {
    loader.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
