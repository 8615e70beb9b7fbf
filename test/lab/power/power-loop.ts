// Power cuts: the real server under mixed load with its durable state mirrored; killed at a random moment or at a random
// call that changes its folder; the folder rebuilt from what was durable; a restart, and the checker. Beside the load drives
// come and go, packs are compacted, and what a drive that was emptied has lost is made anew.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import type { LabContext } from "../calls.ts";
import { BackgroundWorks } from "../background-works.ts";
import { DriveMoves } from "../drive-moves.ts";
import { healAll, requireClean } from "../lab-admin.ts";
import { LabClient } from "../lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab-server.ts";
import { runLoad } from "../load.ts";
import { loseDrives, putBack } from "../lost-drives.ts";
import { changeVersioning, makeVersionedBucket } from "../version-load.ts";
import { World, type Journal } from "../world.ts";
import { checkOn, noteLog, startServer, type LoopOptions, type Started } from "../crash-loop.ts";
import { buildMirror, PoweredFolder, type Cut } from "./durable-mirror.ts";
import { EXPECTED_SURVIVORS, survivorsOf, WRITERS } from "./prove-mirror.ts";

const CYCLES_PER_FOLDER = 20;
const LOAD_MS_MAX = 700;
const SIZE_MAX = 1024 * 1024 + 3;
/** Calls of a start and of some of the load. */
const CRASH_CALLS_MAX = 500;
/** After fewer cycles there is little to come to an end. */
const SETTLED_MIN = 5;
/** So many drives may be gone at a time. */
const LOST_MAX = 2;
/** Where no drive is gone one has lost what it held, in one of so many cycles. */
const WIPE_EVERY = 2;
/** Calls of a first start alone. */
const FIRST_START_CALLS = 160;

export async function runPowerLoop(options: LoopOptions): Promise<void> {
  const { journal, seed, shouldGoOn } = options;
  const built = await mkdtemp(join(tmpdir(), "kintsugi-mirror-"));
  try {
    const { library, reason } = await buildMirror(built);
    if (library === undefined) {
      journal.note(`POWER CUTS SKIPPED: the library cannot be built: ${reason}`);
      return;
    }
    for (const writer of WRITERS) {
      const count = await survivorsOf(library, writer);
      journal.note(`survivors of the ${writer} writer`, count);
      if (count !== EXPECTED_SURVIVORS[writer]) {
        journal.violation(`the mirror kept ${count} files of the ${writer} writer`);
      }
    }
    const random = seededRandom(seed);
    while (shouldGoOn()) {
      await cutOneFolder(library, random, options);
      if (journal.isFolderKept) return;
    }
  } finally {
    await rm(built, { recursive: true, force: true });
  }
}

async function cutOneFolder(
  library: string,
  random: SeededRandom,
  { journal, seed, shouldGoOn }: LoopOptions,
): Promise<void> {
  const powered = await PoweredFolder.make(library);
  const folder = join(powered.root, "data");
  try {
    await cutFirstStarts(powered, folder, random, journal);
    const world = new World(
      { bucket: "lab-bucket", seed: random.below(2 ** 31), sizeMax: SIZE_MAX },
      journal,
    );
    let server = await startServer(folder, journal, powered.env());
    if (server === undefined) return;
    const first = new LabClient(server.endpoint, LAB_KEYS);
    await first.send({ method: "PUT", path: `/${world.bucket}` });
    await makeVersionedBucket(first, world);
    await changeVersioning(first, world);
    first.close();
    const moves = new DriveMoves({ base: powered.root, random, journal });
    const works = new BackgroundWorks({ moves, random, journal });
    const crashing: Crashing = { powered, folder, random, journal };
    const drives: Drives = { moves, isWiped: false };
    let cycle = 0;
    for (; cycle < CYCLES_PER_FOLDER && shouldGoOn(); cycle += 1) {
      journal.cycle += 1;
      await loadAndCut(server, world, { seed: seed + journal.cycle, random, works });
      await cut(powered, random, journal);
      await crashStarts(crashing);
      if (!(await checkWithoutDrives(crashing, drives, world))) return;
      const crashAt = random.below(2) === 0 ? 0 : 80 + random.below(CRASH_CALLS_MAX);
      server = await startServer(folder, journal, powered.env());
      if (server === undefined) return;
      await checkOn(server, world);
      // The next load runs on a server that is to die at a call of its own.
      if (crashAt === 0) continue;
      await server.process.kill();
      await cut(powered, random, journal);
      server = await startToDie(crashing, crashAt);
      if (server === undefined) return;
    }
    await server.process.kill();
    if (cycle >= SETTLED_MIN) await requireSettled(folder, works, journal);
  } finally {
    if (!journal.isFolderKept) await powered.remove();
  }
}

