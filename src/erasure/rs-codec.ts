// Reed-Solomon by the WASM build of the Rust crate reed-solomon-erasure: the oracle that faster kernels are compared
// with. What the library does not do by itself: it traps on m = 0 and on empty input, and its `reconstruct` restores
// data units only and still reports success, so parity is encoded anew.
// https://github.com/subspace/reed-solomon-erasure.wasm

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ReedSolomonErasure } from "@subspace/reed-solomon-erasure.wasm";
import { assert } from "../util/assert.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import { shardCount, type Geometry } from "./geometry.ts";

const LIBRARY = "@subspace/reed-solomon-erasure.wasm";
const WASM_FILE = `${LIBRARY}/dist/reed_solomon_erasure_bg.wasm`;

let shared: ErasureCodec | undefined;

/** The codec; one instance for the process, since each has a WASM memory of its own that never shrinks. */
export function createReedSolomonCodec(): ErasureCodec {
  shared ??= loadCodec();
  return shared;
}

function loadCodec(): ErasureCodec {
  const wasm = readFileSync(createRequire(import.meta.url).resolve(WASM_FILE));
  const library = ReedSolomonErasure.fromBytes(wasm);

  const encode = (stripe: Uint8Array, geometry: Geometry): void => {
    if (geometry.parityShards === 0 || stripe.length === 0) return;
    checkSize(stripe, geometry);
    const result = library.encode(stripe, geometry.dataShards, geometry.parityShards);
    checkResult("encode", result);
  };

  const reconstruct = (
    stripe: Uint8Array,
    geometry: Geometry,
    present: readonly boolean[],
  ): void => {
    const { dataShards, parityShards } = geometry;
    assert(present.length === shardCount(geometry), "there is a flag for each unit");
    const goodCount = present.filter(Boolean).length;
    if (goodCount < dataShards) throw new TooFewUnitsError(goodCount, dataShards);
    if (goodCount === present.length || stripe.length === 0) return;
    checkSize(stripe, geometry);
    if (present.slice(0, dataShards).includes(false)) {
      const result = library.reconstruct(stripe, dataShards, parityShards, [...present]);
      checkResult("reconstruct", result);
    }
    if (present.slice(dataShards).includes(false)) encode(stripe, geometry);
  };

  return { encode, reconstruct };
}

/** Fewer units are present than are needed. */
export class TooFewUnitsError extends Error {
  constructor(goodCount: number, neededCount: number) {
    super(`${goodCount} units are present, ${neededCount} are needed`);
    this.name = "TooFewUnitsError";
  }
}

function checkSize(stripe: Uint8Array, geometry: Geometry): void {
  assert(stripe.length % shardCount(geometry) === 0, "a stripe has k+m units of equal size");
}

function checkResult(call: string, result: number): void {
  assert(result === ReedSolomonErasure.RESULT_OK, `${call} of the codec answers ${result}`);
}
