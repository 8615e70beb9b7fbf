// A few stripes that are filled with an object's bytes and then written together: one buffer of stripes one after
// another, each of k+m units. Incoming bytes are copied once, to where they stay until the drives have them.

import { stripeBytes, unitBytesOf, type Geometry } from "../erasure/geometry.ts";

export interface FilledStripe {
  /** k+m units of equal size, the first k filled and padded with zeros. */
  readonly units: Uint8Array;
  readonly geometry: Geometry;
}

export class StripeBatch {
  readonly buffer: Uint8Array;
  readonly #geometry: Geometry;
  readonly #stripeBytes: number;
  /** Size of a full stripe with its parity. */
  readonly #stride: number;
  readonly #capacityBytes: number;
  #filledBytes = 0;

  constructor(buffer: Uint8Array, geometry: Geometry) {
    this.buffer = buffer;
    this.#geometry = geometry;
    this.#stripeBytes = stripeBytes(geometry);
    this.#stride = this.#stripeBytes + geometry.parityShards * geometry.unitBytes;
    this.#capacityBytes = (buffer.length / this.#stride) * this.#stripeBytes;
  }

  get isFull(): boolean {
    return this.#filledBytes === this.#capacityBytes;
  }

  /** Takes bytes up to the end of the current stripe; returns how many. */
  fill(bytes: Uint8Array): number {
    const within = this.#filledBytes % this.#stripeBytes;
    const taken = Math.min(bytes.length, this.#stripeBytes - within);
    this.buffer.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#at(within));
    this.#filledBytes += taken;
    return taken;
  }

  /** The stripe that the last `fill` completed, if it did. */
  completedStripe(): FilledStripe | undefined {
    if (this.#filledBytes === 0 || this.#filledBytes % this.#stripeBytes !== 0) return undefined;
    const end = (this.#filledBytes / this.#stripeBytes) * this.#stride;
    return { units: this.buffer.subarray(end - this.#stride, end), geometry: this.#geometry };
  }

  /** The last, partly filled stripe of the object, cut into k equal units; undefined when there is none. */
  lastStripe(): FilledStripe | undefined {
    const dataBytes = this.#filledBytes % this.#stripeBytes;
    if (dataBytes === 0) return undefined;
    const { dataShards, parityShards } = this.#geometry;
    const unitBytes = unitBytesOf(this.#geometry, dataBytes);
    const start = this.#at(0);
    // Parity must not depend on what a reused buffer held before.
    this.buffer.fill(0, start + dataBytes, start + dataShards * unitBytes);
    const end = start + (dataShards + parityShards) * unitBytes;
    return {
      units: this.buffer.subarray(start, end),
      geometry: { dataShards, parityShards, unitBytes },
    };
  }

  #at(within: number): number {
    return Math.floor(this.#filledBytes / this.#stripeBytes) * this.#stride + within;
  }
}
