// `npm run many`: many small objects on a real disk. The rate of PUT at 64 connections, against another server where one is
// given, in alternating blocks of one run; files and bytes on the drives; the same after half of the objects, drawn at
// random, were deleted and the packs compacted; and that verify finds nothing at the end.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startOwnServer, type OwnServer } from "../bench/own-server.ts";
import { AdminClient } from "../src/cli/admin-client.ts";
import { seededRandom } from "../src/util/seeded-random.ts";
import { folderUsage } from "./support/folder-usage.ts";
import { median, Musts } from "./support/musts.ts";
import { NumberedLoader, type LoadedServer } from "./support/numbered-loader.ts";

const USAGE = `npm run many -- [options]

  --objects N           (100000)       --size BYTES          of each (32768)
  --connections N       (64)           --block N             objects of one block (2000)
  --folder DIR          on a real disk; the data goes to a folder of its own in it (default: the current one)
  --against URL         another server, on a folder of the same disk; --against-access-key, --against-secret-key
                        (or BENCH_AGAINST_SECRET_KEY), --against-blocks N: so many blocks go to both (10)
  --seed N`;

const MIB = 1024 * 1024;
const KIB = 1024;
const BUCKET = "many";
const MUST = { ratio: 4, files: 3_000, space: 1.6, spaceAfter: 1.65 };
/** The grace of the trash, and time to remove all of it, in milliseconds. */
const TRASH_MS_MAX = 10 * 60_000;
const TRASH_POLL_MS = 2_000;
const READ_COUNT = 1_000;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    size: text,
    connections: text,
    block: text,
    folder: text,
    against: text,
    "against-access-key": text,
    "against-secret-key": text,
    "against-blocks": text,
    seed: text,
  },
});

const objects = Number(values.objects ?? 100_000);
const sizeBytes = Number(values.size ?? 32 * KIB);
const block = Number(values.block ?? 2_000);
const againstBlocks = Number(values["against-blocks"] ?? 10);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

function other(): LoadedServer | undefined {
  if (values.against === undefined) return undefined;
  const secretKey = values["against-secret-key"] ?? process.env["BENCH_AGAINST_SECRET_KEY"];
  const accessKey = values["against-access-key"];
  if (accessKey === undefined || secretKey === undefined) throw new Error("--against needs keys");
  return { endpoint: new URL(values.against), accessKey, secretKey };
}

/** Puts all objects, block by block; the first blocks to the other server as well. Resolves to the ratios of rates. */
async function putAll(
  loader: NumberedLoader,
  own: LoadedServer,
  against: LoadedServer | undefined,
): Promise<readonly number[]> {
  const rates: number[] = [];
  const ratios: number[] = [];
  for (let start = 0; start < objects; start += block) {
    const range = { start, end: Math.min(start + block, objects) };
    const ownSeconds = await loader.run(own, "PUT", range);
    rates.push((range.end - range.start) / ownSeconds);
    if (against === undefined || ratios.length >= againstBlocks) continue;
    const otherSeconds = await loader.run(against, "PUT", range);
    ratios.push(otherSeconds / ownSeconds);
    const rate = (range.end - range.start) / otherSeconds;
    console.log(
      `  block ${ratios.length}: ${rates.at(-1)?.toFixed(0)}/s, other ${rate.toFixed(0)}/s`,
    );
  }
  console.log(
    `PUT of ${objects} objects of ${sizeBytes} bytes: median ${median(rates).toFixed(0)}/s`,
  );
  return ratios;
}

function measureSpace(server: OwnServer, count: number) {
  const usage = folderUsage(server.folder);
  const kinds = [...usage.bytesByKind]
    .toSorted(([, left], [, right]) => right - left)
    .map(([kind, bytes]) => `${kind} ${(bytes / MIB).toFixed(1)}`);
  console.log(`  ${usage.files} files, ${(usage.bytes / MIB).toFixed(0)} MiB: ${kinds.join(", ")}`);
  return { files: usage.files, share: usage.bytes / (count * sizeBytes) };
}

interface Totals {
  readonly totals: { readonly trashedSets: number };
}

