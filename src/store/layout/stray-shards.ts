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
export function straysOf({ drives }: StoreContext, { setId, shards }: FoundSet): FoundSet {
  if (drives.layouts.length > 1) return { setId, shards: [] };
  const strays = shards.filter(
    ({ drive, index }) => !drives.isPlaceOf(drive.store.driveId, { setId, index }),
  );
  return { setId, shards: strays };
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
      return here !== undefined && here === there;
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
