// Where the buffers for stripes come from: those of whole windows, which large objects are written from, lie where the
// codec works on them without copying. All others are ordinary ones.

import type { ErasureCodec } from "../erasure/erasure-codec.ts";
import { shardCount, type Geometry } from "../erasure/geometry.ts";
import { STRIPES_PER_WINDOW } from "./store-context.ts";

export function stripeAllocator(
  codec: ErasureCodec,
  geometry: Geometry,
): (sizeBytes: number) => Uint8Array {
  const windowBytes = STRIPES_PER_WINDOW * shardCount(geometry) * geometry.unitBytes;
  let isPossible = codec.allocate !== undefined && geometry.parityShards > 0;
  return (sizeBytes) => {
    if (sizeBytes === windowBytes && isPossible) {
      try {
        const buffer = codec.allocate?.(sizeBytes);
        if (buffer !== undefined) return buffer;
      } catch {
        // The system limits addresses; asking again would be slow each time.
        isPossible = false;
      }
    }
    return Buffer.allocUnsafeSlow(sizeBytes);
  };
}
