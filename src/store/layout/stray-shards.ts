// Copies that a change of the layout has left behind: shards of named sets on drives where no layout in force puts them.
// One goes only when the shard that has taken its place is there, of the same size, and nothing is known against it.

import type { ShardName } from "../../datanode/shard-store.ts";
import { shardCount } from "../../erasure/geometry.ts";
import { callDrive } from "../call-drive.ts";
import type { Drive } from "../drive.ts";
import { idBefore } from "../repair/id-before.ts";
import type { FoundSet } from "../seen-orphans.ts";
import type { StoreContext } from "../store-context.ts";

/** Those of the shards that lie where no layout in force puts them; none while drives come or go. */
export function straysOf(context: StoreContext, { setId, shards }: FoundSet): FoundSet {
  return {
    setId,
    shards: shards.filter(({ drive, index }) => isStray(context, drive, { setId, index })),
  };
}

function isStray({ drives }: StoreContext, drive: Drive, name: ShardName): boolean {
  return drives.layouts.length === 1 && !drives.isPlaceOf(drive.store.driveId, name);
}

/** Those of them that nobody needs. */
export async function needlessOf(
  context: StoreContext,
  { setId, shards }: FoundSet,
): Promise<FoundSet> {
  const [set] = await context.metadata.listSets(idBefore(setId), 1);
  // In the trash: no read begins on it any more.
  if (set?.id !== setId) return { setId, shards };
  const located = context.drives.locate(setId, set.layoutVersion, shardCount(set));
  const isNeedless = await Promise.all(
    shards.map(async ({ drive, index }) => {
      if (set.missing.includes(index)) return false;
      const name = { setId, index };
      const [here, there] = await Promise.all([
        sizeOn(context, drive, name),
        sizeOn(context, located[index], name),
      ]);
      // The layout may have changed since it was found: then this may be the place where it lies now, or will.
      return here !== undefined && here === there && isStray(context, drive, name);
    }),
  );
  return { setId, shards: shards.filter((_, position) => isNeedless[position]) };
}

async function sizeOn(
  { limits }: StoreContext,
  drive: Drive | undefined,
  name: ShardName,
): Promise<number | undefined> {
  if (drive === undefined || drive.isAway) return undefined;
  try {
    return await callDrive(drive, drive.store.size(name), { deadlineMs: limits.readDeadlineMs });
  } catch (error) {
    drive.noteError(error);
    return undefined;
  }
}
