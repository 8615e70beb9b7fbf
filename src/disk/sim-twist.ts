// What a lying drive makes of the bytes that pass it. The seed alone decides where.

import type { SeededRandom } from "../util/seeded-random.ts";

/** The same bytes but for one bit. */
export function flipped(bytes: Uint8Array, random: SeededRandom): Buffer {
  const changed = Buffer.from(bytes);
  if (changed.length === 0) return changed;
  const at = random.below(changed.length);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << random.below(8)), at);
  return changed;
}

/** The same number of bytes, zeros from a random one on. */
export function tornOff(bytes: Uint8Array, random: SeededRandom): Buffer {
  const changed = Buffer.from(bytes);
  return changed.fill(0, random.below(changed.length + 1));
}

/** As many bytes of what lay there before, and zeros where nothing did. */
export function staleBytes(removed: Uint8Array, offset: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.set(removed.subarray(offset, offset + sizeBytes));
  return bytes;
}
