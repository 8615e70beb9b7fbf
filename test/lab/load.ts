// The mixed load: so many callers at once, each choosing its next call by its own seeded dice, until they are told to
// stop or the server is gone.

import { seededRandom } from "../../src/util/seeded-random.ts";
import type { LabContext } from "./calls.ts";
import { list } from "./list-load.ts";
import {
  copy,
  holding,
  pickKey,
  put,
  race,
  read,
  remove,
  removeMany,
  setTags,
} from "./object-load.ts";
import type { Step } from "./object-load.ts";
import { abort, complete, copyPart, createUpload, putPart } from "./upload-load.ts";
import { actOnVersion } from "./version-load.ts";
import type { LabKey, LabUpload } from "./world.ts";

const CALLERS = 12;
const UPLOADS_MAX = 10;
const FRESH_MAX = 30;
/** One call in so many is of the bucket with versions. */
const VERSIONS_EVERY = 5;

/** Of four calls so many are what a run is about, where it is about something. */
const FOCUSED_OF_FOUR = 3;

export interface LoadOptions {
  readonly seed: number;
  readonly shouldStop: () => boolean;
  /** What most calls do. */
  readonly focus?: Focus | undefined;
  /** Whether nothing else is done. */
  readonly isOnly?: boolean;
}

export type Focus = (step: Step) => Promise<void>;

/** Resolves when every caller has got its last answer, or lost its connection. */
export async function runLoad(context: LabContext, options: LoadOptions): Promise<void> {
  const callers = Array.from({ length: CALLERS }, async (_, index) => {
    const random = seededRandom(options.seed * 1_009 + index);
    const { focus, isOnly = false } = options;
    const isFocused = (): boolean => isOnly || random.below(4) < FOCUSED_OF_FOUR;
    while (!options.shouldStop()) {
      const act = focus !== undefined && isFocused() ? focus : oneCall;
      await act({ context, random });
    }
  });
  await Promise.all(callers);
}

type Choice = readonly [weight: number, act: (step: Step, key: LabKey) => Promise<void>];

const CHOICES: readonly Choice[] = [
  [34, (step, key) => put(step, key)],
  [6, (step, key) => put(step, key, "absent")],
  [6, (step, key) => put(step, key, "same")],
  [10, remove],
  [9, copyFromAnother],
  [6, (step, key) => (key.isSolo ? setTags(step, key) : put(step, key))],
  [16, read],
];

async function oneCall(step: Step): Promise<void> {
  const { random } = step;
  const hasVersions = step.context.world.versions !== undefined;
  if (hasVersions && random.below(VERSIONS_EVERY) === 0) return actOnVersion(step);
  const dice = random.below(134);
  if (dice >= 130) return list(step);
  if (dice < 4) return race(step);
  if (dice < 9) return deleteSeveral(step);
  if (dice < 40) return workOnUpload(step);
  const key = pickKey(step);
  if (key === undefined)
    return read(step, step.context.world.keys[0] ?? step.context.world.freshKey());
  return holding(key, () => pickAct(step)(step, key));
}

function pickAct({ random }: Step): Choice[1] {
  let left = random.below(CHOICES.reduce((sum, [weight]) => sum + weight, 0));
  const found = CHOICES.find(([weight]) => (left -= weight) < 0);
  return found?.[1] ?? read;
}

async function copyFromAnother(step: Step, to: LabKey): Promise<void> {
  const { keys } = step.context.world;
  const from = keys[step.random.below(keys.length)];
  if (from !== undefined) await copy(step, from, to);
}

async function deleteSeveral(step: Step): Promise<void> {
  const { world } = step.context;
  const free = world.keys.filter((key) => !(key.isSolo && key.isBusy));
  const start = step.random.below(Math.max(1, free.length));
  const stale = world.freshKeys.slice(0, Math.max(0, world.freshKeys.length - FRESH_MAX));
  const chosen = [...free.slice(start, start + 3), ...stale.slice(0, 20)];
  if (chosen.length === 0) return;
  for (const key of chosen) key.isBusy = true;
  await removeMany(step, chosen);
  for (const key of chosen) key.isBusy = false;
}

export async function workOnUpload(step: Step): Promise<void> {
  const { world } = step.context;
  const free = world.uploads.filter((upload) => !upload.isBusy && upload.phase === "open");
  const upload = free[step.random.below(free.length)];
  if (upload === undefined || (world.uploads.length < UPLOADS_MAX && step.random.below(3) === 0)) {
    const key = pickKey(step);
    return key === undefined ? undefined : createUpload(step, key);
  }
  upload.isBusy = true;
  await actOnUpload(step, upload);
  upload.isBusy = false;
  if (upload.phase !== "open" && upload.isAnswered) {
    world.uploads = world.uploads.filter((each) => each !== upload);
    world.endedUploads.push(upload);
  }
}

async function actOnUpload(step: Step, upload: LabUpload): Promise<void> {
  const { keys } = step.context.world;
  const dice = step.random.below(100);
  if (dice < 50 || upload.parts.size === 0) return putPart(step, upload);
  if (dice < 60) {
    const from = keys[step.random.below(keys.length)];
    return from === undefined ? undefined : copyPart(step, upload, from);
  }
  if (dice < 70) return abort(step, upload);
  // Completing changes the key, which nobody else may be about to do where that must be known.
  if (upload.key.isSolo && upload.key.isBusy) return putPart(step, upload);
  return holding(upload.key, () => complete(step, upload));
}
