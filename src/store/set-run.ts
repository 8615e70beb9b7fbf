// Where the bytes of one object, or part, lie in a set: all of it, or a run of a pack's shards. Either is read the same
// way, since a run of a pack is laid out as a set of that size is; only where it begins and the seeds of its blocks differ.

import { packedSeed, shardSeed } from "../datanode/shard-format.ts";
import type { Content, ShardSetRecord } from "../metadata/records.ts";

export interface SetRun {
  /** `sizeBytes` are those of the run, and `headerBytes` all that stands before its first block. */
  readonly set: ShardSetRecord;
  /** The seed of its blocks in the shard of that index. */
  readonly seed: (index: number) => number;
}

/** Content that lies on the drives. */
export type ShardContent = Exclude<Content, { readonly kind: "inline" }>;

/** @param said What the row says of the bytes. */
export function runOf(
  content: ShardContent,
  said: { readonly sizeBytes: number; readonly etag: string },
): SetRun {
  const { set } = content;
  if (content.kind === "set") return { set, seed: (index) => shardSeed(set.id, index) };
  const { offset } = content;
  const { sizeBytes, etag } = said;
  return {
    set: { ...set, sizeBytes, headerBytes: offset },
    seed: (index) => packedSeed(set.id, index, { offset, sizeBytes, etag }),
  };
}
