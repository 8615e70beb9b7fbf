// What is compared after a crash and at the end of a sequence, while nothing else goes on.

import { isSetId } from "../../../src/core/ids.ts";
import { ABSENT } from "../history.ts";
import { tick } from "../register.ts";
import type { Ground } from "./ground.ts";
import type { ModelStore } from "./model-store.ts";
import { get } from "./object-acts.ts";
import { abortStrays } from "./upload-acts.ts";
import { collectTrash, listKeys, sweep } from "./upkeep-acts.ts";

/** Of the sequences with a crash. */
const SWEEP_EVERY = 6;

/** Everything is read, and becomes the new beginning. */
export async function checkAll(ground: Ground): Promise<void> {
  const { bucket, store } = ground.model;
  for (const [key, register] of ground.registers) {
    const from = tick();
    const object = await store.findObject(bucket, key);
    const seen = ground.judgeSeen(register, object, from);
    if (seen === undefined) continue;
    const history = ground.historyOf(key);
    const state = seen.value === undefined ? ABSENT : seen.op;
    ground.noteVerdict(key, history.settle(state, seen.value?.etag));
    register.settle(seen);
    if (seen.value !== undefined) await get(ground, key);
  }
  const listed = (await listKeys(ground)).join();
  const present = [...ground.registers].filter(([, register]) => {
    return register.candidates(Infinity, Infinity)[0]?.value !== undefined;
  });
  if (listed !== present.map(([key]) => key).join()) {
    ground.journal.violation(`LIST shows ${listed}`);
  }
}

/** Nothing may be left that no metadata names, once the trash has been collected and, after a crash, swept. */
export async function checkNoOrphans(ground: Ground, hasCrashed: boolean): Promise<void> {
  const { journal, model } = ground;
  for (const { reading } of ground.held.splice(0)) reading.close();
  await abortStrays(ground);
  // What this process has failed to remove it forgets when it ends: then it is the sweep's.
  await collectTrash(ground);
  // A pack that is open may be named by nobody yet; one of a process that has ended may not.
  await model.restart();
  for (let rounds = 0; rounds < 3; rounds += 1) await collectTrash(ground);
  const [waiting] = await model.metadata.listTrash(1);
  if (waiting !== undefined && model.store.awayCount() === 0) {
    journal.violation(`set ${waiting.setId} stays in the trash`);
  }
  for (const setId of await forgottenSets(model)) {
    journal.violation(`set ${setId} counts as named, and nothing names it`);
  }
  const before = await unnamedOn(ground);
  if (before.length > 0) {
    journal.note(hasCrashed ? "orphans of a crash" : "orphans without a crash", before.length);
    // A sweep looks into 256 folders of each drive: dear, next to all else here.
    if (hasCrashed && ground.random.below(SWEEP_EVERY) > 0) return;
    if (!(await sweep(ground))) return;
    for (const words of await unnamedOn(ground)) journal.violation(`orphan: ${words}`);
    journal.note("sequences swept");
  }
  journal.note("sequences without an orphan");
}

/** Where the shards of sets lie that no metadata names. */
async function unnamedOn(ground: Ground): Promise<readonly string[]> {
  const onDrives = await setsOnDrives(ground.model);
  const setIds = [...onDrives.keys()].filter(isSetId);
  const named = new Set<string>(await ground.model.metadata.findNamedSets(setIds));
  return [...onDrives].flatMap(([setId, places]) => (named.has(setId) ? [] : places.join(", ")));
}

/** Sets on the drives that would never go: no version and no part names them, and they are not in the trash. */
async function forgottenSets(model: ModelStore): Promise<readonly string[]> {
  const setIds = [...(await setsOnDrives(model)).keys()].filter(isSetId);
  const left = new Set<string>(await model.metadata.findNamedSets(setIds));
  for (const { setId } of await model.metadata.listTrash(1_000_000)) left.delete(setId);
  const all = { bucketId: undefined, prefix: "", after: undefined, limit: 1_000_000 };
  for (const { content } of await model.metadata.walk(all)) {
    if (content !== undefined && content.kind !== "inline") left.delete(content.set.id);
  }
  return [...left];
}

/** The shard files of all drives by set. */
async function setsOnDrives(model: ModelStore): Promise<ReadonlyMap<string, readonly string[]>> {
  const sets = new Map<string, string[]>();
  for (const disk of model.disks) {
    for (const path of await model.shardFiles(disk)) {
      const name = path.slice(path.lastIndexOf("/") + 1);
      const setId = name.slice(0, name.lastIndexOf("."));
      const places = sets.get(setId) ?? [];
      places.push(`${disk.root}:${path}`);
      sets.set(setId, places);
    }
  }
  return sets;
}
