// The bytes of one object on their way into a pack, in memory: stripes in pooled buffers, which are acquired as the bytes
// come, so that a slow client holds what it has sent and one stripe more; where memory is scarce, what it has sent and
// nothing more. Parity is computed as stripes fill.

import { shardCount, stripeBytes, unitBytesOf, type Geometry } from "../erasure/geometry.ts";
import { newGeometry } from "./new-geometry.ts";
import type { StoreContext } from "./store-context.ts";
import { StripeScraps } from "./stripe-scraps.ts";
import { StripeBatch, type FilledStripe } from "./stripe-batch.ts";

/** The smallest buffer holds so much data: there are few sizes, each of them a pool. */
const BUFFER_DATA_BYTES_MIN = 32 * 1024;

type BytesContext = Pick<StoreContext, "codec" | "drives" | "limits" | "pools">;

export class PackedBytes {
  readonly #context: BytesContext;
  readonly #expectedBytes: number;
  #geometry: Geometry;
  #buffers: Uint8Array[] = [];
  #stripes: FilledStripe[] = [];
  readonly #scraps: StripeScraps;
  #batch: StripeBatch | undefined;
  #sizeBytes = 0;

  /** @param expectedBytes How many will come, as the client says. */
  constructor(context: BytesContext, expectedBytes: number) {
    this.#context = context;
    this.#expectedBytes = expectedBytes;
    this.#geometry = newGeometry(context);
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
    const { limits, pools } = this.#context;
    const total = this.#sizeBytes + byteCount;
    if (total > Math.min(this.#expectedBytes, limits.packBytesMax)) return false;
    const isFirst = this.#buffers.length === 0;
    const isNewNeeded = Math.ceil(total / stripeBytes(this.#geometry)) > this.#buffers.length;
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

  /** Cuts what has ended anew, where the pack that it goes to is cut otherwise than new sets were when it began to come. */
  cutAs(geometry: Geometry, isStuck: boolean): void {
    const { dataShards, parityShards } = this.#geometry;
    if (dataShards === geometry.dataShards && parityShards === geometry.parityShards) return;
    const old = { data: [...this.data()], buffers: this.#buffers };
    this.#geometry = geometry;
    this.#buffers = [];
    this.#stripes = [];
    const sizeBytes = this.#sizeBytes;
    this.#sizeBytes = 0;
    for (const piece of old.data) {
      for (let at = 0; at < piece.length;) {
        const taken = this.#fill(piece.subarray(at), sizeBytes - this.#sizeBytes);
        this.#sizeBytes += taken;
        at += taken;
      }
    }
    this.end();
    this.#giveBack(old.buffers, isStuck);
  }

  /** The bytes themselves, in order; views of the buffers. */
  *data(): Generator<Uint8Array, void> {
    const full = stripeBytes(this.#geometry);
    let left = this.#sizeBytes;
    for (const buffer of this.#buffers) {
      yield buffer.subarray(0, Math.min(full, left));
      left -= full;
    }
    yield* this.#scraps.data();
  }

  /** Gives the buffers back; when a call that was given up may still read them, they are never used again. */
  release(isStuck = false): void {
    this.#scraps.release();
    this.#giveBack(this.#buffers.splice(0), isStuck);
  }

  #giveBack(buffers: readonly Uint8Array[], isStuck: boolean): void {
    const { pools } = this.#context;
    for (const buffer of buffers) {
      if (isStuck) pools.abandon(buffer);
      else pools.release(buffer);
    }
  }

  #isGathering(): boolean {
    return this.#scraps.sizeBytes > 0 || (this.#batch === undefined && this.#context.pools.isBusy);
  }

  #gather(bytes: Uint8Array): number {
    const left = stripeBytes(this.#geometry) - this.#scraps.sizeBytes;
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

  #fill(bytes: Uint8Array, leftBytes = this.#expectedBytes - this.#sizeBytes): number {
    const batch = (this.#batch ??= this.#newBatch(leftBytes));
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
    const { pools } = this.#context;
    const geometry = this.#geometry;
    const unitBytes = unitBytesOf(geometry, bufferBytes(dataBytes, stripeBytes(geometry)));
    const buffer = pools.acquire(unitBytes * shardCount(geometry));
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
