// Makes shards of a set anew from any k that are good, a window of stripes at a time, so that memory does not grow with the
// size; while one is computed the next is read, and the one before is written. What is computed is checked before it is written: each stripe is decoded a second time, from another k that the
// new shard is among, and must give the same; and the digest of the new shard must be the one that the footers of its
// siblings name. Only then does it take its place.

import { createHash, type Hash } from "node:crypto";
import { setImmediate as giveWay } from "node:timers/promises";
import { BLOCK_CHECKSUM_BYTES } from "../../datanode/shard-format.ts";
import { stripeAt, stripeCount, type Stripe, type StripeRange } from "../../erasure/stripe.ts";
import type { CheckOptions } from "./check-shard.ts";
import { decodeWindow } from "./decode-window.ts";
import { NewShard } from "./new-shard.ts";
import { RepairFault, wordsOf } from "./repair-fault.ts";
import { tooFew, type PlannedRun } from "./set-plan.ts";
import type { RepairRun } from "./set-shards.ts";
import { windowAt, type ShardWindow } from "./shard-window.ts";

interface Target {
  readonly index: number;
  readonly shard: NewShard;
  readonly digest: Hash;
}

/** A window that is being read. */
interface Gathering {
  readonly stripes: StripeRange;
  readonly gathering: Promise<ShardWindow | undefined>;
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
    const { plan, shards, signal } = this.#options;
    // It may have waited for its turn.
    if (signal?.aborted === true) throw new RepairFault("waits", "it was ended");
    await Promise.all(this.#targets.map(({ shard }) => shard.open()));
    await this.#putEach(({ index }) => plan.header(index));
    for await (const planned of plan.runs(shards)) await this.#run(planned);
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

  async #run(planned: PlannedRun): Promise<void> {
    const { run } = planned;
    await this.#putEach(() => planned.lead);
    const count = stripeCount(run.set, run.set.sizeBytes);
    let next = count === 0 ? undefined : this.#gather(run, 0, count);
    try {
      while (next !== undefined) {
        this.#requireGoing();
        const { stripes, gathering } = next;
        const window = await gathering;
        next = stripes.end < count ? this.#gather(run, stripes.end, count) : undefined;
        if (window === undefined) await this.#singly(planned, stripes);
        else if (!(await this.#window(window, "unchecked"))) await this.#again(planned, stripes);
      }
    } finally {
      // Read ahead, and not used any more.
      (await next?.gathering)?.release();
    }
  }

  #gather(run: RepairRun, first: number, count: number): Gathering {
    const { context, shards } = this.#options;
    const stripes = windowAt(context, first, count);
    const gathering = shards.gather(run, stripes, "unchecked");
    // It is looked at later; until then its error is nobody's.
    gathering.catch(() => undefined);
    return { stripes, gathering };
  }

  /** Something that was read is not what was written: which shard that is, is found out, and others are asked. */
  async #again(planned: PlannedRun, stripes: StripeRange): Promise<void> {
    const window = await this.#options.shards.gather(planned.run, stripes, "checked");
    if (window === undefined) await this.#singly(planned, stripes);
    else await this.#window(window, "checked");
  }

  /** Between them the shards may still have, stripe by stripe, what a window lacks. */
  async #singly({ run, isNamed }: PlannedRun, { first, end }: StripeRange): Promise<void> {
    const { shards } = this.#options;
    for (let stripe = first; stripe < end; stripe += 1) {
      this.#requireGoing();
      const window = await shards.gather(run, { first: stripe, end: stripe + 1 }, "checked");
      if (window === undefined) {
        if (shards.hasAway) throw tooFew(shards, "fewer good shards than it takes");
        if (await isNamed()) throw new RepairFault("lost", "fewer good shards than it takes");
        await this.#gap(stripeAt(run.set, run.set.sizeBytes, stripe));
      } else await this.#window(window, "checked");
    }
  }

  #requireGoing(): void {
    if (this.#options.signal?.aborted === true) throw new RepairFault("waits", "it was ended");
    if (this.#good.length > 0) return;
    const cause = this.#targets[0]?.shard.error;
    throw new RepairFault("refused", wordsOf(cause), { cause });
  }

  /** Computes what is lost of a window, and hands it to the drives; the window is theirs then. @returns false: not so. */
  async #window(window: ShardWindow, how: "checked" | "unchecked"): Promise<boolean> {
    const { codec } = this.#options.context;
    const { first, end } = window.stripes;
    const lost = this.#targets.map(({ index }) => index);
    try {
      if (!decodeWindow(codec, window, lost, how === "checked")) return false;
      for (const { index, digest } of this.#good) {
        for (let stripe = first; stripe < end; stripe += 1) {
          digest.update(window.checksum(index, stripe));
        }
      }
      await this.#putWindow(window);
    } finally {
      window.release();
    }
    await giveWay();
    return true;
  }

  async #putWindow(window: ShardWindow): Promise<void> {
    let writtenBytes = 0;
    await Promise.all(
      this.#good.map(({ index, shard }) => {
        const blocks = window.blocks(index);
        writtenBytes += blocks.length;
        window.hold();
        return shard.put(blocks, (isSafe) => {
          if (!isSafe) window.noteUnsafe();
          window.release();
        });
      }),
    );
    await this.#options.pace(writtenBytes);
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
