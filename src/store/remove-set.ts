// Removes the shards of a set from its drives.

import type { SetId } from "../core/ids.ts";
import type { ShardName } from "../datanode/shard-store.ts";
import type { Drive } from "./drive.ts";
import type { StoreContext } from "./store-context.ts";
import { removeShard } from "./litter.ts";

type RemovalContext = Pick<StoreContext, "drives" | "litter">;

export interface SetToRemove {
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly shardCount: number;
}

/** Removes shards of a set wherever they may lie; resolves to the indexes of those that are left, since their drive is away or fails. */
export async function removeShards(
  context: RemovalContext,
  set: SetToRemove,
  indexes: readonly number[],
): Promise<readonly number[]> {
  const { setId, layoutVersion, shardCount } = set;
  const isLeft = await Promise.all(
    indexes.map(async (index) => {
      const places = context.drives.placesOf({ setId, index }, layoutVersion, shardCount);
      const isGone = await Promise.all(places.map((drive) => isRemoved(drive, { setId, index })));
      return isGone.includes(false);
    }),
  );
  return indexes.filter((_, position) => isLeft[position]);
}

function isRemoved(drive: Drive | undefined, name: ShardName): Promise<boolean> {
  if (drive === undefined || drive.isAway) return Promise.resolve(false);
  return removeShard(drive, name).then(
    () => true,
    () => false,
  );
}

/** Removes a set of this process that no metadata names: at once where a drive is there, else when it is back. */
export async function discardSet(context: RemovalContext, set: SetToRemove): Promise<void> {
  const drives = context.drives.locate(set.setId, set.layoutVersion, set.shardCount);
  await Promise.all(
    drives.map(async (drive, index) => {
      if (drive === undefined) return;
      const name = { setId: set.setId, index };
      await removeShard(drive, name).catch(() => context.litter.add(drive, name));
    }),
  );
}
