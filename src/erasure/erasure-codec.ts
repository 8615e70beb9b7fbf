// The seam between stripes and Reed-Solomon arithmetic. Implementations are byte-identical.

import type { Geometry } from "./geometry.ts";

export interface ErasureCodec {
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
