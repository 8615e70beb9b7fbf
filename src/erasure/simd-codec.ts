// Reed-Solomon by a kernel that is made for each matrix of factors when it is first asked for: the bytes of the library,
// some twenty times as fast.

import { encodingRecipe, restoringRecipe, type Recipe } from "./coding-matrix.ts";
import { isAnyAbsent, unitBytesIn } from "./codec-input.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import { shardCount, type Geometry } from "./geometry.ts";
import { kernelCode } from "./kernel-code.ts";
import { KernelMemory, type KernelRun } from "./kernel-memory.ts";

/** Kernels for losses are kept for so many patterns: all of 4+2, and those of 8+4 that two lost drives make. */
const RESTORERS_MAX = 128;

interface Kernel {
  readonly recipe: Recipe;
  readonly run: KernelRun;
}

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
    this.#apply(this.#encoder(geometry), stripe, unitBytes);
  }

  reconstruct(stripe: Uint8Array, geometry: Geometry, present: readonly boolean[]): void {
    if (!isAnyAbsent(present, geometry) || stripe.length === 0) return;
    const unitBytes = unitBytesIn(stripe, geometry);
    const { dataShards } = geometry;
    if (present.slice(0, dataShards).includes(false)) {
      this.#apply(this.#restorer(geometry, present), stripe, unitBytes);
    }
    // Parity from data is one kernel, whatever is lost; parity from what is there would be one for each loss.
    if (present.slice(dataShards).includes(false)) this.encode(stripe, geometry);
  }

  #apply({ recipe, run }: Kernel, stripe: Uint8Array, unitBytes: number): void {
    this.#memory.apply(run, recipe, { bytes: stripe, unitBytes });
  }

  #encoder(geometry: Geometry): Kernel {
    const { dataShards, parityShards } = geometry;
    const name = `${dataShards}+${parityShards}`;
    let kernel = this.#encoders.get(name);
    if (kernel === undefined) {
      kernel = this.#build(encodingRecipe(geometry), geometry);
      this.#encoders.set(name, kernel);
    }
    return kernel;
  }

  #restorer(geometry: Geometry, present: readonly boolean[]): Kernel {
    const name = `${geometry.dataShards} ${present.map(Number).join("")}`;
    const kernel =
      this.#restorers.get(name) ?? this.#build(restoringRecipe(geometry, present), geometry);
    // The one used last stands last; the first one goes.
    this.#restorers.delete(name);
    this.#restorers.set(name, kernel);
    const [oldest] = this.#restorers.keys();
    if (this.#restorers.size > RESTORERS_MAX && oldest !== undefined) {
      this.#restorers.delete(oldest);
    }
    return kernel;
  }

  #build(recipe: Recipe, geometry: Geometry): Kernel {
    this.#memory.reserve(shardCount(geometry));
    return { recipe, run: this.#memory.load(kernelCode(recipe.rows)) };
  }
}
