// A server that dies at a named point: started to do so, and loaded until it does.

import { setTimeout as sleep } from "node:timers/promises";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { LabContext } from "./calls.ts";
import { changeLifecycle } from "./change-lifecycle.ts";
import { noteLog, type Started } from "./crash-loop.ts";
import type { DriveMoves } from "./drive-moves.ts";
import { FOCUSES } from "./focused-load.ts";
import { compactAll, sweepOnce } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS, LabServer } from "./lab-server.ts";
import { runLoad } from "./load.ts";
import { SCENARIOS, type Scenario, type Upkeep } from "./point-scenarios.ts";
import type { Journal, World } from "./world.ts";

/** A server that has not died by then did not pass its point so often. */
const LOAD_MS_MAX = 12_000;
const UPKEEP_EVERY_MS = 150;
const HASTE = "200";

export interface Death {
  readonly name: CrashPoint;
  readonly folder: string;
  readonly world: World;
  readonly random: SeededRandom;
  /** Where drives may come and go. */
  readonly moves?: DriveMoves;
}

/** Resolves, when it has ended, to whether it died at the point. */
export async function dieAt({ name, folder, world, random, moves }: Death): Promise<boolean> {
  const { journal } = world;
  const scenario = SCENARIOS[name];
  const point = `${name}:${1 + random.below(scenario.passingMax)}`;
  const env = { KINTSUGI_CRASH_AT: point, KINTSUGI_HASTE: HASTE };
  const process = new LabServer({ folder, env });
  const endpoint = await process.ready();
  if (endpoint === undefined) {
    await process.ended();
    if (!process.wasKilled) journal.violation(`${point}: no start: ${process.output}`);
    return process.wasKilled;
  }
  const server: Started = { process, endpoint };
  await loadUntilDead({ server, scenario, world, random, moves });
  const wasHit = process.wasKilled;
  if (!process.hasEnded) await process.kill(random.below(2) === 0 ? "SIGTERM" : "SIGKILL");
  noteLog(server, journal);
  return wasHit;
}

interface Dying {
  readonly server: Started;
  readonly scenario: Scenario;
  readonly world: World;
  readonly random: SeededRandom;
  readonly moves: DriveMoves | undefined;
}

async function loadUntilDead({ server, scenario, world, random, moves }: Dying): Promise<void> {
  const { process, endpoint } = server;
  const { focus, upkeep = random.below(4) === 0 ? "all" : "nothing" } = scenario;
  let isOver = false;
  const isDown = (): boolean => isOver || process.hasEnded;
  const client = new LabClient(endpoint, LAB_KEYS);
  const context: LabContext = { world, client, journal: world.journal, isDown };
  const load = runLoad(context, {
    seed: random.below(2 ** 31),
    shouldStop: isDown,
    focus: focus === undefined ? undefined : FOCUSES[focus],
  });
  const changeRules = () => changeLifecycle(client, world.bucket);
  const changeDrives = async () => moves?.act(server);
  const asked = { upkeep, changeRules, changeDrives };
  const keeping = keepUp({ server, journal: world.journal, isDown, ...asked });
  const waiting = new AbortController();
  const limit = sleep(LOAD_MS_MAX, undefined, { signal: waiting.signal }).catch(() => undefined);
  await Promise.race([limit, process.ended()]);
  waiting.abort();
  isOver = true;
  await Promise.all([load, keeping]);
  client.close();
}

interface Keeping {
  readonly server: Started;
  readonly journal: Journal;
  readonly isDown: () => boolean;
  readonly upkeep: Upkeep;
  readonly changeRules: () => Promise<void>;
  readonly changeDrives: () => Promise<void>;
}

async function keepUp(keeping: Keeping): Promise<void> {
  const { server, journal, isDown, upkeep, changeRules, changeDrives } = keeping;
  const works = [
    ...(upkeep === "all" || upkeep === "compaction" ? [compactAll] : []),
    ...(upkeep === "all" || upkeep === "sweep" ? [sweepOnce] : []),
    ...(upkeep === "all" || upkeep === "lifecycle" ? [changeRules] : []),
    ...(upkeep === "all" || upkeep === "drives" ? [changeDrives] : []),
  ];
  while (works.length > 0 && !isDown()) {
    await sleep(UPKEEP_EVERY_MS);
    for (const work of works) {
      await work(server).catch((error: unknown) => {
        if (isDown()) return;
        journal.note(`upkeep: ${String(error).replaceAll(/\d+/g, "#").slice(0, 80)}`);
      });
    }
  }
}
