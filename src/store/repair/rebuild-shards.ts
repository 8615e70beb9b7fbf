// Makes shards of a set anew from any k that are good, a window of stripes at a time, so that memory does not grow with the
// size. What is computed is checked before it is written: each stripe is decoded a second time, from another k that the
// new shard is among, and must give the same; and the digest of the new shard must be the one that the footers of its
// siblings name. Only then does it take its place.

import { createHash, type Hash } from "node:crypto";
import { setImmediate as giveWay } from "node:timers/promises";
import { BLOCK_CHECKSUM_BYTES, blockChecksum } from "../../datanode/shard-format.ts";
import { shardCount } from "../../erasure/geometry.ts";
import { stripeAt, stripeCount, unitOf, type Stripe } from "../../erasure/stripe.ts";
import { STRIPES_PER_WINDOW } from "../store-context.ts";
import type { CheckOptions } from "./check-shard.ts";
import { NewShard } from "./new-shard.ts";
import { RepairFault, wordsOf } from "./repair-fault.ts";
import { tooFew, type PlannedRun } from "./set-plan.ts";
import type { RepairRun, StripeSources } from "./set-shards.ts";

interface Target {
  readonly index: number;
  readonly shard: NewShard;
  readonly digest: Hash;
}

export interface RebuildResult {
  /** Shards that stand in their place. */
  readonly rebuilt: readonly number[];
  readonly writtenBytes: number;
  /** Why others do not; undefined when all do. */
  readonly refusal: unknown;
}

/** @throws RepairFault; then nothing has changed. */
export async function rebuildShards(
  options: CheckOptions,
  indexes: readonly number[],
): Promise<RebuildResult> {
  const rebuild = new Rebuild(options, indexes);
  try {
    return await rebuild.run();
  } finally {
    await rebuild.end();
  }
}

class Rebuild {
  readonly #options: CheckOptions;
  readonly #targets: readonly Target[];
  /** Set where a dead object could not be had: nothing names it, and no digest holds any more. */
  #hasGaps = false;