async function cut(powered: PoweredFolder, random: SeededRandom, journal: Journal): Promise<void> {
  const kind: Cut = random.below(3) === 0 ? "torn" : "strict";
  await powered.cut(kind, random);
  journal.note(`${kind} cuts`);
}

interface Crashing {
  readonly powered: PoweredFolder;
  readonly folder: string;
  readonly random: SeededRandom;
  readonly journal: Journal;
}

/** A start on a new folder, cut at any call, must not stand in the way of the next. */
async function cutFirstStarts(
  powered: PoweredFolder,
  folder: string,
  random: SeededRandom,
  journal: Journal,
): Promise<void> {
  for (let cuts = random.below(5); cuts > 0; cuts -= 1) {
    const at = 1 + random.below(FIRST_START_CALLS);
    await dieAt({ powered, folder, random, journal }, at);
    journal.note("first starts cut");
  }
}

/** Now and then recovery itself is cut. */
async function crashStarts(crashing: Crashing): Promise<void> {
  if (crashing.random.below(3) !== 0) return;
  await dieAt(crashing, 1 + crashing.random.below(40));
  crashing.journal.note("recoveries cut");
}

/** A server that dies at a call; where that comes before it serves, its recovery is cut, and another one is started. */
async function startToDie(crashing: Crashing, crashAt: number): Promise<Started | undefined> {
  const { powered, folder, random, journal } = crashing;
  const process = new LabServer({ folder, env: powered.env(crashAt) });
  const endpoint = await process.ready();
  if (endpoint !== undefined) return { process, endpoint };
  if (!process.wasKilled) journal.violation(`the server does not start: ${process.output}`);
  journal.note("recoveries cut");
  await cut(powered, random, journal);
  return startServer(folder, journal, powered.env());
}

interface Drives {
  readonly moves: DriveMoves;
  /** Whether one of them has lost what it held, which is being made anew. */
  isWiped: boolean;
}

/** With drives gone everything must be there, and with them back everything whole. False when nothing serves. */
async function checkWithoutDrives(
  { powered, folder, random, journal }: Crashing,
  drives: Drives,
  world: World,
): Promise<boolean> {
  const { isWiped, moves } = drives;
  const lost = await loseDrives({
    aside: join(powered.root, "..", "aside"),
    folders: await moves.folders(),
    most: LOST_MAX - (isWiped ? 1 : 0),
    random,
    journal,
  });
  drives.isWiped = !isWiped && lost.length === 0 && random.below(WIPE_EVERY) === 0;
  if (lost.length === 0 && !isWiped && !drives.isWiped) return true;
  if (drives.isWiped) await moves.wipe();
  // Their servers run without the library, and are killed, which keeps what they wrote.
  const without = await startServer(folder, journal);
  if (without === undefined) return false;
  await checkOn(without, world);
  await without.process.kill();
  await putBack(lost);
  if (drives.isWiped) {
    // The next load is beside its repair.
    await powered.settle();
    return true;
  }
  const whole = await startServer(folder, journal);
  if (whole === undefined) return false;
  if (isWiped) await healAll(whole, journal);
  await requireClean(whole, journal);
  await whole.process.kill("SIGTERM");
  await powered.settle();
  return true;
}

/** Changes of the drives come to their end, and all is whole then. */
async function requireSettled(
  folder: string,
  works: BackgroundWorks,
  journal: Journal,
): Promise<void> {
  const last = await startServer(folder, journal);
  if (last === undefined) return;
  await healAll(last, journal);
  await works.settle(last);
  await requireClean(last, journal);
  await last.process.kill();
}

async function dieAt({ powered, folder, random, journal }: Crashing, call: number): Promise<void> {
  const server = new LabServer({ folder, env: powered.env(call) });
  const endpoint = await server.ready();
  if (endpoint === undefined && !server.wasKilled) {
    journal.violation(`the start fails (to be killed at call ${call}): ${server.output}`);
  }
  await server.kill();
  await cut(powered, random, journal);
}

interface CutPlan {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly works: BackgroundWorks;
}

async function loadAndCut(
  server: Started,
  world: World,
  { seed, random, works }: CutPlan,
): Promise<void> {
  let isDown = false;
  const client = new LabClient(server.endpoint, LAB_KEYS);
  const context: LabContext = {
    world,
    client,
    journal: world.journal,
    isDown: () => isDown || server.process.hasEnded,
  };
  const load = runLoad(context, { seed, shouldStop: () => isDown || server.process.hasEnded });
  const loadMs = 5 + random.below(LOAD_MS_MAX);
  await works.worry(server, { loadMs, isDown: context.isDown });
  await works.note(server);
  isDown = true;
  if (server.process.hasEnded) world.journal.note("killed at a call");
  await server.process.kill();
  await Promise.all([load, works.over()]);
  client.close();
  noteLog(server, world.journal);
}
