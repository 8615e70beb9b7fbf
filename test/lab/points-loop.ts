// Named crash points, each in turn: the real server is started to die at the n-th passing of one, brought to it, started
// again, and checked. A point that is never passed is a violation: then nothing is known of it.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CRASH_POINTS, type CrashPoint } from "../../src/util/crash-point.ts";
import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import { checkOn, startServer, type LoopOptions } from "./crash-loop.ts";
import { DriveMoves } from "./drive-moves.ts";
import { dieAtFirstStart } from "./first-start-points.ts";
import { healAll, requireClean, requireNoOrphans } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS } from "./lab-server.ts";
import { dieAt, type Death } from "./point-death.ts";
import { SCENARIOS } from "./point-scenarios.ts";
import { PointTallies } from "./point-tallies.ts";
import { changeVersioning, makeVersionedBucket } from "./version-load.ts";
import { World } from "./world.ts";

/** After so many cycles a new folder is begun. */
const CYCLES_PER_FOLDER = 30;
const SIZE_MAX = 2 * 1024 * 1024;
/** Cycles, on average, between two verifications of everything. */
const VERIFY_EVERY = 4;
/** Cycles between two lines that tell how far a run to a number of hits has come. */
const TELL_EVERY = 25;
const DRIVE_OF_METADATA = "drive-1";
/** One that is emptied where something must be missing. */
const LOST_DRIVE = "drive-5";

export async function runPoints(options: LoopOptions): Promise<void> {
  const { journal, seed, hits, from = 1, stride = 1 } = options;
  const random = seededRandom(seed);
  const here = CRASH_POINTS.filter((name) => SCENARIOS[name].isElsewhere !== true);
  const names = here.filter((_, index) => index % stride === (from - 1) % stride);
  const tallies = new PointTallies(names, random, hits);
  const shouldGoOn = (): boolean => options.shouldGoOn() && tallies.next() !== undefined;
  while (shouldGoOn()) {
    const base = await mkdtemp(join(tmpdir(), "kintsugi-points-"));
    try {
      await dieInOneFolder({ ...options, shouldGoOn, base, random, tallies });
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  }
  tallies.report(journal);
}

interface PointsRun extends LoopOptions {
  readonly base: string;
  readonly random: SeededRandom;
  readonly tallies: PointTallies;
}

async function dieInOneFolder(run: PointsRun): Promise<void> {
  const { base, journal, random, shouldGoOn, tallies } = run;
  const folder = join(base, "data");
  const bucket = "lab-bucket";
  const world = new World({ bucket, seed: random.below(2 ** 31), sizeMax: SIZE_MAX }, journal);
  const first = await startServer(folder, journal);
  if (first === undefined) return;
  const client = new LabClient(first.endpoint, LAB_KEYS);
  await client.send({ method: "PUT", path: `/${bucket}` });
  await makeVersionedBucket(client, world);
  await changeVersioning(client, world);
  client.close();
  await first.process.kill();
  // What is emptied, and what holds the database, is one of the first six: those stay.
  const moves = new DriveMoves({ base, random, journal, isExtraOnly: true });
  for (let cycle = 0; cycle < CYCLES_PER_FOLDER && shouldGoOn(); cycle += 1) {
    const name = tallies.next();
    if (name === undefined) return;
    journal.cycle += 1;
    if (run.hits !== undefined && journal.cycle % TELL_EVERY === 0) {
      process.stdout.write(`${journal.cycle} cycles, ${tallies.progress}\n`);
    }
    if (SCENARIOS[name].start === "first") {
      tallies.note(name, await dieAtFirstStart({ name, base, random, journal }));
      continue;
    }
    await prepare({ name, folder, world, random });
    tallies.note(name, await dieAt({ name, folder, world, random, moves }));
    const server = await startServer(folder, journal);
    if (server === undefined) return;
    await checkOn(server, world);
    const isVerified = random.below(VERIFY_EVERY) === 0;
    // Where a drive was lost before, all that it held is there again before the next thing happens.
    if (isVerified || SCENARIOS[name].before === "lost-drive") await healAll(server, journal);
    if (isVerified) {
      await requireClean(server, journal);
      await requireNoOrphans(server, journal);
    }
    await server.process.kill();
  }
}

/** What must be there, or must not, before the start that dies. */
async function prepare({ name, folder, world, random }: Death): Promise<void> {
  const { before, start } = SCENARIOS[name];
  if (before === "lost-drive") {
    await rm(join(folder, LOST_DRIVE), { recursive: true, force: true });
    return;
  }
  const isNeeded = before === "set.durable" || !(await hasSnapshot(folder));
  if (before !== undefined && isNeeded) {
    await dieAt({ name: before, folder, world, random });
  }
  // One that is there is brought up to date; and sometimes that is what is done.
  const isAbsent = start === "recovery" && (needsAbsence(name) || random.below(4) > 0);
  if (!isAbsent) return;
  await rm(join(folder, DRIVE_OF_METADATA, "metadata"), { recursive: true, force: true });
}

function needsAbsence(name: CrashPoint): boolean {
  return name === "recovery.snapshot-restored" || name === "recovery.played";
}

async function hasSnapshot(folder: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true });
  return names.some((name) => /journal\/.*snapshot/.test(name));
}
