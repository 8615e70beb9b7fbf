// `npm run grow-run`: drives come and go under load. To six drives with objects on them a seventh of another size is added,
// then one of the first is drained and taken out; or, with --from 1, a server of one drive becomes one of six. No request may
// fail, no more may be moved than must be, and verify finds nothing.

import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer } from "../bench/own-server.ts";
import { seededRandom } from "../src/util/seeded-random.ts";
import { GrowLab, shardBytesOn, SteadyLoad, type ChangeFigures } from "./support/grow-lab.ts";
import { Musts } from "./support/musts.ts";
import { NumberedLoader } from "./support/numbered-loader.ts";

const USAGE = `npm run grow-run -- [options]

  --gib N        of objects (1)    --size BYTES  of each (1000000)
  --from N       drives at first: 6, or 1, which becomes six with \`kintsugi reshape\` (6)
  --folder DIR   the data goes to a folder of its own in it (default: /dev/shm)
  --other DIR    the drive of another size goes to a folder of its own in it (default: that of temporary files)
  --workers N    of the server
  --seed N`;

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const DRIVES = 6;
const MOVED_MOST = 1.3;
const BUCKET = "grown";
const FILLING_CONNECTIONS = 8;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    gib: text,
    size: text,
    from: text,
    folder: text,
    other: text,
    workers: text,
    seed: text,
  },
});

const seed = Number(values.seed ?? Date.now() % 1_000_000);
const sizeBytes = Number(values.size ?? 1_000_000);
const objects = Math.ceil((Number(values.gib ?? 1) * GIB) / sizeBytes);
const firstDrives = Number(values.from ?? DRIVES);
const musts = new Musts();

function loaderOf(connections: number): NumberedLoader {
  return new NumberedLoader({ bucket: BUCKET, sizeBytes, connections, processes: 1 });
}

function tell(what: string, { movedBytes, seconds }: ChangeFigures, leastBytes: number): void {
  const [moved, least] = [movedBytes, leastBytes].map((bytes) => (bytes / MIB).toFixed(0));
  console.log(`${what}: ${moved} MiB moved in ${seconds.toFixed(1)} s, of ${least} that must be`);
  const figure = movedBytes / leastBytes;
  musts.check({ what: `${what}: moved, of what must be`, figure, limit: MOVED_MOST, isMost: true });
}

/** A seventh drive comes, and one of the first goes. */
async function changeOne(lab: GrowLab, seventh: string): Promise<void> {
  const before = (await lab.drives()).drives;
  const allBytes = before.reduce((sum, { path }) => sum + shardBytesOn(path), 0);
  const added = await lab.change("add", { folders: [seventh] });
  const share = added.after.drives.find(({ path }) => path === seventh)?.sharePerMille ?? 0;
  const { bsize, blocks } = statfsSync(seventh);
  console.log(
    `the seventh has ${((bsize * blocks) / GIB).toFixed(1)} GiB, and ${share / 10}% of all`,
  );
  tell("added", added, (allBytes * share) / 1_000);
  const goes = before.find(({ isHome }) => !isHome)?.path ?? "";
  const leastBytes = shardBytesOn(goes);
  tell("drained", await lab.change("drain", { drive: goes }), leastBytes);
  await lab.ask("remove", { drive: goes });
  const left = (await lab.drives()).drives;
  const figure = left.filter(({ path }) => path !== goes).length;
  musts.check({ what: "drives at the end", figure, limit: DRIVES, isMost: false, digits: 0 });
}

/** Five drives join the one, and all sets are cut anew. */
async function growToSix(lab: GrowLab, folder: string): Promise<void> {
  const folders = Array.from({ length: DRIVES - 1 }, (_, n) => join(folder, `more-${n + 2}`));
  const added = await lab.change("add", { folders });
  console.log(`five drives added in ${added.seconds.toFixed(1)} s`);
  const { after, seconds } = await lab.change("reshape", {});
  console.log(`cut anew in ${seconds.toFixed(1)} s`);
  const figure = after.shardCount;
  musts.check({ what: "drives of a set", figure, limit: DRIVES, isMost: false, digits: 0 });
  const left = after.reshape?.leftSets ?? 0;
  musts.check({ what: "sets that are cut as before", figure: left, limit: 0, isMost: true });
}

async function measure(folder: string, other: string): Promise<void> {
  const workers = values.workers === undefined ? [] : ["--workers", values.workers];
  const args = [...workers, ...(firstDrives === DRIVES ? [] : ["--drives", String(firstDrives)])];
  const server = await startOwnServer({ folder: join(folder, "data"), args });
  try {
    const filler = loaderOf(FILLING_CONNECTIONS);
    await filler.makeBucket(server);
    await filler.fill(server, objects);
    const lab = new GrowLab(server);
    const load = new SteadyLoad({ server, loaderOf, objects, random: seededRandom(seed) });
    try {
      if (firstDrives === DRIVES) await changeOne(lab, join(other, "seventh"));
      else await growToSix(lab, folder);
    } finally {
      await load.end();
    }
    console.log(`${load.requests} requests meanwhile`);
    musts.check({ what: "failed requests", figure: load.failures, limit: 0, isMost: true });
    await filler.run(server, "GET", { start: 0, end: objects });
    filler.stop();
    console.log(`all ${objects} objects were read, and their bytes are right`);
    const degraded = await lab.degradedSets();
    musts.check({ what: "sets that lack shards", figure: degraded, limit: 0, isMost: true });
    const findings = await lab.verify();
    musts.check({ what: "findings of verify", figure: findings, limit: 0, isMost: true });
  } finally {
    await server.stop();
  }
  musts.end();
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, seed ${seed}, ${new Date().toISOString()}`);
  const parent = values.folder ?? (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
  const folder = mkdtempSync(join(parent, "kintsugi-grow-"));
  const other = mkdtempSync(join(values.other ?? tmpdir(), "kintsugi-grow-"));
  try {
    await measure(folder, other);
  } finally {
    for (const made of [folder, other]) rmSync(made, { recursive: true, force: true });
  }
}
