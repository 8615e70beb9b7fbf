// Whether the file of a shard is what it must be, all of it: read as it stands on its drive.

import { createHash } from "node:crypto";
import { setImmediate as giveWay } from "node:timers/promises";
import { BLOCK_CHECKSUM_BYTES } from "../../datanode/shard-format.ts";
import { ShardError } from "../../datanode/shard-store.ts";
import { shardUnitsBytes, stripeCount } from "../../erasure/stripe.ts";
import { callDrive } from "../call-drive.ts";
import type { Drive } from "../drive.ts";
import type { StoreContext } from "../store-context.ts";
import type { Pace } from "./pace.ts";
import type { SetPlan } from "./set-plan.ts";
import type { RepairRun, SetShards } from "./set-shards.ts";
import { windowAt } from "./shard-window.ts";

export interface CheckOptions {
  readonly context: StoreContext;
  readonly shards: SetShards;
  readonly plan: SetPlan;
  readonly pace: Pace;
  readonly signal: AbortSignal | undefined;
}

/**
 * "whole", or else "absent", "damaged"; "away" where its drive does not say, or the work was ended.
 */
export type ShardState = "absent" | "away" | "damaged" | "whole";

export async function checkShard(options: CheckOptions, index: number): Promise<ShardState> {
  const drive = options.shards.drives[index];
  if (drive === undefined) return "away";
  try {
    return (await new ShardReader(options, drive, index).isWhole()) ? "whole" : "damaged";
  } catch (error) {
    if (!(error instanceof ShardError)) throw error;
    // That the work was ended says nothing of the drive, which requests still use.
    if (options.signal?.aborted !== true) drive.noteError(error);
    if (error.code === "NotFound") return "absent";
    return error.code === "Corrupt" ? "damaged" : "away";
  }
}

class ShardReader {
  readonly #options: CheckOptions;
  readonly #drive: Drive;
  readonly #index: number;
  readonly #digest = createHash("sha256");
  #at = 0;
  /** Set where a dead object's bytes are bad: no digest holds then, and what was made anew has no footer. */
  #hasGaps = false;

  constructor(options: CheckOptions, drive: Drive, index: number) {
    this.#options = options;
    this.#drive = drive;
    this.#index = index;
  }

  /** @throws ShardError */
  async isWhole(): Promise<boolean> {
    const { plan, shards, signal } = this.#options;
    const name = { setId: shards.set.id, index: this.#index };
    const footer = plan.footer?.(this.#index);
    // Opens the file anew: one that was read before may be gone, and still be open.
    shards.forget(this.#index);
    const fileBytes = await this.#bounded(this.#drive.store.size(name));
    const wantedBytes = plan.endOffset + (footer?.length ?? 0);
    // Without a footer nobody says what stands behind the last object.
    if (fileBytes < plan.endOffset || (footer !== undefined && fileBytes > wantedBytes))
      return false;
    if (!(await this.#isNext(plan.header(this.#index)))) return false;
    for await (const { lead, run, isNamed } of plan.runs(shards)) {
      if (signal?.aborted === true) throw new ShardError("Unavailable", "the work was ended");
      if (!(await this.#isNext(lead))) return false;
      if (await this.#isRunWhole(run)) continue;
      if (await isNamed()) return false;
      this.#hasGaps = true;
      this.#at = endOf(run);
    }
    if (footer === undefined || this.#hasGaps) return true;
    if (fileBytes !== wantedBytes) return false;
    this.#at = plan.endOffset;
    return (
      this.#digest.digest("hex") === plan.digests?.[this.#index] && (await this.#isNext(footer))
    );
  }

  async #isNext(expected: Uint8Array): Promise<boolean> {
    if (expected.length === 0) return true;
    const bytes = new Uint8Array(expected.length);
    const place = { offset: this.#at, target: bytes };
    await this.#options.shards.readBytes(this.#index, this.#drive, place);
    this.#at += bytes.length;
    return Buffer.compare(bytes, expected) === 0;
  }

  async #isRunWhole(run: RepairRun): Promise<boolean> {
    const { context, pace, shards, signal } = this.#options;
    const count = stripeCount(run.set, run.set.sizeBytes);
    this.#at = run.set.headerBytes;
    for (let first = 0; first < count;) {
      if (signal?.aborted === true) throw new ShardError("Unavailable", "the work was ended");
      const stripes = windowAt(context, first, count);
      const window = await shards.read(run, this.#index, stripes);
      if (window === undefined) {
        if (shards.isReachable(this.#index)) return false;
        throw new ShardError("Unavailable", `${this.#drive.store.label} does not answer`);
      }
      for (let stripe = first; stripe < stripes.end; stripe += 1) {
        const block = window.block(this.#index, stripe);
        this.#digest.update(block.subarray(block.length - BLOCK_CHECKSUM_BYTES));
      }
      const readBytes = window.blocks(this.#index).length;
      window.release();
      this.#at += readBytes;
      first = stripes.end;
      await pace(readBytes);
      await giveWay();
    }
    return true;
  }

  #bounded<Value>(work: Promise<Value>): Promise<Value> {
    const deadlineMs = this.#options.context.limits.readDeadlineMs;
    return callDrive(this.#drive, work, { deadlineMs });
  }
}

/** Where the blocks of a run end in the file. */
function endOf({ set }: RepairRun): number {
  const checksums = stripeCount(set, set.sizeBytes) * BLOCK_CHECKSUM_BYTES;
  return set.headerBytes + shardUnitsBytes(set, set.sizeBytes) + checksums;
}
