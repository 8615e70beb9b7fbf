// The entries of a pack, as repair needs them several times: they are looked for once, and kept unless there are very many.

import { BLOCK_CHECKSUM_BYTES } from "../../datanode/shard-format.ts";
import { shardUnitsBytes, stripeCount } from "../../erasure/stripe.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import { packEntries, type FoundEntry } from "../pack-walk.ts";
import type { StoreContext } from "../store-context.ts";
import type { SetShards } from "./set-shards.ts";

/** Of a pack of smaller objects the entries are looked for each time: they would take more memory than its windows. */
const KEPT_MAX = 4_096;

export class PackEntries {
  /** Where the blocks of the last one end. */
  readonly endOffset: number;
  readonly #context: StoreContext;
  /** Undefined: there are too many. */
  readonly #kept: readonly FoundEntry[] | undefined;

  private constructor(
    context: StoreContext,
    endOffset: number,
    kept: readonly FoundEntry[] | undefined,
  ) {
    this.#context = context;
    this.endOffset = endOffset;
    this.#kept = kept;
  }

  static async read(context: StoreContext, shards: SetShards): Promise<PackEntries> {
    const { set } = shards;
    let [endOffset, count] = [set.headerBytes, 0];
    let kept: FoundEntry[] = [];
    for await (const found of walk(context, shards)) {
      endOffset = endOfEntry(set, found);
      count += 1;
      // A copy: the header lies in a larger buffer.
      if (count <= KEPT_MAX) kept.push({ ...found, header: Uint8Array.from(found.header) });
      else kept = [];
    }
    return new PackEntries(context, endOffset, count <= KEPT_MAX ? kept : undefined);
  }

  /** In their order. `shards`: by which they are read where they are not kept. */
  all(shards: SetShards): AsyncIterable<FoundEntry> | Iterable<FoundEntry> {
    return this.#kept ?? walk(this.#context, shards);
  }
}

function walk(context: StoreContext, shards: SetShards): AsyncIterable<FoundEntry> {
  return packEntries(context, shards.set, (index, drive, place) =>
    shards.readBytes(index, drive, place),
  );
}

/** Where the blocks of an entry end in the shard files. */
export function endOfEntry(set: ShardSetRecord, { entry, offset }: FoundEntry): number {
  const { sizeBytes } = entry;
  const checksums = stripeCount(set, sizeBytes) * BLOCK_CHECKSUM_BYTES;
  return offset + shardUnitsBytes(set, sizeBytes) + checksums;
}
