// Points that only the first start of a folder passes: of a blank one, or of one that version 1 left. It dies there, and
// what is started next must serve, and have everything.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import { makeOldVersion } from "../support/old-version.ts";
import { checkOn, startServer, type Started } from "./crash-loop.ts";
import { FOCUSES, type FocusName } from "./focused-load.ts";
import { requireClean, requireNoOrphans } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS } from "./lab-server.ts";
import { runLoad } from "./load.ts";
import { dieAt } from "./point-death.ts";
import { World, type Journal } from "./world.ts";

const LOAD_MS = 150;
const BUCKET = "lab-bucket";

export interface FirstStart {
  readonly name: CrashPoint;
  /** A folder that is there. */
  readonly base: string;
  readonly random: SeededRandom;
  readonly journal: Journal;
  /** Whether version 1 left the folder; as the dice fall where absent. */
  readonly isOld?: boolean;
}

/** Resolves to whether it died there. */
export async function dieAtFirstStart(first: FirstStart): Promise<boolean> {
  const { name, base, random, journal } = first;
  const folder = join(base, "first-start");
  const world = new World(
    { bucket: BUCKET, seed: random.below(2 ** 31), sizeMax: 2 ** 21 },
    journal,
  );
  try {
    const isOld = first.isOld ?? random.below(2) === 0;
    if (isOld) await leaveOldVersion(folder, world);
    const wasHit = await dieAt({ name, folder, world, random });
    const server = await startServer(folder, journal);
    if (server === undefined) return wasHit;
    if (!isOld) await makeBucket(server);
    await checkOn(server, world);
    await loadShortly(server, world);
    await server.process.kill();
    const next = await startServer(folder, journal);
    if (next === undefined) return wasHit;
    await checkOn(next, world);
    await requireClean(next, journal);
    await requireNoOrphans(next, journal);
    await next.process.kill();
    return wasHit;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** It knew no packs, so there are none. */
async function leaveOldVersion(folder: string, world: World): Promise<void> {
  const server = await startServer(folder, world.journal);
  if (server === undefined) return;
  await makeBucket(server);
  await loadShortly(server, world, "unpacked");
  await server.process.kill();
  await makeOldVersion(folder);
}

async function makeBucket({ endpoint }: Started): Promise<void> {
  const client = new LabClient(endpoint, LAB_KEYS);
  await client.send({ method: "PUT", path: `/${BUCKET}` });
  client.close();
}

async function loadShortly(server: Started, world: World, only?: FocusName): Promise<void> {
  const client = new LabClient(server.endpoint, LAB_KEYS);
  const context = { world, client, journal: world.journal, isDown: () => false };
  let isOver = false;
  const load = runLoad(context, {
    seed: world.random.below(2 ** 31),
    shouldStop: () => isOver,
    focus: only === undefined ? undefined : FOCUSES[only],
    isOnly: only !== undefined,
  });
  await sleep(LOAD_MS);
  isOver = true;
  await load;
  client.close();
}
