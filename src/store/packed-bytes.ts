// The bytes of one object on their way into a pack, in memory: stripes in pooled buffers, which are acquired as the bytes
// come, so that a slow client holds what it has sent and one stripe more; where memory is scarce, what it has sent and
// nothing more. Parity is computed as stripes fill.

import { shardCount, stripeBytes } from "../erasure/geometry.ts";
import type { StoreContext } from "./store-context.ts";
import { StripeScraps } from "./stripe-scraps.ts";
import { StripeBatch, type FilledStripe } from "./stripe-batch.ts";

/** The smallest buffer holds so much data: there are few sizes, each of them a pool. */
const BUFFER_DATA_BYTES_MIN = 32 * 1024;

type BytesContext = Pick<StoreContext, "codec" | "geometry" | "limits" | "pools">;

export class PackedBytes {
  readonly #context: BytesContext;
  readonly #expectedBytes: number;
  readonly #buffers: Uint8Array[] = [];
  readonly #stripes: FilledStripe[] = [];
  readonly #scraps: StripeScraps;
  #batch: StripeBatch | undefined;
  #sizeBytes = 0;

  /** @param expectedBytes How many will come, as the client says. */
  constructor(context: BytesContext, expectedBytes: number) {
    this.#context = context;
    this.#expectedBytes = expectedBytes;
    this.#scraps = new StripeScraps(context.pools);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The stripes so far; all of them after `end`. */
  get stripes(): readonly FilledStripe[] {
    return this.#stripes;
  }

  /** Whether so many more bytes belong into a pack: not beyond its limit, nor where they need memory that is scarce. */
  admits(byteCount: number): boolean {
    const { geometry, limits, pools } = this.#context;
    const total = this.#sizeBytes + byteCount;
    if (total > Math.min(this.#expectedBytes, limits.packBytesMax)) return false;
    const isFirst = this.#buffers.length === 0;
    const isNewNeeded = Math.ceil(total / stripeBytes(geometry)) > this.#buffers.length;
    return isFirst || !isNewNeeded || !pools.isBusy;
  }

  /** @throws S3Error SlowDown when too many bytes are under way. */
  take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.#isGathering() ? this.#gather(rest) : this.#fill(rest);
      this.#sizeBytes += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Closes the last stripe. */
  end(): void {
    this.#useScraps();
    const stripe = this.#batch?.lastStripe();
    if (stripe !== undefined) this.#add(stripe);
  }

  /** The bytes themselves, in order; views of the buffers. */
  *data(): Generator<Uint8Array, void> {
    const full = stripeBytes(this.#context.geometry);
    let left = this.#sizeBytes;
    for (const buffer of this.#buffers) {
      yield buffer.subarray(0, Math.min(full, left));
      left -= full;
    }
    yield* this.#scraps.data();
  }

  /** Gives the buffers back; when a call that was given up may still read them, they are never used again. */
  release(isStuck = false): void {
    const { pools } = this.#context;
    this.#scraps.release();
    for (const buffer of this.#buffers.splice(0)) {
      if (isStuck) pools.abandon(buffer);
      else pools.release(buffer);
    }
  }

  #isGathering(): boolean {
    return this.#scraps.sizeBytes > 0 || (this.#batch === undefined && this.#context.pools.isBusy);
  }

  #gather(bytes: Uint8Array): number {
    const left = stripeBytes(this.#context.geometry) - this.#scraps.sizeBytes;
    const taken = Math.min(bytes.length, left);
    this.#scraps.take(bytes.subarray(0, taken), false);
    if (taken === left) this.#useScraps();
    return taken;
  }

  #useScraps(): void {
    const scraps = this.#scraps;
    if (scraps.sizeBytes === 0) return;
    const batch = this.#newBatch(scraps.sizeBytes);
    this.#batch = batch;
    for (const piece of scraps.data()) batch.fill(piece);
    scraps.release();
    const stripe = batch.completedStripe();
    if (stripe !== undefined) this.#add(stripe);
  }

  #fill(bytes: Uint8Array): number {
    const batch = (this.#batch ??= this.#newBatch(this.#expectedBytes - this.#sizeBytes));
    const taken = batch.fill(bytes);
    const stripe = batch.completedStripe();
    if (stripe !== undefined) this.#add(stripe);
    return taken;
  }

  #add(stripe: FilledStripe): void {
    this.#context.codec.encode(stripe.units, stripe.geometry);
    this.#stripes.push(stripe);
    this.#batch = undefined;
  }

  /** For so many bytes, or a stripe's. */
  #newBatch(dataBytes: number): StripeBatch {
    const { geometry, pools } = this.#context;
    const buffer = pools.acquire(bufferBytes(dataBytes, stripeBytes(geometry)) * spread(geometry));
    this.#buffers.push(buffer);
    return new StripeBatch(buffer, geometry);
  }
}

/** Data bytes of the buffer for the next stripe, where so many bytes are left: a power of two, or a full stripe. */
function bufferBytes(leftBytes: number, fullBytes: number): number {
  let sizeBytes = BUFFER_DATA_BYTES_MIN;
  while (sizeBytes < leftBytes && sizeBytes < fullBytes) sizeBytes *= 2;
  return Math.min(sizeBytes, fullBytes);
}

/** How many bytes a stripe has for each byte of data. */
function spread(geometry: Parameters<typeof shardCount>[0]): number {
  return shardCount(geometry) / geometry.dataShards;
}
