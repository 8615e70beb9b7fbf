// Where the bytes of one object, or part, lie in a set: all of it, or a run of a pack's shards. Either is read the same
// way, since a run of a pack is laid out as a set of that size is; only where it begins and the seeds of its blocks differ.

import { packedSeed, shardSeed } from "../datanode/shard-format.ts";
import type { Content, ShardSetRecord } from "../metadata/records.ts";
import type { StoredBytes } from "./encryption/stored-bytes.ts";

export interface SetRun {
  /** `sizeBytes` are those of the run, and `headerBytes` all that stands before its first block. */
  readonly set: ShardSetRecord;
  /** What the digest of its bytes is computed with. */
  readonly hash: StoredBytes["hash"];
  /** The seed of its blocks in the shard of that index. */
  readonly seed: (index: number) => number;
}

/** Content that lies on the drives. */
export type ShardContent = Exclude<Content, { readonly kind: "inline" }>;

/** @param stored What the row says of the bytes as they lie there (`storedBytesOf`). */
export function runOf(content: ShardContent, stored: StoredBytes): SetRun {
  const { set } = content;
  const { sizeBytes, etag, hash } = stored;
  if (content.kind === "set") return { set, hash, seed: (index) => shardSeed(set.id, index) };
  const { offset } = content;
  return {
    set: { ...set, sizeBytes, headerBytes: offset },
    hash,
    seed: (index) => packedSeed(set.id, index, { offset, sizeBytes, etag }),
  };
}
