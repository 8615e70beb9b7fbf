// A set that holds one object, or part: what its headers and footers say, of as many shards as agree.

import { footerOffset, type ShardFooter, type ShardHeader } from "../datanode/shard-format.ts";
import { shardCount } from "../erasure/geometry.ts";
import { shardUnitsBytes, stripeCount } from "../erasure/stripe.ts";
import type { Claim, StagedSet } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { drivesByIndex, type FoundShard } from "./found-set.ts";

export type OwnSet =
  | { readonly kind: "claimed"; readonly set: StagedSet; readonly claim: Claim }
  /** Fewer shards are whole than it takes to read; some are. */
  | { readonly kind: "lost"; readonly wholeCount: number }
  /** No shard is whole: a write that was cut off. */
  | { readonly kind: "unfinished" };

export function readOwnSet(header: ShardHeader, shards: readonly FoundShard[]): OwnSet {
  const { whole, footer } = agreeing(header, shards);
  if (footer === undefined) return { kind: "unfinished" };
  const count = new Set(whole.map(({ index }) => index)).size;
  if (count < header.dataShards) return { kind: "lost", wholeCount: count };
  const { setId: id, dataShards, parityShards, unitBytes, headerBytes, bucket, key } = header;
  const {
    dataBytes: sizeBytes,
    etag,
    checksums,
    attributes,
    createdAt,
    part,
    seal,
    about,
  } = footer;
  return {
    kind: "claimed",
    set: {
      id,
      dataShards,
      parityShards,
      unitBytes,
      headerBytes,
      sizeBytes,
      isPack: false,
      drives: drivesByIndex(whole, shardCount(header)),
    },
    claim: {
      bucket,
      key,
      at: createdAt,
      setId: id,
      offset: undefined,
      part: part ?? header.part,
      sizeBytes,
      etag,
      checksums,
      attributes,
      seal,
      about,
    },
  };
}

/** The shards whose footers say the same; where they differ, those of the most. */
function agreeing(
  header: ShardHeader,
  shards: readonly FoundShard[],
): { readonly whole: readonly FoundShard[]; readonly footer: ShardFooter | undefined } {
  const groups = new Map<string, FoundShard[]>();
  for (const shard of shards) {
    const { footer, endOffset } = shard.tail;
    if (footer === undefined || !fits(header, footer, endOffset)) continue;
    const { dataBytes, etag, digests } = footer;
    const text = JSON.stringify([dataBytes, etag, digests]);
    groups.set(text, [...(groups.get(text) ?? []), shard]);
  }
  const [whole = []] = [...groups.values()].toSorted((a, b) => b.length - a.length);
  return { whole, footer: whole[0]?.tail.footer };
}

function fits(header: ShardHeader, footer: ShardFooter, endOffset: number): boolean {
  const unitsBytes = shardUnitsBytes(header, footer.dataBytes);
  const blocks = stripeCount(header, footer.dataBytes);
  return (
    footer.digests.length === shardCount(header) &&
    endOffset === footerOffset(header.headerBytes, unitsBytes, blocks)
  );
}
