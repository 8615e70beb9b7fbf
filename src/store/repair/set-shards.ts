// The shards of one set as repair reads them. A shard with a bad block is not given up: its other blocks may be what another
// stripe needs; it is only asked last. What is found rotten or gone is noted in the metadata.

import { ShardError } from "../../datanode/shard-store.ts";
import { shardCount } from "../../erasure/geometry.ts";
import type { StripeRange } from "../../erasure/stripe.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import type { Drive } from "../drive.ts";
import type { SetRun } from "../set-run.ts";
import { readShardBlocks, type ShardBlocks } from "../shard-blocks.ts";
import type { StoreContext } from "../store-context.ts";

/** Bytes of a set that lie together in each of its shards. */
export type RepairRun = Pick<SetRun, "seed" | "set">;

/** Verified blocks of k shards, by index. */
export type StripeSources = ReadonlyMap<number, ShardBlocks>;

export class SetShards {
  readonly set: ShardSetRecord;
  readonly drives: readonly (Drive | undefined)[];
  readonly #context: StoreContext;
  /** Asked last: noted as missing, or with a bad block somewhere. */
  readonly #doubtful: Set<number>;
  readonly #gone = new Set<number>();
  readonly #away = new Set<number>();
  readonly #noted: Set<number>;

  /** `drives`: where its shards are read, and made anew; those of its layout, where nothing is given. */
  constructor(
    context: StoreContext,
    set: ShardSetRecord,
    drives = context.drives.locate(set.id, set.layoutVersion, shardCount(set)),
  ) {
    this.#context = context;
    this.set = set;
    this.drives = drives;
    this.#doubtful = new Set(set.missing);
    this.#noted = new Set(set.missing);
    for (const [index, drive] of this.drives.entries()) {
      if (drive === undefined || drive.isAway) this.#away.add(index);
    }
  }

  /** Whether a drive that may have a good shard of it did not answer. */
  get hasAway(): boolean {
    return [...this.#away].some((index) => !this.set.missing.includes(index));
  }

  isReachable(index: number): boolean {
    return !this.#away.has(index);
  }

  /** Judges an error of a shard. */
  note(index: number, error: unknown): void {
    const isLost = error instanceof ShardError && ["Corrupt", "NotFound"].includes(error.code);
    if (!isLost) {
      this.#away.add(index);
      return;
    }
    if (error.code === "NotFound") this.#gone.add(index);
    this.#doubtful.add(index);
    if (this.#noted.has(index)) return;
    this.#noted.add(index);
    const fields = { err: error, setId: this.set.id, shard: index };
    this.#context.logger.warn(fields, "a shard is lost");
    this.#context.lostShards.note(this.set.id, index);
  }

  /**
   * The blocks of k shards in a window of stripes; undefined when so many cannot be had. They are to be released.
   * Hedging is of no use here: nobody waits.
   */
  async gather(run: RepairRun, stripes: StripeRange): Promise<StripeSources | undefined> {
    const blocks = new Map<number, ShardBlocks>();
    const failed = new Set<number>();
    for (;;) {
      const wanted = this.#candidates()
        .filter((index) => !blocks.has(index) && !failed.has(index))
        .slice(0, run.set.dataShards - blocks.size);
      if (wanted.length === 0) break;
      await Promise.all(
        wanted.map(async (index) => {
          const read = await this.read(run, index, stripes);
          if (read === undefined) failed.add(index);
          else blocks.set(index, read);
        }),
      );
    }
    if (blocks.size >= run.set.dataShards) return blocks;
    for (const each of blocks.values()) each.release();
    return undefined;
  }

  /** Undefined when they are not there, or not what was written. */
  async read(
    run: RepairRun,
    index: number,
    stripes: StripeRange,
  ): Promise<ShardBlocks | undefined> {
    const drive = this.drives[index];
    if (drive === undefined) return undefined;
    try {
      const { set, seed } = run;
      return await readShardBlocks(this.#context, {
        set,
        drive,
        index,
        seed: seed(index),
        stripes,
      });
    } catch (error) {
      this.note(index, error);
      return undefined;
    }
  }

  #candidates(): readonly number[] {
    const there = this.drives.flatMap((drive, index) =>
      drive === undefined || this.#away.has(index) || this.#gone.has(index) ? [] : [index],
    );
    const isDoubtful = (index: number): boolean => this.#doubtful.has(index);
    return [...there.filter((index) => !isDoubtful(index)), ...there.filter(isDoubtful)];
  }
}
