// Removes the shards of a set from its drives.

import type { SetId } from "../core/ids.ts";
import type { StoreContext } from "./store-context.ts";
import { removeShard } from "./litter.ts";

export interface SetToRemove {
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly shardCount: number;
}

/** Resolves to whether no shard of it is left: false when a drive is away or fails, to be tried again. */
export async function removeSet(context: StoreContext, set: SetToRemove): Promise<boolean> {
  const drives = context.drives.locate(set.setId, set.layoutVersion, set.shardCount);
  const removals = drives.map(async (drive, index) => {
    if (drive === undefined || drive.isAway) return false;
    await removeShard(drive, { setId: set.setId, index });
    return true;
  });
  const outcomes = await Promise.allSettled(removals);
  return outcomes.every((outcome) => outcome.status === "fulfilled" && outcome.value);
}

/** Removes a set of this process that no metadata names: at once where a drive is there, else when it is back. */
export async function discardSet(context: StoreContext, set: SetToRemove): Promise<void> {
  const drives = context.drives.locate(set.setId, set.layoutVersion, set.shardCount);
  await Promise.all(
    drives.map(async (drive, index) => {
      if (drive === undefined) return;
      const name = { setId: set.setId, index };
      await removeShard(drive, name).catch(() => context.litter.add(drive, name));
    }),
  );
}
