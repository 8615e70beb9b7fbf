// The bytes of one object on their way into a pack, in memory: stripes in pooled buffers, which are acquired as the bytes
// come, so that a slow client holds what it has sent and one stripe more. Parity is computed as stripes fill.

import { shardCount, stripeBytes } from "../erasure/geometry.ts";
import type { StoreContext } from "./store-context.ts";
import { StripeBatch, type FilledStripe } from "./stripe-batch.ts";

/** The smallest buffer holds so much data: there are few sizes, each of them a pool. */
const BUFFER_DATA_BYTES_MIN = 32 * 1024;

type BytesContext = Pick<StoreContext, "codec" | "geometry" | "limits" | "pools">;

export class PackedBytes {
  readonly #context: BytesContext;
  readonly #expectedBytes: number;
  readonly #buffers: Uint8Array[] = [];
  readonly #stripes: FilledStripe[] = [];
  #batch: StripeBatch | undefined;
  #sizeBytes = 0;

  /** @param expectedBytes How many will come, as the client says. */
  constructor(context: BytesContext, expectedBytes: number) {
    this.#context = context;
    this.#expectedBytes = expectedBytes;
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

  take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      this.#batch ??= this.#newBatch();
      const taken = this.#batch.fill(rest);
      this.#sizeBytes += taken;
      const stripe = this.#batch.completedStripe();
      if (stripe !== undefined) this.#add(stripe);
      rest = rest.subarray(taken);
    }
  }

  /** Closes the last stripe. */
  end(): void {
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
  }

  /** Gives the buffers back; when a call that was given up may still read them, they are never used again. */
  release(isStuck = false): void {
    const { pools } = this.#context;
    for (const buffer of this.#buffers.splice(0)) {
      if (isStuck) pools.abandon(buffer);
      else pools.release(buffer);
    }
  }

  #add(stripe: FilledStripe): void {
    this.#context.codec.encode(stripe.units, stripe.geometry);
    this.#stripes.push(stripe);
    this.#batch = undefined;
  }

  #newBatch(): StripeBatch {
    const { geometry, pools } = this.#context;
    const left = this.#expectedBytes - this.#sizeBytes;
    const buffer = pools.acquire(bufferBytes(left, stripeBytes(geometry)) * spread(geometry));
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
