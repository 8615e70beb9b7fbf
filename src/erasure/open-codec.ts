// Which codec a process uses: our kernel, where the engine runs it and its bytes are those of the on-disk format; else
// the library, which is slower but runs everywhere.

import { selfTestCodec } from "./codec-self-test.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import type { Geometry } from "./geometry.ts";
import { createReedSolomonCodec } from "./rs-codec.ts";
import { createSimdCodec } from "./simd-codec.ts";

export interface OpenedCodec {
  readonly codec: ErasureCodec;
  /** Why it is the slow one, if it is. */
  readonly refusal?: unknown;
}

let shared: ErasureCodec | undefined;

/**
 * A codec that has passed the test for this geometry; one for the process, since each has a memory of its own.
 * @param createFast For tests: what it makes is not the process's.
 * @throws when no codec passes.
 */
export function openErasureCodec(geometry: Geometry, createFast = sharedSimdCodec): OpenedCodec {
  try {
    const codec = createFast();
    selfTestCodec(codec, geometry);
    return { codec };
  } catch (refusal) {
    const codec = createReedSolomonCodec();
    selfTestCodec(codec, geometry);
    return { codec, refusal };
  }
}

function sharedSimdCodec(): ErasureCodec {
  return (shared ??= createSimdCodec());
}
