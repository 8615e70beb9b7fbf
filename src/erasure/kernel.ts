// A kernel, made for one recipe: compiled once, and put into each memory that holds stripes to work on.

import { assert } from "../util/assert.ts";
import {
  compileWasm,
  instantiateWasm,
  type WasmMemory,
  type WasmModule,
} from "../util/web-assembly.ts";
import type { Recipe } from "./coding-matrix.ts";
import { kernelCode } from "./kernel-code.ts";

/** See `kernelCode`. */
export type KernelRun = (pointers: number, length: number) => void;

/** Pointers stand at the beginning of every memory, four bytes for each unit; a code has at most 256. */
export const POINTERS_BYTES = 1024;

export class Kernel {
  readonly recipe: Recipe;
  readonly #module: WasmModule;
  readonly #runs = new WeakMap<WasmMemory, KernelRun>();

  constructor(recipe: Recipe) {
    this.recipe = recipe;
    this.#module = compileWasm(kernelCode(recipe.rows));
  }

  /** Fills `length` bytes of the outputs; `addressOf` says where in the memory a unit begins. */
  run(memory: WasmMemory, length: number, addressOf: (unit: number) => number): void {
    const { inputs, outputs } = this.recipe;
    const pointers = new Uint32Array(memory.buffer, 0, inputs.length + outputs.length);
    let at = 0;
    for (const unit of inputs) pointers[at++] = addressOf(unit);
    for (const unit of outputs) pointers[at++] = addressOf(unit);
    this.#in(memory)(0, length);
  }

  #in(memory: WasmMemory): KernelRun {
    let run = this.#runs.get(memory);
    if (run === undefined) {
      const exports = instantiateWasm(this.#module, { imports: { memory } });
      const found: unknown = Object.entries(exports).find(([name]) => name === "run")?.[1];
      assert(isKernelRun(found), "a kernel exports its function");
      run = found;
      this.#runs.set(memory, run);
    }
    return run;
  }
}

function isKernelRun(value: unknown): value is KernelRun {
  return typeof value === "function";
}
