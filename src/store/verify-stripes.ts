// Reads every block of a run of shards and compares what they hold: block checksums, parity with data, and the digest of
// the whole. A window at a time, so that memory does not grow with the size; one stripe at a time is computed, so that
// requests get their turn between.

import { createHash, type Hash } from "node:crypto";
import { setImmediate as giveWay } from "node:timers/promises";
import { shardCount } from "../erasure/geometry.ts";
import { stripeAt, stripeCount, unitOf, type StripeRange } from "../erasure/stripe.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import { readShardBlocks, type ShardBlocks } from "./shard-blocks.ts";
import type { ShardCheck } from "./shard-check.ts";
import type { SetRun } from "./set-run.ts";
import { STRIPES_PER_WINDOW, type StoreContext } from "./store-context.ts";

export interface StripesCheck {
  /** Of the data, in hex, by the run's hash; undefined where a stripe could not be had. */
  readonly digest: string | undefined;
  /** Parity shards that are not what the data gives, though their checksums are good. */
  readonly wrongParity: ReadonlySet<number>;
  readonly bytesRead: number;
}

export async function verifyStripes(
  context: StoreContext,
  run: SetRun,
  shards: readonly ShardCheck[],
  signal: AbortSignal | undefined,
): Promise<StripesCheck> {
  const verifier = new StripeVerifier(context, run, shards);
  const count = stripeCount(run.set, run.set.sizeBytes);
  for (let first = 0; first < count; first += STRIPES_PER_WINDOW) {
    if (signal?.aborted === true) break;
    await verifier.window({ first, end: Math.min(first + STRIPES_PER_WINDOW, count) });
  }
  return verifier.result();
}

class StripeVerifier {
  readonly #context: StoreContext;
  readonly #run: SetRun;
  readonly #shards: readonly ShardCheck[];
  readonly #hash: Hash | undefined;
  readonly #wrongParity = new Set<number>();
  #isWhole = true;
  #bytesRead = 0;

  constructor(context: StoreContext, run: SetRun, shards: readonly ShardCheck[]) {
    this.#context = context;
    this.#run = run;
    this.#hash = run.hash && createHash(run.hash);
    this.#shards = shards;
  }

  async window(stripes: StripeRange): Promise<void> {
    const blocks = new Map<ShardCheck, ShardBlocks>();
    try {
      await Promise.all(
        this.#shards.map(async (shard) => {
          const read = await this.#read(shard, stripes);
          if (read !== undefined) blocks.set(shard, read);
        }),
      );
      for (let index = stripes.first; index < stripes.end; index += 1) {
        this.#stripe(index, blocks);
        await giveWay();
      }
    } finally {
      for (const each of blocks.values()) each.release();
    }
  }

  result(): StripesCheck {
    return {
      digest: this.#isWhole ? this.#hash?.digest("hex") : undefined,
      wrongParity: this.#wrongParity,
      bytesRead: this.#bytesRead,
    };
  }

  #read(shard: ShardCheck, stripes: StripeRange): Promise<ShardBlocks | undefined> {
    const { set, seed } = this.#run;
    const { index } = shard;
    // It has a deadline of its own, and tells the drive's health.
    return shard.attempt((drive) =>
      readShardBlocks(this.#context, { set, drive, index, seed: seed(index), stripes }),
    );
  }

  #stripe(index: number, blocks: ReadonlyMap<ShardCheck, ShardBlocks>): void {
    for (const [shard, read] of blocks) {
      const block = read.block(index);
      shard.digestBlock(block);
      this.#bytesRead += block.length;
    }
    if (blocks.size < this.#run.set.dataShards) {
      this.#isWhole = false;
      return;
    }
    const { pools } = this.#context;
    const { set } = this.#run;
    const buffer = pools.acquire(shardCount(set) * set.unitBytes);
    try {
      this.#compute(index, blocks, buffer);
    } finally {
      pools.release(buffer);
    }
  }

  #compute(index: number, blocks: ReadonlyMap<ShardCheck, ShardBlocks>, buffer: Uint8Array): void {
    const { codec } = this.#context;
    const { set } = this.#run;
    const stripe = stripeAt(set, set.sizeBytes, index);
    const units = buffer.subarray(0, shardCount(set) * stripe.unitBytes);
    const geometry = { ...set, unitBytes: stripe.unitBytes };
    const present = presenceOf(set, blocks);
    for (const [shard, read] of blocks) unitOf(units, stripe, shard.index).set(read.unit(index));
    if (present.slice(0, set.dataShards).includes(false)) {
      codec.reconstruct(units, geometry, present);
    }
    codec.encode(units, geometry);
    for (const [shard, read] of blocks) {
      if (shard.index < set.dataShards) continue;
      const isRight = Buffer.compare(unitOf(units, stripe, shard.index), read.unit(index)) === 0;
      if (!isRight) this.#wrongParity.add(shard.index);
    }
    this.#hash?.update(units.subarray(0, stripe.dataBytes));
  }
}

function presenceOf(
  set: ShardSetRecord,
  blocks: ReadonlyMap<ShardCheck, ShardBlocks>,
): readonly boolean[] {
  const present = Array.from({ length: shardCount(set) }, () => false);
  for (const shard of blocks.keys()) present[shard.index] = true;
  return present;
}