  constructor(options: CheckOptions, indexes: readonly number[]) {
    this.#options = options;
    const { shards, context } = options;
    this.#targets = indexes.flatMap((index) => {
      const drive = shards.drives[index];
      if (drive === undefined) return [];
      const name = { setId: shards.set.id, index };
      const shard = new NewShard(name, drive, context.limits.writeDeadlineMs);
      return [{ index, shard, digest: createHash("sha256") }];
    });
  }

  async run(): Promise<RebuildResult> {
    const { plan } = this.#options;
    await Promise.all(this.#targets.map(({ shard }) => shard.open()));
    await this.#putEach(({ index }) => plan.header(index));
    for await (const planned of plan.runs()) await this.#run(planned);
    if (!this.#hasGaps) this.#checkDigests();
    const { footer } = plan;
    if (footer !== undefined && !this.#hasGaps) await this.#putEach(({ index }) => footer(index));
    await Promise.all(this.#targets.map(({ shard }) => shard.finish()));
    const failed = this.#targets.find(({ shard }) => !shard.isGood);
    return {
      rebuilt: this.#good.map(({ index }) => index),
      writtenBytes: this.#targets.reduce((sum, { shard }) => sum + shard.writtenBytes, 0),
      refusal: failed?.shard.error,
    };
  }

  /** Removes what has not taken its place. */
  async end(): Promise<void> {
    await Promise.all(this.#targets.map(({ shard }) => shard.abort()));
  }

  get #good(): readonly Target[] {
    return this.#targets.filter(({ shard }) => shard.isGood);
  }

  async #putEach(bytesFor: (target: Target) => Uint8Array): Promise<void> {
    await Promise.all(this.#good.map((target) => target.shard.put(bytesFor(target))));
  }

  async #run({ lead, run, isNamed }: PlannedRun): Promise<void> {
    await this.#putEach(() => lead);
    const count = stripeCount(run.set, run.set.sizeBytes);
    for (let first = 0; first < count; first += STRIPES_PER_WINDOW) {
      this.#requireGoing();
      const end = Math.min(first + STRIPES_PER_WINDOW, count);
      if (await this.#window(run, first, end)) continue;
      // Between them the shards may still have what each window lacks.
      for (let stripe = first; stripe < end; stripe += 1) {
        if (await this.#window(run, stripe, stripe + 1)) continue;
        const { shards } = this.#options;
        if (shards.hasAway) throw tooFew(shards, "fewer good shards than it takes");
        if (await isNamed()) throw new RepairFault("lost", "fewer good shards than it takes");
        await this.#gap(stripeAt(run.set, run.set.sizeBytes, stripe));
      }
    }
  }

  #requireGoing(): void {
    if (this.#options.signal?.aborted === true) throw new RepairFault("waits", "it was ended");
    if (this.#good.length > 0) return;
    const cause = this.#targets[0]?.shard.error;
    throw new RepairFault("refused", wordsOf(cause), { cause });
  }

  /** False when fewer than k shards have all of it. */
  async #window(run: RepairRun, first: number, end: number): Promise<boolean> {
    const { pace, shards } = this.#options;
    const sources = await shards.gather(run, { first, end });
    if (sources === undefined) return false;
    let writtenBytes = 0;
    try {
      for (let index = first; index < end; index += 1) {
        const stripe = stripeAt(run.set, run.set.sizeBytes, index);
        await this.#stripe(run, stripe, sources);
        writtenBytes += stripe.unitBytes * this.#good.length;
        await giveWay();
      }
    } finally {
      for (const blocks of sources.values()) blocks.release();
    }
    await pace(writtenBytes);
    return true;
  }

  async #stripe(run: RepairRun, stripe: Stripe, sources: StripeSources): Promise<void> {
    const { pools } = this.#options.context;
    const buffer = pools.acquire(shardCount(run.set) * run.set.unitBytes);
    try {
      const units = buffer.subarray(0, shardCount(run.set) * stripe.unitBytes);
      for (const [index, blocks] of sources) {
        unitOf(units, stripe, index).set(blocks.unit(stripe.index));
      }
      this.#compute(run, stripe, units, sources);
      for (const { index, shard, digest } of this.#good) {
        const unit = unitOf(units, stripe, index);
        const checksum = Buffer.allocUnsafe(BLOCK_CHECKSUM_BYTES);
        checksum.writeUInt32LE(blockChecksum(run.seed(index), stripe.index, unit));
        digest.update(checksum);
        await shard.put(unit);
        await shard.put(checksum);
      }
    } finally {
      pools.release(buffer);
    }
  }

  /** Fills all units of a stripe, and decodes them once more from another k. */
  #compute(run: RepairRun, stripe: Stripe, units: Uint8Array, sources: StripeSources): void {
    const { codec, pools } = this.#options.context;
    const { set } = run;
    const geometry = { ...set, unitBytes: stripe.unitBytes };
    const count = shardCount(set);
    const present = Array.from({ length: count }, (_, index) => sources.has(index));
    codec.reconstruct(units, geometry, present);
    const [dropped] = sources.keys();
    const taken = this.#targets.find(({ index }) => !sources.has(index));
    if (dropped === undefined || taken === undefined) return;
    const second = present.map((isThere, index) =>
      index === dropped ? false : isThere || index === taken.index,
    );
    const buffer = pools.acquire(count * set.unitBytes);
    try {
      const copy = buffer.subarray(0, units.length);
      copy.set(units);
      for (const [index, isThere] of second.entries()) {
        if (!isThere) unitOf(copy, stripe, index).fill(0);
      }
      codec.reconstruct(copy, geometry, second);
      if (Buffer.compare(copy, units) === 0) return;
    } finally {
      pools.release(buffer);
    }
    throw new RepairFault("disagrees", "its shards decode to different bytes");
  }

  /** Where a dead object was whose bytes nobody has: blocks that no read takes for good. */
  async #gap({ unitBytes }: Stripe): Promise<void> {
    this.#hasGaps = true;
    const block = Buffer.alloc(unitBytes + BLOCK_CHECKSUM_BYTES, 0xff);
    await this.#putEach(() => block);
  }

  #checkDigests(): void {
    const { digests } = this.#options.plan;
    if (digests === undefined) return;
    for (const { index, digest } of this.#good) {
      if (digest.digest("hex") === digests[index]) continue;
      throw new RepairFault("disagrees", `shard ${index} is not the one that its siblings name`);
    }
  }
}
