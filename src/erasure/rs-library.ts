// The WASM build of the Rust crate reed-solomon-erasure, called without the JavaScript around it: that one frees the
// flags of `reconstruct` although the library, which takes them over, has freed them already. The heap is corrupt from
// then on, and later calls restore wrong bytes and report success (seen in 0.2.5, with every geometry that we use).
// https://github.com/subspace/reed-solomon-erasure.wasm

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assert } from "../util/assert.ts";
import { compileWasm, instantiateWasm, type WasmModule } from "../util/web-assembly.ts";

type LibraryCall = (...args: readonly number[]) => number;

interface LibraryExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly encode: LibraryCall;
  readonly reconstruct: LibraryCall;
  readonly __wbindgen_malloc: LibraryCall;
  readonly __wbindgen_free: LibraryCall;
}

const RESULT_OK = 0;

export interface Shape {
  readonly dataShards: number;
  readonly parityShards: number;
}

/** One instance of the library, with room for one stripe in its memory. After an error it must not be used again. */
export class RsLibrary {
  readonly #exports: LibraryExports;
  readonly #allocate: LibraryCall;
  readonly #free: LibraryCall;
  #stripePointer = 0;
  #roomBytes = 0;
  #view = new Uint8Array(0);

  constructor(module: WasmModule) {
    const exports = instantiateWasm(module);
    assert(isLibrary(exports), "the WASM file is the one that we know");
    this.#exports = exports;
    ({ __wbindgen_malloc: this.#allocate, __wbindgen_free: this.#free } = exports);
  }

  /** The library's own memory for a stripe of `sizeBytes`: fill it, call, read it. Valid until the next call. */
  stripe(sizeBytes: number): Uint8Array {
    if (sizeBytes > this.#roomBytes) {
      if (this.#roomBytes > 0) this.#free(this.#stripePointer, this.#roomBytes);
      this.#stripePointer = this.#allocate(sizeBytes);
      this.#roomBytes = sizeBytes;
    }
    // Memory that has grown is a new buffer; views of the old one are empty.
    if (this.#view.buffer !== this.#exports.memory.buffer) {
      this.#view = new Uint8Array(this.#exports.memory.buffer);
    }
    return this.#view.subarray(this.#stripePointer, this.#stripePointer + sizeBytes);
  }

  /** Computes the parity units of the stripe in memory. */
  encode(sizeBytes: number, shape: Shape): void {
    const { dataShards, parityShards } = shape;
    const { encode } = this.#exports;
    const result = encode(this.#stripePointer, sizeBytes, dataShards, parityShards);
    assert(result === RESULT_OK, `encoding answers ${result}`);
  }

  /** Restores the absent data units, and only those, of the stripe in memory. */
  reconstructData(sizeBytes: number, shape: Shape, present: readonly boolean[]): void {
    const { dataShards, parityShards } = shape;
    const flagsPointer = this.#allocate(present.length);
    const flags = present.map((isPresent) => (isPresent ? 1 : 0));
    new Uint8Array(this.#exports.memory.buffer, flagsPointer, flags.length).set(flags);
    // From here on the flags are the library's, and it frees them.
    const result = this.#exports.reconstruct(
      this.#stripePointer,
      sizeBytes,
      dataShards,
      parityShards,
      flagsPointer,
      present.length,
    );
    assert(result === RESULT_OK, `reconstructing answers ${result}`);
  }
}

/** The compiled library, from its npm package; synchronous, and fast enough for a start. */
export function loadRsModule(): WasmModule {
  const require = createRequire(import.meta.url);
  const path =
    require.resolve("@subspace/reed-solomon-erasure.wasm/dist/reed_solomon_erasure_bg.wasm");
  return compileWasm(readFileSync(path));
}

function isLibrary(exports: object): exports is LibraryExports {
  const values = new Map<string, unknown>(Object.entries(exports));
  const calls = ["encode", "reconstruct", "__wbindgen_malloc", "__wbindgen_free"];
  return values.has("memory") && calls.every((name) => typeof values.get(name) === "function");
}
