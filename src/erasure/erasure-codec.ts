// The seam between stripes and Reed-Solomon arithmetic. Implementations are byte-identical.

import type { Geometry } from "./geometry.ts";

export interface ErasureCodec {
  /**
   * A new buffer, zero, in which the codec works on stripes without copying them, if there is a difference; stripes in
   * any other memory are as good. Each costs gigabytes of addresses: it is for few and large buffers that are used again.
   * @throws when the system has no room for it.
   */
  allocate?(sizeBytes: number): Uint8Array;
  /**
   * Fills the parity units of one stripe. `stripe` holds k+m units of equal size one after another; the first k are
   * data. With m = 0 or an empty stripe there is nothing to do.
   */
  encode(stripe: Uint8Array, geometry: Geometry): void;
  /**
   * Restores every absent unit, parity included, in place. `present` has k+m entries.
   * @throws when fewer than k are present.
   */
  reconstruct(stripe: Uint8Array, geometry: Geometry, present: readonly boolean[]): void;
}
