// Where the buffers for stripes come from: those of whole windows of new sets, which large objects are written from, lie where the
// codec works on them without copying. All others are ordinary ones.

import type { ErasureCodec } from "../erasure/erasure-codec.ts";
import { shardCount, type Geometry } from "../erasure/geometry.ts";
import { STRIPES_PER_WINDOW } from "./store-context.ts";

export function stripeAllocator(
  codec: ErasureCodec,
  geometryNow: () => Geometry,
): (sizeBytes: number) => Uint8Array {
  let isPossible = codec.allocate !== undefined;
  const isWindow = (sizeBytes: number): boolean => {
    const geometry = geometryNow();
    const windowBytes = STRIPES_PER_WINDOW * shardCount(geometry) * geometry.unitBytes;
    return sizeBytes === windowBytes && geometry.parityShards > 0;
  };
  return (sizeBytes) => {
    if (isPossible && isWindow(sizeBytes)) {
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