async function emptyTrash(admin: AdminClient): Promise<void> {
  const end = performance.now() + TRASH_MS_MAX;
  for (;;) {
    const { totals } = (await admin.get("/v1/status")) as Totals;
    if (totals.trashedSets === 0) return;
    if (performance.now() > end) throw new Error(`${totals.trashedSets} sets stay in the trash`);
    await sleep(TRASH_POLL_MS);
  }
}

/** Half of the numbers, drawn at random. */
function drawHalf(): { readonly kept: readonly number[]; readonly deleted: readonly number[] } {
  const random = seededRandom(seed);
  const numbers = Array.from({ length: objects }, (_, number) => number);
  for (let last = numbers.length - 1; last > 0; last -= 1) {
    const drawn = random.below(last + 1);
    [numbers[last], numbers[drawn]] = [numbers[drawn] ?? 0, numbers[last] ?? 0];
  }
  const half = Math.floor(objects / 2);
  return { deleted: numbers.slice(0, half), kept: numbers.slice(half) };
}

async function deleteHalf(loader: NumberedLoader, server: OwnServer, admin: AdminClient) {
  const { kept, deleted } = drawHalf();
  const seconds = await loader.run(server, "DELETE", deleted);
  console.log(`DELETE of ${deleted.length}: ${(deleted.length / seconds).toFixed(0)}/s`);
  const begin = performance.now();
  const report = await admin.run("/v1/compact", { all: true }, () => undefined);
  const took = ((performance.now() - begin) / 1_000).toFixed(1);
  console.log(`compact --all, ${took} s: ${JSON.stringify(report)}`);
  await emptyTrash(admin);
  return { kept, deleted };
}

async function countFindings(admin: AdminClient): Promise<number> {
  let findings = 0;
  const begin = performance.now();
  const report = await admin.run("/v1/verify", {}, (line) => {
    if (line.type !== "finding") return;
    findings += 1;
    if (findings <= 5) console.log(`  ${JSON.stringify(line)}`);
  });
  console.log(`verify, ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
  return report["isComplete"] === true ? findings : findings + 1;
}

async function measure(loader: NumberedLoader, server: OwnServer): Promise<void> {
  const musts = new Musts();
  const against = other();
  await loader.makeBucket(server);
  if (against !== undefined) await loader.makeBucket(against);
  const ratios = await putAll(loader, server, against);
  if (against !== undefined) {
    const what = `PUT rate against the other server, median of ${ratios.length}`;
    musts.check({ what, figure: median(ratios), limit: MUST.ratio, isMost: false });
  }
  const full = measureSpace(server, objects);
  musts.check({
    what: "files",
    figure: full.files,
    limit: MUST.files - 1,
    isMost: true,
    digits: 0,
  });
  musts.check({ what: "space / data", figure: full.share, limit: MUST.space, isMost: true });

  const key = { accessKey: server.accessKey, secretKey: server.secretKey };
  const admin = new AdminClient({ endpoint: server.adminEndpoint, key, isInsecure: false });
  const { kept, deleted } = await deleteHalf(loader, server, admin);
  const { share } = measureSpace(server, kept.length);
  const what = "space / what is left, after deletion and compact --all";
  musts.check({ what, figure: share, limit: MUST.spaceAfter, isMost: true });
  await loader.run(server, "GET", kept.slice(0, READ_COUNT));
  await loader.run(server, "GONE", deleted.slice(0, READ_COUNT));
  const findings = await countFindings(admin);
  musts.check({ what: "findings of verify", figure: findings, limit: 0, isMost: true, digits: 0 });
  musts.end();
}

if (values.help === true) console.log(USAGE);
else {
  console.log(
    `${objects} objects of ${sizeBytes} bytes, seed ${seed}, ${new Date().toISOString()}`,
  );
  const folder = mkdtempSync(join(values.folder ?? ".", "kintsugi-many-"));
  const connections = Number(values.connections ?? 64);
  const loader = new NumberedLoader({ bucket: BUCKET, sizeBytes, connections, processes: 1 });
  try {
    const server = await startOwnServer({ folder });
    try {
      await measure(loader, server);
    } finally {
      await server.stop();
    }
  } finally {
    loader.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
