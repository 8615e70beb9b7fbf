// The part of the global `WebAssembly` that is used here; the types of our oldest Node do not have it.

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports?: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => { readonly exports: object };
  readonly Memory: new (limits: { readonly initial: number }) => WasmMemory;
};

export type WasmModule = object;

export interface WasmMemory {
  /** Replaced, and the old one emptied, whenever the memory grows. */
  readonly buffer: ArrayBuffer;
  /** @param pageCount How many pages more. */
  grow(pageCount: number): number;
}

/** Bytes of a page, the unit in which memories are made and grow. */
export const WASM_PAGE_BYTES = 64 * 1024;

/** Synchronous: for small modules, and for the start. @throws when they use what the engine does not have, vectors say. */
export function compileWasm(bytes: Uint8Array): WasmModule {
  return new WebAssembly.Module(bytes);
}

/** The exports of a new instance, by name. */
export function instantiateWasm(
  module: WasmModule,
  imports: Readonly<Record<string, Readonly<Record<string, object>>>> = {},
): object {
  return new WebAssembly.Instance(module, imports).exports;
}

/** @throws when the system has no room for it: engines reserve gigabytes of addresses for each. */
export function createWasmMemory(pageCount: number): WasmMemory {
  return new WebAssembly.Memory({ initial: pageCount });
}
