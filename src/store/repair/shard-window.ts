// A window of stripes as repair works on it: one buffer with an area for each shard, in which its blocks stand as in its file.
// What is read, computed and written is never copied. The buffer goes back when the last who uses it is done with it.

import { BLOCK_CHECKSUM_BYTES, blockChecksum, verifyBlock } from "../../datanode/shard-format.ts";
import { stripeAt, type StripeRange } from "../../erasure/stripe.ts";
import { vectorMemoryOf } from "../../util/vector-memory.ts";
import type { WasmMemory } from "../../util/web-assembly.ts";
import type { StoreContext } from "../store-context.ts";
import { acquireBuffer, releaseBuffer } from "./repair-buffers.ts";
import type { RepairRun } from "./set-shards.ts";

/** Stripes of a window: more cost memory, fewer cost calls of drives. */
const WINDOW_STRIPES = 16;
/** Of small objects, and where memory is scarce. */
const SMALL_WINDOW_STRIPES = 2;

/** The stripes that begin at `first` and make a window of a run. */
export function windowAt(
  { pools }: Pick<StoreContext, "pools">,
  first: number,
  stripes: number,
): StripeRange {
  const most = pools.isBusy ? SMALL_WINDOW_STRIPES : WINDOW_STRIPES;
  return { first, end: Math.min(first + most, stripes) };
}

export class ShardWindow {
  readonly run: RepairRun;
  readonly stripes: StripeRange;
  /** The shards whose blocks were read, and are what was written. */
  readonly present = new Set<number>();
  /** The memory for kernels that it lies in, if it does. */
  readonly memory: WasmMemory | undefined;
  readonly #context: StoreContext;
  readonly #buffer: Uint8Array;
  /** The shards that have an area, in the order of their areas. */
  readonly #owners: readonly number[];
  readonly #areaBytes: number;
  /** By shard. */
  readonly #seeds: (number | undefined)[] = [];
  #userCount = 1;
  #isSafe = true;

  /** `scratchCount`: areas for one unit each, for what is only compared. */
  constructor(
    context: StoreContext,
    run: RepairRun,
    stripes: StripeRange,
    areas: { readonly owners: readonly number[]; readonly scratchCount: number },
  ) {
    const { unitBytes } = run.set;
    const isSmall = stripes.end - stripes.first <= SMALL_WINDOW_STRIPES;
    this.run = run;
    this.stripes = stripes;
    this.#context = context;
    this.#owners = areas.owners;
    this.#areaBytes =
      (isSmall ? SMALL_WINDOW_STRIPES : WINDOW_STRIPES) * (unitBytes + BLOCK_CHECKSUM_BYTES);
    const sizeBytes = areas.owners.length * this.#areaBytes + areas.scratchCount * unitBytes;
    this.#buffer = acquireBuffer(context, sizeBytes);
    this.memory = vectorMemoryOf(this.#buffer);
  }

  /** Whether no call that was given up may still write to it. */
  get isSafe(): boolean {
    return this.#isSafe;
  }

  noteUnsafe(): void {
    this.#isSafe = false;
  }

  /** All blocks of a shard, as in its file. */
  blocks(index: number): Uint8Array {
    const { first, end } = this.stripes;
    const { unitBytes } = this.run.set;
    const full = (end - first - 1) * (unitBytes + BLOCK_CHECKSUM_BYTES);
    const start = this.#areaAt(index);
    const last = this.unitBytes(end - 1) + BLOCK_CHECKSUM_BYTES;
    return this.#buffer.subarray(start, start + full + last);
  }

  /** Unit and checksum. */
  block(index: number, stripe: number): Uint8Array {
    const at = (stripe - this.stripes.first) * (this.run.set.unitBytes + BLOCK_CHECKSUM_BYTES);
    const start = this.#areaAt(index) + at;
    return this.#buffer.subarray(start, start + this.unitBytes(stripe) + BLOCK_CHECKSUM_BYTES);
  }

  unit(index: number, stripe: number): Uint8Array {
    const block = this.block(index, stripe);
    return block.subarray(0, block.length - BLOCK_CHECKSUM_BYTES);
  }

  /** Where in the memory a unit begins. */
  addressOf(index: number, stripe: number): number {
    const at = (stripe - this.stripes.first) * (this.run.set.unitBytes + BLOCK_CHECKSUM_BYTES);
    return this.#buffer.byteOffset + this.#areaAt(index) + at;
  }

  scratchAddress(nth: number): number {
    return this.#buffer.byteOffset + this.#scratchAt(nth);
  }

  scratch(nth: number, stripe: number): Uint8Array {
    const start = this.#scratchAt(nth);
    return this.#buffer.subarray(start, start + this.unitBytes(stripe));
  }

  unitBytes(stripe: number): number {
    const { set } = this.run;
    return stripeAt(set, set.sizeBytes, stripe).unitBytes;
  }

  /** The first block of a shard that is not what was written there; undefined where all are. */
  firstWrong(index: number): number | undefined {
    for (let stripe = this.stripes.first; stripe < this.stripes.end; stripe += 1) {
      if (!this.isRight(index, stripe)) return stripe;
    }
    return undefined;
  }

  /** Whether a block is what was written there. */
  isRight(index: number, stripe: number): boolean {
    return verifyBlock(this.#seed(index), stripe, this.block(index, stripe));
  }

  /** Puts the checksum behind a unit that was computed. */
  seal(index: number, stripe: number): void {
    const block = this.block(index, stripe);
    const unitBytes = block.length - BLOCK_CHECKSUM_BYTES;
    const checksum = blockChecksum(this.#seed(index), stripe, block.subarray(0, unitBytes));
    new DataView(block.buffer, block.byteOffset + unitBytes).setUint32(0, checksum, true);
  }

  checksum(index: number, stripe: number): Uint8Array {
    const block = this.block(index, stripe);
    return block.subarray(block.length - BLOCK_CHECKSUM_BYTES);
  }

  /** One more uses it. */
  hold(): void {
    this.#userCount += 1;
  }

  release(): void {
    this.#userCount -= 1;
    if (this.#userCount === 0) releaseBuffer(this.#context, this.#buffer, this.#isSafe);
  }

  #scratchAt(nth: number): number {
    return this.#owners.length * this.#areaBytes + nth * this.run.set.unitBytes;
  }

  #seed(index: number): number {
    return (this.#seeds[index] ??= this.run.seed(index));
  }

  #areaAt(index: number): number {
    return this.#owners.indexOf(index) * this.#areaBytes;
  }
}
