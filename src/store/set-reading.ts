// What one request learns about the shards of one set: which are bad, which are late. A bad shard is asked once and then
// left alone for the rest of the request; what is rotten or gone is noted in the metadata, for repair.

import { S3Error } from "../core/s3-error.ts";
import { ShardError } from "../datanode/shard-store.ts";
import { shardCount } from "../erasure/geometry.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { Drive } from "./drive.ts";
import type { SetRun } from "./set-run.ts";
import type { StoreContext } from "./store-context.ts";

/** How promising a shard is; lower is asked earlier. */
type Rank = "good" | "slow" | "away" | "missing";
const RANKS: readonly Rank[] = ["good", "slow", "away", "missing"];

export class SetReading {
  readonly context: StoreContext;
  /** As a run: see there. */
  readonly set: ShardSetRecord;
  readonly #seedOf: SetRun["seed"];
  readonly #drives: readonly (Drive | undefined)[];
  readonly #seeds: (number | undefined)[] = [];
  readonly #bad = new Map<number, unknown>();
  readonly #late = new Set<number>();

  constructor(context: StoreContext, { set, seed }: Pick<SetRun, "seed" | "set">) {
    this.context = context;
    this.set = set;
    this.#seedOf = seed;
    this.#drives = context.drives.locate(set.id, set.layoutVersion, shardCount(set));
  }

  drive(index: number): Drive | undefined {
    return this.#drives[index];
  }

  seed(index: number): number {
    return (this.#seeds[index] ??= this.#seedOf(index));
  }

  /** Whether nothing speaks against reading from this shard. */
  isPromising(index: number): boolean {
    return this.#rank(index) === "good";
  }

  /** Shards that may be tried, the most promising first; data before parity among equals. */
  candidates(): readonly number[] {
    const ranked = this.#drives.map((_, index) => ({ index, rank: this.#rank(index) }));
    return RANKS.flatMap((rank) =>
      ranked.filter((candidate) => candidate.rank === rank).map(({ index }) => index),
    );
  }

  /** A read of a shard is late that began when its drive had answered so many reads. */
  noteLate(index: number, readCountBefore: number): void {
    if (this.#drives[index]?.noteLate(readCountBefore) === true) this.#late.add(index);
  }

  noteBad(index: number, error: unknown): void {
    if (this.#bad.has(index)) return;
    this.#bad.set(index, error);
    const isLost = error instanceof ShardError && ["Corrupt", "NotFound"].includes(error.code);
    const { logger, lostShards } = this.context;
    const fields = { err: error, setId: this.set.id, shard: index };
    logger.warn(fields, "a shard could not be read");
    if (!isLost || this.set.missing.includes(index)) return;
    lostShards.note(this.set.id, index);
  }

  /** The error of a request that found fewer than k good shards: worth trying again where drives are away. */
  failure(): S3Error {
    const cause = new AggregateError([...this.#bad.values()], "too few good shards");
    const isAway = this.#drives.some((drive, index) => {
      const error = this.#bad.get(index);
      if (error === undefined) return drive === undefined || drive.isAway;
      return !(error instanceof ShardError) || !["Corrupt", "NotFound"].includes(error.code);
    });
    return new S3Error(isAway ? "ServiceUnavailable" : "InternalError", { cause });
  }

  #rank(index: number): Rank | undefined {
    const drive = this.#drives[index];
    if (drive === undefined || this.#bad.has(index)) return undefined;
    if (this.set.missing.includes(index)) return "missing";
    if (drive.isAway) return "away";
    return this.#late.has(index) || drive.isSlow ? "slow" : "good";
  }
}
