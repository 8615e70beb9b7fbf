// The crash loop: the real server under mixed load, `kill -9` at a random moment, a restart on the same folder, and the
// checker; again and again. In a quarter of the cycles the drive that holds the metadata lies away during the check (its
// folder is moved aside), in a quarter two drives, any; they are put back, or replaced for good, and everything must be
// whole again. Beside the load drives come and go, packs are compacted, and what a drive that was emptied has lost is made
// anew. In some the very first start of a new folder is killed.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import type { LabContext } from "./calls.ts";
import { checkAll } from "./check.ts";
import { BackgroundWorks } from "./background-works.ts";
import { DriveMoves } from "./drive-moves.ts";
import { healAll, requireClean, requireNoOrphans, untilClean } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS, LabServer } from "./lab-server.ts";
import { loseDrives, putBack, throwAway, type LostDrive } from "./lost-drives.ts";
import { runLoad } from "./load.ts";
import { changeVersioning, makeVersionedBucket } from "./version-load.ts";
import { World, type Journal } from "./world.ts";

/** After so many cycles a new folder is begun: what waits in the trash would fill the disk. */
const CYCLES_PER_FOLDER = 25;
const LOAD_MS_MAX = 900;
/** Cycles, on average. */
const SWEEP_EVERY = 6;
/** After fewer cycles there is little to come to an end. */
const SETTLED_MIN = 5;
/** So many may be gone at a time. */
const LOST_MAX = 2;
/** Where no drive is gone one has lost what it held, in one of so many cycles. */
const WIPE_EVERY = 2;
const SIZE_MAX = 5 * 1024 * 1024;

export interface LoopOptions {
  readonly seed: number;
  readonly journal: Journal;
  readonly shouldGoOn: () => boolean;
  /** The first sequence of the model; the first of the named points. */
  readonly from?: number;
  /** The step from one of them to the next, where several processes share them. */
  readonly stride?: number;
  /** The named points alone: ends when each has been hit so often. */
  readonly hits?: number;
}

export async function runCrashLoop(options: LoopOptions): Promise<void> {
  const { journal, seed, shouldGoOn } = options;
  const random = seededRandom(seed);
  while (shouldGoOn()) {
    const folder = await mkdtemp(join(tmpdir(), "kintsugi-lab-"));
    try {
      await killFirstStart(folder, random, journal);
      await crashOneFolder(folder, random, options);
    } finally {
      if (!journal.isFolderKept) await rm(folder, { recursive: true, force: true });
      if (!journal.isFolderKept) await rm(`${folder}-aside`, { recursive: true, force: true });
    }
    if (journal.isFolderKept) return;
  }
}

/** A start that was killed at any moment must not stand in the way of the next. */
async function killFirstStart(base: string, random: SeededRandom, journal: Journal): Promise<void> {
  const folder = join(base, "data");
  for (let kills = random.below(4); kills > 0; kills -= 1) {
    const first = new LabServer({ folder });
    await sleep(100 + random.below(350));
    await first.kill();
    journal.note("first starts killed");
  }
}

async function crashOneFolder(
  base: string,
  random: SeededRandom,
  { journal, seed, shouldGoOn }: LoopOptions,
): Promise<void> {
  const folder = join(base, "data");
  const world = new World(
    { bucket: "lab-bucket", seed: random.below(2 ** 31), sizeMax: SIZE_MAX },
    journal,
  );
  let server = await startServer(folder, journal);
  if (server === undefined) return;
  const first = new LabClient(server.endpoint, LAB_KEYS);
  await first.send({ method: "PUT", path: `/${world.bucket}` });
  await makeVersionedBucket(first, world);
  first.close();
  const moves = new DriveMoves({ base, random, journal });
  const works = new BackgroundWorks({ moves, random, journal });
  const losing = { aside: `${base}-aside`, random, journal };
  let isWiped = false;
  let cycle = 0;
  for (; cycle < CYCLES_PER_FOLDER && shouldGoOn(); cycle += 1) {
    journal.cycle += 1;
    await loadAndKill(server, world, { seed: seed + journal.cycle, random, works });
    const folders = await moves.folders();
    const away = await loseDrives({ ...losing, folders, most: LOST_MAX - (isWiped ? 1 : 0) });
    const wipes: boolean = !isWiped && away.length === 0 && random.below(WIPE_EVERY) === 0;
    if (wipes) await moves.wipe();
    server = await startServer(folder, journal);
    if (server === undefined) return;
    await checkOn(server, world);
    if (away.length > 0) {
      server = await bringBack({ server, folder, moves, random, journal }, away);
      if (server === undefined) return;
    }
    // What was wiped is made anew beside the next load, and must be there after it.
    if (isWiped) await healAll(server, journal);
    if (isWiped || away.length > 0) await requireClean(server, journal);
    isWiped = wipes;
    if (random.below(SWEEP_EVERY) === 0) await requireNoOrphans(server, journal);
  }
  if (cycle >= SETTLED_MIN) {
    await healAll(server, journal);
    await works.settle(server);
    await requireClean(server, journal);
  }
  await server.process.kill();
}

