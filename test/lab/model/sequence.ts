// One sequence of random operations, a few at a time, with faults between and power cuts amid them; afterwards everything
// is read and compared, and nothing may be left on the drives that no metadata names.

import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import type { Journal } from "../world.ts";
import { checkAll, checkNoOrphans } from "./check-sequence.ts";
import { Ground } from "./ground.ts";
import { ModelFaults } from "./model-faults.ts";
import type { ModelStore } from "./model-store.ts";
import {
  copy,
  finishHeld,
  get,
  hold,
  put,
  putBroken,
  putIfAbsent,
  putIfSame,
  race,
  remove,
} from "./object-acts.ts";
import { abortStrays, upload } from "./upload-acts.ts";
import { collectTrash, compact, list, repair, sweep } from "./upkeep-acts.ts";
import { actOnVersions } from "./version-acts.ts";
import { abortVersionUploads, checkVersions, emptyBucket } from "./version-check.ts";
import { VersionGround } from "./version-ground.ts";

const OPERATIONS_MIN = 150;
const OPERATIONS_MAX = 200;
const CALLS_AT_ONCE = 3;
/** One call in so many is of the bucket with versions. */
const VERSIONS_EVERY = 4;
/** The most that one turn adds: three uploads, each with its parts. */
const OPERATIONS_AT_ONCE = 3 * 12;

type Act = readonly [name: string, weight: number, act: (ground: Ground) => Promise<void>];

const ACTS: readonly Act[] = [
  ["put", 300, put],
  ["put if absent", 50, putIfAbsent],
  ["put if same", 60, putIfSame],
  ["race", 20, race],
  ["put broken", 30, putBroken],
  ["get", 210, get],
  ["hold", 50, hold],
  ["late get", 50, finishHeld],
  ["delete", 90, remove],
  ["copy", 70, copy],
  ["create upload", 50, upload],
  ["list", 20, list],
  ["trash", 40, collectTrash],
  ["compaction", 15, compact],
  ["compaction amid writes", 10, compactAmidWrites],
  ["sweep", 1, sweepOnce],
  ["repair", 12, repair],
  ["repair amid writes", 6, repairAmidWrites],
  ["abort strays", 6, abortStrays],
];
const WEIGHT_SUM = ACTS.reduce((sum, [, weight]) => sum + weight, 0);

export interface SequenceOptions {
  readonly model: ModelStore;
  readonly random: SeededRandom;
  readonly journal: Journal;
}

export async function runSequence({ model, random, journal }: SequenceOptions): Promise<void> {
  const faults = new ModelFaults(model, random, journal);
  const ground = new Ground({ model, random, journal, faults });
  const versions = await VersionGround.make(ground);
  const isFaulty = random.below(10) > 0;
  const mayCrash = isFaulty && random.below(3) > 0;
  let hasCrashed = false;
  const count = OPERATIONS_MIN + random.below(OPERATIONS_MAX - OPERATIONS_MIN - OPERATIONS_AT_ONCE);
  while (ground.operationCount < count) {
    if (isFaulty && random.below(5) === 0) await faults.next();
    const calls = Array.from({ length: 1 + random.below(CALLS_AT_ONCE) }, () =>
      actOnce(ground, versions),
    );
    if (mayCrash && random.below(30) === 0) {
      await crashAmid(ground, versions, calls);
      hasCrashed = true;
    } else await Promise.all(calls);
    if (random.below(20) === 0) {
      await versions.setVersioning(random.below(3) === 0 ? "suspended" : "enabled");
    }
  }
  journal.note(isFaulty ? "sequences with faults" : "sequences without a fault");
  await faults.heal();
  await checkAll(ground);
  await checkVersions(versions);
  await (random.below(2) === 0 ? emptyBucket(versions) : abortVersionUploads(versions));
  await checkNoOrphans(ground, hasCrashed);
}

function actOnce(ground: Ground, versions: VersionGround): Promise<void> {
  const { random } = ground;
  if (random.below(VERSIONS_EVERY) === 0) return actOnVersions(versions);
  let left = random.below(WEIGHT_SUM);
  const found = ACTS.find(([, weight]) => (left -= weight) < 0);
  if (found === undefined) return Promise.resolve();
  const [name, , act] = found;
  ground.countOperation(name);
  return act(ground);
}

/** Objects are replaced, deleted and copied while compaction looks for where they are. */
async function compactAmidWrites(ground: Ground): Promise<void> {
  const acts = [put, remove, copy, put, put];
  for (const act of acts) ground.countOperation(act.name);
  await Promise.all([compact(ground), ...acts.map((act) => act(ground))]);
}

/** Sets are repaired while they are deleted, and their packs rewritten. */
async function repairAmidWrites(ground: Ground): Promise<void> {
  const acts = [put, remove, copy, remove, put];
  for (const act of acts) ground.countOperation(act.name);
  await Promise.all([repair(ground), compact(ground), ...acts.map((act) => act(ground))]);
}

async function sweepOnce(ground: Ground): Promise<void> {
  await sweep(ground);
}

/** The power is cut while calls are under way. */
async function crashAmid(
  ground: Ground,
  versions: VersionGround,
  calls: readonly Promise<void>[],
): Promise<void> {
  const { faults, journal, random } = ground;
  for (let turns = random.below(40); turns > 0; turns -= 1) {
    await (turns % 3 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
  }
  ground.held = [];
  await faults.crash();
  ground.loseOpenCalls();
  versions.loseOpenCalls();
  // Calls of the dead process settle without effect; of those that never do nothing more is heard.
  void Promise.allSettled(calls).then(() => journal.note("calls of dead processes that settled"));
  await checkAll(ground);
  await checkVersions(versions);
}
