// Where erasure kernels find the units of stripes: in place, if the stripe lies in a memory for kernels; else in
// slots of a memory into which a slice of each unit is copied, and out of which the results are.

import { vectorMemoryOf } from "../util/vector-memory.ts";
import { createWasmMemory, WASM_PAGE_BYTES, type WasmMemory } from "../util/web-assembly.ts";
import { POINTERS_BYTES, type Kernel } from "./kernel.ts";
import { KERNEL_STEP_BYTES } from "./kernel-code.ts";

/** So much of each unit is copied at a time: the units that we write are no longer. */
const SLICE_BYTES = 64 * 1024;
/** Not a power of two: else the beginnings of all slots would compete for the same few lines of the processor's cache. */
const SLOT_BYTES = SLICE_BYTES + 192;

/** All units of a stripe, one after another. */
interface Units {
  readonly bytes: Uint8Array;
  readonly unitBytes: number;
}

export class KernelMemory {
  readonly #slots: WasmMemory = createWasmMemory(1);
  #slotBytes = new Uint8Array(this.#slots.buffer);

  /** Fills the outputs of the kernel's recipe by its inputs. */
  apply(kernel: Kernel, units: Units): void {
    const { bytes, unitBytes } = units;
    const home = vectorMemoryOf(bytes);
    if (home === undefined || unitBytes < KERNEL_STEP_BYTES)
      return this.#applyInSlots(kernel, units);
    kernel.run(home, unitBytes, (unit) => bytes.byteOffset + unit * unitBytes);
  }

  #applyInSlots(kernel: Kernel, { bytes, unitBytes }: Units): void {
    const { inputs, outputs } = kernel.recipe;
    this.#reserve(Math.max(...inputs, ...outputs) + 1);
    for (let from = 0; from < unitBytes; from += SLICE_BYTES) {
      const length = Math.min(SLICE_BYTES, unitBytes - from);
      for (const unit of inputs) {
        const start = unit * unitBytes + from;
        this.#slotBytes.set(bytes.subarray(start, start + length), slotOf(unit));
      }
      // Of a unit shorter than a step the kernel also makes what lies behind it in the slots, of which nothing is used.
      kernel.run(this.#slots, Math.max(length, KERNEL_STEP_BYTES), slotOf);
      for (const unit of outputs) {
        const result = this.#slotBytes.subarray(slotOf(unit), slotOf(unit) + length);
        bytes.set(result, unit * unitBytes + from);
      }
    }
  }

  #reserve(unitCount: number): void {
    const missingBytes = slotOf(unitCount) - this.#slotBytes.length;
    if (missingBytes <= 0) return;
    this.#slots.grow(Math.ceil(missingBytes / WASM_PAGE_BYTES));
    this.#slotBytes = new Uint8Array(this.#slots.buffer);
  }
}

function slotOf(unit: number): number {
  return POINTERS_BYTES + unit * SLOT_BYTES;
}