interface Returning {
  readonly server: Started;
  readonly folder: string;
  readonly moves: DriveMoves;
  readonly random: SeededRandom;
  readonly journal: Journal;
}

/** Drives that were away are there again, or one of them has another in its place. */
async function bringBack(
  { server, folder, moves, random, journal }: Returning,
  away: readonly LostDrive[],
): Promise<Started | undefined> {
  const [only] = away;
  const isReplaced =
    only !== undefined &&
    away.length === 1 &&
    random.below(2) === 0 &&
    (await moves.replaceLost(server, only.folder));
  if (isReplaced) {
    await throwAway(away);
    await healAll(server, journal);
    await untilClean(server);
    journal.note("lost drives replaced");
    return server;
  }
  await server.process.kill(random.below(2) === 0 ? "SIGKILL" : "SIGTERM");
  await putBack(away);
  return startServer(folder, journal);
}

export interface Started {
  readonly process: LabServer;
  readonly endpoint: string;
}

/** So many times faster graces and rests pass: the trash is emptied within a cycle. */
const HASTE = "60";
/** Everything is scrubbed in twenty seconds. */
const SCRUB_HASTE = "1000";

/** Undefined when it did not start, which is a violation by itself. */
export async function startServer(
  folder: string,
  journal: Journal,
  env: Readonly<Record<string, string>> = {},
): Promise<Started | undefined> {
  const hastes = { KINTSUGI_HASTE: HASTE, KINTSUGI_SCRUB_HASTE: SCRUB_HASTE };
  const started = new LabServer({ folder, env: { ...hastes, ...env } });
  const endpoint = await started.ready();
  if (endpoint !== undefined) return { process: started, endpoint };
  journal.violation(`the server does not start: ${started.output.slice(-1_000)}`);
  return undefined;
}

interface KillPlan {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly works: BackgroundWorks;
}

async function loadAndKill(server: Started, world: World, { seed, random, works }: KillPlan) {
  let isDown = false;
  const client = new LabClient(server.endpoint, LAB_KEYS);
  const context: LabContext = { world, client, journal: world.journal, isDown: () => isDown };
  await changeVersioning(client, world);
  const load = runLoad(context, { seed, shouldStop: () => isDown });
  const loadMs = 5 + random.below(LOAD_MS_MAX);
  await works.worry(server, { loadMs, isDown: () => server.process.hasEnded });
  await works.note(server);
  if (server.process.hasEnded) {
    world.journal.violation(`the server ended of itself: ${server.process.output.slice(-2_000)}`);
  }
  isDown = true;
  const signal = random.below(8) === 0 ? "SIGTERM" : "SIGKILL";
  world.journal.note(signal);
  await server.process.kill(signal);
  await Promise.all([load, works.over()]);
  noteLog(server, world.journal);
  client.close();
}

/** What the server warned of, without what differs from line to line. */
export function noteLog(server: Started, journal: Journal): void {
  for (const line of server.process.output.split("\n")) {
    const words = /"msg":"([^"]*)"/.exec(line)?.[1] ?? line;
    const cause = /"message":"([^"]*)"/.exec(line)?.[1] ?? "";
    // Paths and numbers would make each line a kind of its own.
    const kind = `${words} ${cause}`.replaceAll(/\/[^ ,]+|[0-9a-f]{12,}|\d+/g, "#").slice(0, 100);
    if (words !== "") journal.note(`log: ${kind}`);
  }
}

/** Checks everything while nothing else goes on. */
export async function checkOn(server: Started, world: World): Promise<void> {
  const client = new LabClient(server.endpoint, LAB_KEYS);
  await checkAll({ world, client, journal: world.journal, isDown: () => false });
  client.close();
}
