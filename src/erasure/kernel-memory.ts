// The memory in which erasure kernels work: one slot for each unit of a stripe, in which a slice of it is put.

import { assert } from "../util/assert.ts";
import {
  compileWasm,
  createWasmMemory,
  instantiateWasm,
  WASM_PAGE_BYTES,
  type WasmMemory,
} from "../util/web-assembly.ts";
import type { Recipe } from "./coding-matrix.ts";
import { KERNEL_STEP_BYTES } from "./kernel-code.ts";

/** A kernel: see `kernelCode`. */
export type KernelRun = (pointers: number, length: number) => void;

/** So much of each unit is worked on at a time: the units that we write are no longer. */
const SLICE_BYTES = 64 * 1024;
/** Not a power of two: else the beginnings of all slots would compete for the same few lines of the processor's cache. */
const SLOT_BYTES = SLICE_BYTES + 192;
/** At 0 stand the pointers, four bytes for each unit; a code has at most 256. */
const SLOTS_START = 1024;

interface Units {
  /** All units of a stripe, one after another. */
  readonly bytes: Uint8Array;
  readonly unitBytes: number;
}

export class KernelMemory {
  readonly #memory: WasmMemory = createWasmMemory(1);
  #bytes = new Uint8Array(this.#memory.buffer);
  #pointers = new Uint32Array(this.#memory.buffer, 0, SLOTS_START / 4);

  /** Makes room for stripes of so many units. */
  reserve(unitCount: number): void {
    const missingBytes = SLOTS_START + unitCount * SLOT_BYTES - this.#bytes.length;
    if (missingBytes <= 0) return;
    this.#memory.grow(Math.ceil(missingBytes / WASM_PAGE_BYTES));
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#pointers = new Uint32Array(this.#memory.buffer, 0, SLOTS_START / 4);
  }

  load(code: Uint8Array): KernelRun {
    const exports = instantiateWasm(compileWasm(code), { imports: { memory: this.#memory } });
    const run: unknown = Object.entries(exports).find(([name]) => name === "run")?.[1];
    assert(isKernelRun(run), "a kernel exports its function");
    return run;
  }

  /** Fills the recipe's outputs by its inputs; `reserve` has made room. */
  apply(run: KernelRun, { inputs, outputs }: Recipe, { bytes, unitBytes }: Units): void {
    for (const [nth, slot] of [...inputs, ...outputs].entries()) {
      this.#pointers[nth] = SLOTS_START + slot * SLOT_BYTES;
    }
    for (let from = 0; from < unitBytes; from += SLICE_BYTES) {
      const length = Math.min(SLICE_BYTES, unitBytes - from);
      for (const index of inputs) {
        const start = index * unitBytes + from;
        this.#bytes.set(bytes.subarray(start, start + length), SLOTS_START + index * SLOT_BYTES);
      }
      // Of a unit shorter than a step the kernel also makes what lies behind it in the slots, of which nothing is used.
      run(0, Math.max(length, KERNEL_STEP_BYTES));
      for (const index of outputs) {
        const start = SLOTS_START + index * SLOT_BYTES;
        bytes.set(this.#bytes.subarray(start, start + length), index * unitBytes + from);
      }
    }
  }
}

function isKernelRun(value: unknown): value is KernelRun {
  return typeof value === "function";
}
