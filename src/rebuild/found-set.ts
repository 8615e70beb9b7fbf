// A set as it lies on the drives: which of them has which of its shards.

import type { SetId } from "../core/ids.ts";
import { readShardHeader } from "../datanode/read-shard.ts";
import type { ShardHeader } from "../datanode/shard-format.ts";
import { ShardError, type ShardStore } from "../datanode/shard-store.ts";
import { readTail, type ShardTail } from "./read-tail.ts";

export interface FoundSet {
  readonly setId: SetId;
  /** By index of the shard, where there is a file: positions in the list of drives. */
  readonly places: ReadonlyMap<number, readonly number[]>;
}

/** A shard file that can be read. */
export interface FoundShard {
  readonly index: number;
  readonly drive: number;
  readonly store: ShardStore;
  readonly tail: ShardTail;
}

/** How many folders a drive's shards lie in: see `ShardStore.list`. */
export const FOLDER_COUNT = 256;

/** What lies in one folder of all drives. @throws ShardError when one of them cannot be listed: what is on it must not be passed over. */
export async function findSets(
  drives: readonly ShardStore[],
  folder: number,
): Promise<{ readonly sets: readonly FoundSet[]; readonly fileCount: number }> {
  const found = new Map<SetId, Map<number, number[]>>();
  let fileCount = 0;
  const lists = await Promise.all(drives.map((drive) => drive.list(folder)));
  for (const [position, names] of lists.entries()) {
    fileCount += names.length;
    for (const { setId, index } of names) {
      const places = found.get(setId) ?? new Map<number, number[]>();
      places.set(index, [...(places.get(index) ?? []), position]);
      found.set(setId, places);
    }
  }
  return { sets: [...found].map(([setId, places]) => ({ setId, places })), fileCount };
}

/** The header of the first shard that has one; undefined where none can be read. */
export async function headerOf(
  drives: readonly ShardStore[],
  { setId, places }: FoundSet,
): Promise<ShardHeader | undefined> {
  for (const [index, positions] of places) {
    for (const position of positions) {
      const store = drives[position];
      if (store === undefined) continue;
      try {
        return await readShardHeader(store, { setId, index });
      } catch (error) {
        if (!(error instanceof ShardError)) throw error;
      }
    }
  }
  return undefined;
}

/** All its files, by index. */
export async function shardsOf(
  drives: readonly ShardStore[],
  { setId, places }: FoundSet,
): Promise<readonly FoundShard[]> {
  const all = [...places].flatMap(([index, positions]) =>
    positions.map(async (drive): Promise<FoundShard | undefined> => {
      const store = drives[drive];
      const tail = store && (await readTail(store, { setId, index }));
      return store && tail && { index, drive, store, tail };
    }),
  );
  const found = await Promise.all(all);
  return found.filter((shard) => shard !== undefined).toSorted((a, b) => a.index - b.index);
}

/** By index of the shard: the drive of one that is good; -1 where there is none. */
export function drivesByIndex(shards: readonly FoundShard[], count: number): readonly number[] {
  return Array.from(
    { length: count },
    (_, index) => shards.find((shard) => shard.index === index)?.drive ?? -1,
  );
}
