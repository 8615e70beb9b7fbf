// What goes on in the background: listing, trash, compaction, sweeps, amid everything else.

import { AT_ONCE } from "../../../src/store/repair/pace.ts";
import { tick } from "../register.ts";
import { describe, type Ground } from "./ground.ts";
import type { Value } from "./value.ts";

const REPAIRED_MAX = 20;
const SCRUBBED_AMONG = 50;
const EVERYTHING = { prefix: "", delimiter: "", limit: 1_000 } as const;

export async function listKeys({ model }: Ground): Promise<readonly string[]> {
  const { bucket, store } = model;
  const { entries } = await store.listObjects({
    ...EVERYTHING,
    bucketId: bucket.id,
    after: undefined,
  });
  return entries.map((entry) => (entry.kind === "object" ? entry.object.key : "a prefix"));
}

/** A LIST amid writes shows every key that was there all the while, and none that never was. */
export async function list(ground: Ground): Promise<void> {
  const { journal, model, registers } = ground;
  const { life } = model;
  const from = tick();
  let keys: readonly string[];
  try {
    keys = await listKeys(ground);
  } catch (error) {
    if (!life.isOver) journal.violation(`LIST: ${describe(error)}`);
    return;
  }
  if (life.isOver) return;
  const to = tick();
  for (const [key, register] of registers) {
    const isListed = keys.includes(key);
    const isPossible = ({ value }: { readonly value: Value }) => (value !== undefined) === isListed;
    if (register.candidates(from, to).some(isPossible)) continue;
    journal.violation(`LIST ${isListed ? "shows" : "lacks"} ${key}`);
  }
  journal.count("list");
}

export async function collectTrash({ journal, model }: Ground): Promise<void> {
  const { life, store } = model;
  try {
    await store.collectTrash();
    model.passTime();
    const { removedCount } = await store.collectTrash();
    journal.note("sets removed", removedCount);
  } catch (error) {
    if (!life.isOver) journal.violation(`trash: ${describe(error)}`);
  }
}

/** Whether it has seen everything. */
export async function sweep({ journal, model }: Ground): Promise<boolean> {
  const { life, store } = model;
  try {
    const report = await store.sweepOrphans({ graceMs: 0 });
    if (life.isOver) return false;
    journal.note("orphan shards swept", report.removedShards);
    if (report.unknownSets > 0)
      journal.violation(`${report.unknownSets} sets of unknown processes`);
    return report.isComplete && report.waitingShards === 0 && report.skippedDrives.length === 0;
  } catch (error) {
    if (!life.isOver) journal.violation(`sweep: ${describe(error)}`);
    return false;
  }
}

/** What lacks shards is made whole, and a set is read all through, while everything else goes on. */
export async function repair(ground: Ground): Promise<void> {
  const { journal, model, random } = ground;
  const { life, store } = model;
  const options = { pace: AT_ONCE };
  try {
    for (const { set } of await store.listDegraded(undefined, REPAIRED_MAX)) {
      const seen = await store.repairSet(set.id, options);
      if (life.isOver) return;
      journal.note("shards made anew", seen?.rebuilt.length ?? 0);
      if (seen?.fault !== undefined) journal.note(`repair: ${seen.fault.kind}`);
    }
    const sets = await store.listSets(undefined, SCRUBBED_AMONG);
    const chosen = sets[random.below(Math.max(sets.length, 1))];
    if (chosen === undefined) return;
    const scrub = await store.scrubSet(chosen.id, options);
    if (life.isOver) return;
    journal.note("lost shards scrubbed", scrub?.lost.length ?? 0);
    journal.count("repair");
  } catch (error) {
    if (!life.isOver) journal.violation(`repair: ${describe(error)}`);
  }
}

/** Packs are rewritten while their objects are read, replaced and deleted. */
export async function compact(ground: Ground): Promise<void> {
  const { faults, journal, model, random } = ground;
  const { life, store } = model;
  const failingBefore = faults.failingCount;
  try {
    const progress = await store.compactPacks({
      deadShareMin: random.below(2) === 0 ? 0.3 : 0.001,
      sealsOpen: random.below(2) === 0,
    });
    if (life.isOver) return;
    journal.note("packs looked through", progress.packCount);
    journal.note("objects moved to another pack", progress.movedCount);
    if (!life.isOver) journal.count("compaction");
  } catch (error) {
    if (!life.isOver) ground.judgeRefusal("compaction", error, failingBefore);
  }
}
