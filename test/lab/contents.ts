// The bytes of the lab's objects: each made of its number alone, so that an answer can be compared byte by byte without
// keeping what was sent. Two numbers never give the same bytes, and no piece of one stands at another place of another.

import { hash } from "node:crypto";
import { seededRandom } from "../../src/util/seeded-random.ts";

const POOL_BYTES = 8 * 1024 * 1024;

/** A run of bytes that a number names. */
export interface Piece {
  readonly seed: number;
  readonly sizeBytes: number;
}

const pool = makePool();

function makePool(): Buffer {
  const random = seededRandom(0xbeef);
  const words = new Uint32Array(POOL_BYTES / 4);
  for (let at = 0; at < words.length; at += 1) words[at] = random.below(0x1_0000_0000);
  return Buffer.from(words.buffer);
}

export function bytesOfPiece({ seed, sizeBytes }: Piece): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const start = (Math.imul(seed, 0x9e37_79b1) >>> 0) % (POOL_BYTES / 4);
  for (let at = 0; at < sizeBytes; at += POOL_BYTES - start) {
    pool.copy(bytes, at, start, Math.min(POOL_BYTES, start + sizeBytes - at));
  }
  // The number itself, at the head, in the middle and at the end.
  const mark = Buffer.alloc(8);
  mark.writeUInt32LE(seed >>> 0);
  mark.writeUInt32LE(sizeBytes, 4);
  for (const at of [0, Math.floor(sizeBytes / 2), Math.max(0, sizeBytes - 8)]) mark.copy(bytes, at);
  return bytes;
}

export function bytesOfPieces(pieces: readonly Piece[]): Buffer {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return bytesOfPiece(only);
  return Buffer.concat(pieces.map(bytesOfPiece));
}

export function md5(bytes: Uint8Array): string {
  return hash("md5", bytes);
}
