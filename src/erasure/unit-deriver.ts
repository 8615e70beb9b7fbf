// Single units of a stripe from any k others, wherever they lie in one memory: what repair needs, which makes one or two units
// of a stripe anew and has no use for the rest. A kernel is made for each choice of units when it is first asked for.

import { vectorMemoryOf } from "../util/vector-memory.ts";
import type { WasmMemory } from "../util/web-assembly.ts";
import { derivingRecipe } from "./coding-matrix.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import { shardCount, type Geometry } from "./geometry.ts";
import { Kernel } from "./kernel.ts";
import { KERNEL_STEP_BYTES } from "./kernel-code.ts";

/** Which units are there, and which are to be made. */
export interface Derivation {
  /** k of them. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** By the number of each unit; those that are to be made too, whose bytes are overwritten. All are of the same size. */
export type Units = ReadonlyMap<number, Uint8Array>;

/** One for each pair of drives that is lost, and each choice of what is read instead. */
const KERNELS_MAX = 128;

const kernels = new Map<string, Kernel>();

/** Fills units from others: in place where they lie in one buffer of the codec, else it restores the whole stripe. */
export function deriveUnits(
  codec: ErasureCodec,
  geometry: Geometry,
  { inputs, outputs }: Derivation,
  units: Units,
): void {
  const [first] = units.values();
  const unitBytes = first?.length ?? 0;
  const memory = commonMemory(units);
  if (memory !== undefined && unitBytes >= KERNEL_STEP_BYTES) {
    const kernel = derivingKernel(geometry, { inputs, outputs });
    kernel.run(memory, unitBytes, (unit) => units.get(unit)?.byteOffset ?? 0);
    return;
  }
  const stripe = Buffer.alloc(shardCount(geometry) * unitBytes);
  for (const index of inputs) stripe.set(units.get(index) ?? [], index * unitBytes);
  const present = Array.from({ length: shardCount(geometry) }, (_, at) => inputs.includes(at));
  codec.reconstruct(stripe, geometry, present);
  for (const index of outputs) {
    units.get(index)?.set(stripe.subarray(index * unitBytes, (index + 1) * unitBytes));
  }
}

/** What makes them where all units lie in one memory. */
export function derivingKernel(
  geometry: Pick<Geometry, "dataShards" | "parityShards">,
  { inputs, outputs }: Derivation,
): Kernel {
  const { dataShards, parityShards } = geometry;
  const name = `${dataShards}+${parityShards} ${inputs.join()} ${outputs.join()}`;
  const kernel = kernels.get(name) ?? new Kernel(derivingRecipe(geometry, inputs, outputs));
  // The one used last stands last; the first one goes.
  kernels.delete(name);
  kernels.set(name, kernel);
  const [oldest] = kernels.keys();
  if (kernels.size > KERNELS_MAX && oldest !== undefined) kernels.delete(oldest);
  return kernel;
}

function commonMemory(units: Units): WasmMemory | undefined {
  const found = new Set([...units.values()].map(vectorMemoryOf));
  const [memory] = found;
  return found.size === 1 ? memory : undefined;
}
