// Consecutive blocks of one shard, read with one call into a pooled buffer and verified: what is in here is what was
// written. A buffer is never used again when a read that was given up may still fill it: only the drive's answer, be it
// the bytes or that there are none, says that nothing does.

import { BLOCK_CHECKSUM_BYTES, blockOffset, verifyBlock } from "../datanode/shard-format.ts";
import { ShardError } from "../datanode/shard-store.ts";
import type { Geometry } from "../erasure/geometry.ts";
import { stripeAt, type StripeRange } from "../erasure/stripe.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import { awakeTimeout } from "../util/awake-timeout.ts";
import type { BufferPools } from "./buffer-pools.ts";
import type { Drive } from "./drive.ts";
import { STRIPES_PER_WINDOW, type StoreContext } from "./store-context.ts";

export class ShardBlocks {
  readonly stripes: StripeRange;
  readonly #buffer: Uint8Array;
  readonly #pools: BufferPools;
  readonly #set: ShardSetRecord;

  constructor(buffer: Uint8Array, pools: BufferPools, set: ShardSetRecord, stripes: StripeRange) {
    this.#buffer = buffer;
    this.#pools = pools;
    this.#set = set;
    this.stripes = stripes;
  }

  covers(stripes: StripeRange): boolean {
    return this.stripes.first <= stripes.first && stripes.end <= this.stripes.end;
  }

  /** The shard's unit of a stripe. */
  unit(stripeIndex: number): Uint8Array {
    const block = this.block(stripeIndex);
    return block.subarray(0, block.length - BLOCK_CHECKSUM_BYTES);
  }

  /** Unit and checksum, as in the file. */
  block(stripeIndex: number): Uint8Array {
    const { unitBytes } = this.#set;
    const start = (stripeIndex - this.stripes.first) * (unitBytes + BLOCK_CHECKSUM_BYTES);
    const unit = stripeAt(this.#set, this.#set.sizeBytes, stripeIndex).unitBytes;
    return this.#buffer.subarray(start, start + unit + BLOCK_CHECKSUM_BYTES);
  }

  release(): void {
    this.#pools.release(this.#buffer);
  }
}

export interface BlocksToRead {
  readonly set: ShardSetRecord;
  readonly drive: Drive;
  readonly index: number;
  /** Of the shard: see `shardSeed`. */
  readonly seed: number;
  /** At most a window. */
  readonly stripes: StripeRange;
  /** Where the stripes end that are likely to be read next. */
  readonly aheadEnd?: number;
}

/**
 * Reads and verifies; wrong bytes are read once more from a file that is opened anew. Tells the drive's health how it
 * went. One promise beside the drive's own: a small object is four such reads.
 * @throws ShardError NotFound, Corrupt, Unavailable, ...
 */
export function readShardBlocks(context: StoreContext, wanted: BlocksToRead): Promise<ShardBlocks> {
  const { set, drive, index, stripes, aheadEnd = stripes.end } = wanted;
  const { clock, limits, pools } = context;
  const buffer = pools.acquire(bufferBytes(set, stripes));
  const target = buffer.subarray(0, blocksBytes(set, stripes));
  const { first, end } = stripes;
  const aheadBytes =
    aheadEnd === end ? 0 : blocksBytes(set, { first, end: aheadEnd }) - target.length;
  const offset = blockOffset(set.headerBytes, set.unitBytes, first);
  const startedAt = clock.monotonic();
  const name = { setId: set.id, index };
  return new Promise((resolve, reject) => {
    let isLate = false;
    let isSecond = false;
    const fail = (error: unknown, isFree: boolean): void => {
      drive.noteError(error);
      if (isFree) pools.release(buffer);
      else pools.abandon(buffer);
      reject(error);
    };
    const deadline = awakeTimeout(limits.readDeadlineMs, () => {
      isLate = true;
      fail(new ShardError("Unavailable", `${drive.store.label} missed its deadline`), false);
    });
    const onRead = (): void => {
      if (isLate) return;
      try {
        const blocks = new ShardBlocks(buffer, pools, set, stripes);
        const wrong = firstWrong(blocks, wanted);
        if (wrong !== undefined && !isSecond && drive.store.forget !== undefined) {
          // What was open may be the file before the one that stands there now.
          isSecond = true;
          drive.store.forget(name);
          read();
          return;
        }
        deadline.cancel();
        drive.latency.add(clock.monotonic() - startedAt);
        drive.noteGood();
        drive.noteRead();
        if (wrong === undefined) resolve(blocks);
        else fail(wrong, true);
      } catch (error) {
        deadline.cancel();
        fail(error, true);
      }
    };
    const onError = (error: unknown): void => {
      deadline.cancel();
      if (!isLate) fail(error, isAnswer(error));
    };
    const read = (): void =>
      void drive.store.read(name, offset, target, aheadBytes).then(onRead, onError);
    read();
  });
}

/** Undefined where every block is what was written. */
function firstWrong(blocks: ShardBlocks, wanted: BlocksToRead): ShardError | undefined {
  const { drive, index, seed, stripes } = wanted;
  for (let stripe = stripes.first; stripe < stripes.end; stripe += 1) {
    if (verifyBlock(seed, stripe, blocks.block(stripe))) continue;
    return new ShardError("Corrupt", `block ${stripe} of shard ${index} on ${drive.store.label}`);
  }
  return undefined;
}

/** Any other error may be a deadline, ours or the disk's, behind which the kernel goes on with the call. */
function isAnswer(error: unknown): boolean {
  return error instanceof ShardError && ["Corrupt", "NotFound"].includes(error.code);
}

/** Two sizes for each geometry: one block, or a window of them. */
function bufferBytes(geometry: Geometry, { first, end }: StripeRange): number {
  const blockBytes = geometry.unitBytes + BLOCK_CHECKSUM_BYTES;
  return end - first === 1 ? blockBytes : STRIPES_PER_WINDOW * blockBytes;
}

function blocksBytes(set: ShardSetRecord, { first, end }: StripeRange): number {
  const full = (end - first - 1) * (set.unitBytes + BLOCK_CHECKSUM_BYTES);
  return full + stripeAt(set, set.sizeBytes, end - 1).unitBytes + BLOCK_CHECKSUM_BYTES;
}
