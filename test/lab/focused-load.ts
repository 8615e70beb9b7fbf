// What most calls of a load may do, for runs that are about one thing. Each step is a call or a few at once.

import { holding, pickKey, pickPresent, put, remove } from "./object-load.ts";
import { workOnUpload, type Focus } from "./load.ts";

const KIB = 1024;
const INLINE_SIZES = [4 * KIB, 15 * KIB, 16 * KIB];
const PACKED_SIZES = [16 * KIB + 1, 64 * KIB, 256 * KIB];
/** Of a set of their own. */
const LARGE_SIZES = [1024 * KIB + 3, 1536 * KIB];
const UNPACKED_SIZES = [0, 4 * KIB, 16 * KIB, 1024 * KIB + 3];

export type FocusName =
  | "conflicts"
  | "deletes"
  | "inline"
  | "large"
  | "packed"
  | "unpacked"
  | "uploads";

export const FOCUSES: Readonly<Record<FocusName, Focus>> = {
  inline: putOf(INLINE_SIZES),
  packed: putOf(PACKED_SIZES),
  large: putOf(LARGE_SIZES),
  unpacked: putOf(UNPACKED_SIZES),
  uploads: workOnUpload,
  deletes: async (step) =>
    step.random.below(2) === 0 ? removeOne(step) : putOf([...INLINE_SIZES, ...LARGE_SIZES])(step),
  conflicts,
};

function putOf(sizes: readonly number[]): Focus {
  return async (step) => {
    const key = pickKey(step);
    if (key !== undefined) await holding(key, () => put({ ...step, sizes }, key));
  };
}

async function removeOne(step: Parameters<Focus>[0]): Promise<void> {
  const key = pickKey(step);
  if (key !== undefined) await holding(key, () => remove(step, key));
}

/** Several replace the same object at once, each on condition that nobody else has: those that lose had stored theirs. */
async function conflicts(step: Parameters<Focus>[0]): Promise<void> {
  const { keys } = step.context.world;
  const raced = keys.filter((key) => !key.isSolo && !key.isBusy);
  const key = raced[step.random.below(raced.length)];
  if (key === undefined) return removeOne(step);
  const large = { ...step, sizes: LARGE_SIZES };
  await holding(key, async () => {
    if (pickPresent(step, key) === undefined) await put(large, key);
    await Promise.all(Array.from({ length: 3 }, () => put(large, key, "same")));
  });
}
