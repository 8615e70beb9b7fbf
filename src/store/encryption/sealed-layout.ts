// How bytes lie once they are sealed: cut into chunks of one size, the last one shorter, each followed by its tag. Even
// no bytes at all are a chunk, so that their absence is vouched for, too. Where a byte lies follows from the sizes alone.

import type { ByteRange } from "../../erasure/stripe.ts";

/** Of new objects. A range costs the chunks that it touches; by measurement larger ones save next to nothing. */
export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;

export function chunkCount(sizeBytes: number, chunkBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / chunkBytes));
}

/** How many bytes so many bytes are, once sealed. */
export function sealedSize(sizeBytes: number, chunkBytes: number): number {
  return sizeBytes + chunkCount(sizeBytes, chunkBytes) * TAG_BYTES;
}

/** The chunks that hold a range, and where they lie among the sealed bytes. */
export interface ChunkRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
  readonly sealed: ByteRange;
}

/** The range must not be empty. */
export function chunksOf(range: ByteRange, sizeBytes: number, chunkBytes: number): ChunkRange {
  const first = Math.floor(range.start / chunkBytes);
  const end = Math.ceil(range.end / chunkBytes);
  const stride = chunkBytes + TAG_BYTES;
  const sealed = {
    start: first * stride,
    end: Math.min(end * stride, sealedSize(sizeBytes, chunkBytes)),
  };
  return { first, end, sealed };
}
