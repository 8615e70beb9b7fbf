// Named crash points, each in turn: the real server is started to die at the n-th passing of one, loaded until it does,
// started again, and checked. A point that is never passed is a violation: then nothing is known of it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CRASH_POINTS, type CrashPoint } from "../../src/util/crash-point.ts";
import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import type { LabContext } from "./calls.ts";
import { checkOn, noteLog, startServer, type LoopOptions, type Started } from "./crash-loop.ts";
import { compactAll, requireClean, requireNoOrphans, sweepOnce } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS, LabServer } from "./lab-server.ts";
import { runLoad } from "./load.ts";
import { World, type Journal } from "./world.ts";

/** After so many cycles a new folder is begun. */
const CYCLES_PER_FOLDER = 30;
const SIZE_MAX = 5 * 1024 * 1024;
/** A server that has not died by then did not pass its point so often. */
const LOAD_MS_MAX = 12_000;
const UPKEEP_EVERY_MS = 400;
/** A point that was tried so often, and never passed, is a violation. */
const TRIES_MAX = 6;
/** Points that are passed but a few times in a life, or once; all others often. */
const RARE =
  /^(compaction|set|snapshot|sweep|journal\.(cut|segment|snapshot)|pack\.(opened|before|some-sealed))/;
const ONCE = /^(recovery|journal\.promised)/;
const RARE_MAX = 2;
const OFTEN_MAX = 30;
const HASTE = "200";

interface Tally {
  hits: number;
  misses: number;
}

export async function runPoints(options: LoopOptions): Promise<void> {
  const { journal, seed, shouldGoOn } = options;
  const random = seededRandom(seed);
  const tallies = new Map(CRASH_POINTS.map((name) => [name, { hits: 0, misses: 0 }] as const));
  while (shouldGoOn()) {
    const base = await mkdtemp(join(tmpdir(), "kintsugi-points-"));
    try {
      await dieInOneFolder({ ...options, base, random, tallies });
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  }
  for (const [name, { hits, misses }] of tallies) {
    journal.note(`point: ${name}`, hits);
    if (hits === 0 && misses >= TRIES_MAX) journal.violation(`the point ${name} is never passed`);
  }
}

interface PointsRun extends LoopOptions {
  readonly base: string;
  readonly random: SeededRandom;
  readonly tallies: ReadonlyMap<CrashPoint, Tally>;
}

async function dieInOneFolder(run: PointsRun): Promise<void> {
  const { base, journal, random, shouldGoOn, tallies } = run;
  const folder = join(base, "data");
  const bucket = "lab-bucket";
  const world = new World({ bucket, seed: random.below(2 ** 31), sizeMax: SIZE_MAX }, journal);
  let server = await startServer(folder, journal);
  if (server === undefined) return;
  await new LabClient(server.endpoint, LAB_KEYS).send({ method: "PUT", path: `/${bucket}` });
  for (let cycle = 0; cycle < CYCLES_PER_FOLDER && shouldGoOn(); cycle += 1) {
    journal.cycle += 1;
    await server.process.kill();
    const name = leastHit(tallies, random);
    const wasHit = await dieAt({ name, folder, world, random });
    const tally = tallies.get(name);
    if (tally !== undefined) tally[wasHit ? "hits" : "misses"] += 1;
    if (!wasHit) journal.note(`missed: ${name}`);
    server = await startServer(folder, journal);
    if (server === undefined) return;
    await checkOn(server, world);
    if (random.below(4) > 0) continue;
    await requireClean(server, journal);
    await requireNoOrphans(server, journal);
  }
  await server.process.kill();
}

/** Those that were missed often are tried less. */
function leastHit(tallies: ReadonlyMap<CrashPoint, Tally>, random: SeededRandom): CrashPoint {
  const rows = [...tallies].map(([name, { hits, misses }]) => ({ name, tried: hits * 3 + misses }));
  const least = Math.min(...rows.map(({ tried }) => tried));
  const first = rows.filter(({ tried }) => tried === least);
  return first[random.below(first.length)]?.name ?? CRASH_POINTS[0];
}

interface Death {
  readonly name: CrashPoint;
  readonly folder: string;
  readonly world: World;
  readonly random: SeededRandom;
}

/** Whether the server died at the point. */
async function dieAt({ name, folder, world, random }: Death): Promise<boolean> {
  const { journal } = world;
  const countMax = ONCE.test(name) ? 1 : RARE.test(name) ? RARE_MAX : OFTEN_MAX;
  const count = 1 + random.below(countMax);
  // What is only done without the local database is done without it.
  if (name.startsWith("recovery")) await loseDatabase(folder, random);
  const env = { KINTSUGI_CRASH_AT: `${name}:${count}`, KINTSUGI_HASTE: HASTE };
  const process = new LabServer({ folder, env });
  const endpoint = await process.ready();
  if (endpoint === undefined) {
    if (!process.wasKilled) journal.violation(`${name}:${count}: no start: ${process.output}`);
    return process.wasKilled;
  }
  const server: Started = { process, endpoint };
  await loadUntilDead(server, world, random);
  const wasHit = process.wasKilled;
  if (!process.hasEnded) await process.kill(random.below(2) === 0 ? "SIGTERM" : "SIGKILL");
  noteLog(server, journal);
  return wasHit;
}

async function loseDatabase(folder: string, random: SeededRandom): Promise<void> {
  if (random.below(4) === 0) return;
  await rm(join(folder, "drive-1/metadata"), { recursive: true, force: true });
}

async function loadUntilDead(server: Started, world: World, random: SeededRandom): Promise<void> {
  const { process, endpoint } = server;
  let isOver = false;
  const isDown = (): boolean => isOver || process.hasEnded;
  const client = new LabClient(endpoint, LAB_KEYS);
  const context: LabContext = { world, client, journal: world.journal, isDown };
  const load = runLoad(context, { seed: random.below(2 ** 31), shouldStop: isDown });
  const upkeep = keepUp(server, world.journal, isDown);
  await Promise.race([sleep(LOAD_MS_MAX), process.ended()]);
  isOver = true;
  await Promise.all([load, upkeep]);
  client.close();
}

/** Compaction and sweeps, again and again. */
async function keepUp(server: Started, journal: Journal, isDown: () => boolean): Promise<void> {
  while (!isDown()) {
    await sleep(UPKEEP_EVERY_MS);
    for (const work of [compactAll, sweepOnce]) {
      await work(server).catch((error: unknown) => {
        if (!isDown())
          journal.note(`upkeep: ${String(error).replaceAll(/\d+/g, "#").slice(0, 80)}`);
      });
    }
  }
}
