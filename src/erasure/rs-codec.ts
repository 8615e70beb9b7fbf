// Reed-Solomon by the WASM build of a Rust library: the oracle that our kernel is compared with, and what serves where
// that one cannot. What the library does not do by itself: it traps on m = 0 and on empty input, and it restores data
// units only, so that lost parity is encoded anew.

import { isAnyAbsent, unitBytesIn } from "./codec-input.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import type { Geometry } from "./geometry.ts";
import { loadRsModule, RsLibrary } from "./rs-library.ts";

let shared: ErasureCodec | undefined;

/** The codec; one for the process, since each has a WASM memory of its own that never shrinks. */
export function createReedSolomonCodec(): ErasureCodec {
  shared ??= new ReedSolomonCodec();
  return shared;
}

class ReedSolomonCodec implements ErasureCodec {
  readonly #module = loadRsModule();
  #library: RsLibrary | undefined;

  encode(stripe: Uint8Array, geometry: Geometry): void {
    if (geometry.parityShards === 0 || stripe.length === 0) return;
    const dataBytes = geometry.dataShards * unitBytesIn(stripe, geometry);
    this.#call((library) => {
      library.stripe(stripe.length).set(stripe.subarray(0, dataBytes));
      library.encode(stripe.length, geometry);
      // Asked for again: the library may have grown its memory, which empties older views of it.
      stripe.set(library.stripe(stripe.length).subarray(dataBytes), dataBytes);
    });
  }

  reconstruct(stripe: Uint8Array, geometry: Geometry, present: readonly boolean[]): void {
    if (!isAnyAbsent(present, geometry) || stripe.length === 0) return;
    const { dataShards } = geometry;
    const dataBytes = dataShards * unitBytesIn(stripe, geometry);
    if (present.slice(0, dataShards).includes(false)) {
      this.#call((library) => {
        library.stripe(stripe.length).set(stripe);
        library.reconstructData(stripe.length, geometry, present);
        stripe.set(library.stripe(stripe.length).subarray(0, dataBytes));
      });
    }
    if (present.slice(dataShards).includes(false)) this.encode(stripe, geometry);
  }

  /** A library that has failed once is thrown away: its memory may be in any state. */
  #call(work: (library: RsLibrary) => void): void {
    const library = this.#library ?? new RsLibrary(this.#module);
    this.#library = undefined;
    work(library);
    this.#library = library;
  }
}
