// Reed-Solomon by a kernel that is made for each matrix of factors when it is first asked for: the bytes of the library,
// many times as fast (docs/decisions/0013).

import { allocateVector } from "../util/vector-memory.ts";
import { encodingRecipe, restoringRecipe } from "./coding-matrix.ts";
import { isAnyAbsent, unitBytesIn } from "./codec-input.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import type { Geometry } from "./geometry.ts";
import { Kernel } from "./kernel.ts";
import { KernelMemory } from "./kernel-memory.ts";

/**
 * Kernels for losses are kept for so many patterns: all that reading from the 8 of 8+4 can meet, 495, each of 70 KiB. One
 * is made in milliseconds, in which nothing else goes on: too long to do so again and again.
 */
const RESTORERS_MAX = 512;

/** @throws when the engine has no vectors, or no room for the kernel's memory. */
export function createSimdCodec(): ErasureCodec {
  return new SimdCodec();
}

class SimdCodec implements ErasureCodec {
  readonly #memory = new KernelMemory();
  readonly #encoders = new Map<string, Kernel>();
  readonly #restorers = new Map<string, Kernel>();

  encode(stripe: Uint8Array, geometry: Geometry): void {
    if (geometry.parityShards === 0 || stripe.length === 0) return;
    const unitBytes = unitBytesIn(stripe, geometry);
    this.#memory.apply(this.#encoder(geometry), { bytes: stripe, unitBytes });
  }

  reconstruct(stripe: Uint8Array, geometry: Geometry, present: readonly boolean[]): void {
    if (!isAnyAbsent(present, geometry) || stripe.length === 0) return;
    const unitBytes = unitBytesIn(stripe, geometry);
    const { dataShards } = geometry;
    if (present.slice(0, dataShards).includes(false)) {
      this.#memory.apply(this.#restorer(geometry, present), { bytes: stripe, unitBytes });
    }
    // Parity from data is one kernel, whatever is lost; parity from what is there would be one for each loss.
    if (present.slice(dataShards).includes(false)) this.encode(stripe, geometry);
  }

  allocate(sizeBytes: number): Uint8Array {
    return allocateVector(sizeBytes);
  }

  #encoder(geometry: Geometry): Kernel {
    const { dataShards, parityShards } = geometry;
    const name = `${dataShards}+${parityShards}`;
    let kernel = this.#encoders.get(name);
    if (kernel === undefined) {
      kernel = new Kernel(encodingRecipe(geometry));
      this.#encoders.set(name, kernel);
    }
    return kernel;
  }

  #restorer(geometry: Geometry, present: readonly boolean[]): Kernel {
    const name = `${geometry.dataShards} ${present.map(Number).join("")}`;
    const kernel = this.#restorers.get(name) ?? new Kernel(restoringRecipe(geometry, present));
    // The one used last stands last; the first one goes.
    this.#restorers.delete(name);
    this.#restorers.set(name, kernel);
    const [oldest] = this.#restorers.keys();
    if (this.#restorers.size > RESTORERS_MAX && oldest !== undefined) {
      this.#restorers.delete(oldest);
    }
    return kernel;
  }
}
