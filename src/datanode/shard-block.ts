// A block of a shard file: one unit of a stripe and its CRC32C. The checksum starts from a seed made of set, shard
// index and block number, so that a good block in a wrong place (a misdirected write, a file of another shard) fails.
// The digest of a shard is the SHA-256 over its block checksums; footers name the digests of all siblings.

import { createHash } from "node:crypto";
import type { SetId } from "../core/ids.ts";
import { crc32c } from "../util/crc32c.ts";

/** What each block has beyond its unit, in bytes. */
export const BLOCK_CHECKSUM_BYTES = 4;

// Odd, so that multiplying by it maps block numbers one to one: two blocks of a shard never share a seed.
const BLOCK_MULTIPLIER = 0x9e37_79b1;

/** The seed of a shard, from which that of each block follows. */
export function shardSeed(setId: SetId, index: number): number {
  return crc32c(Buffer.from(`${setId}.${index}`, "latin1"));
}

/** An object in a pack, as the row in the metadata knows it. */
export interface PackedPlace {
  /** Where its blocks begin in each shard file. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Of the object or part, without quotes. */
  readonly etag: string;
}

/**
 * The seed of one shard's blocks of an object in a pack. All that the row says is in it: a row of which a bit has
 * flipped leads to a read that fails, never to other bytes.
 */
export function packedSeed(setId: SetId, index: number, place: PackedPlace): number {
  const { offset, sizeBytes, etag } = place;
  return crc32c(Buffer.from(`${setId}.${index}/${offset}+${sizeBytes}=${etag}`, "latin1"));
}

/** The checksum of a unit as block `blockIndex` of the shard, or the packed object, with that seed. */
export function blockChecksum(seed: number, blockIndex: number, unit: Uint8Array): number {
  return crc32c(unit, (seed ^ Math.imul(blockIndex, BLOCK_MULTIPLIER)) >>> 0);
}

/** Whether a block as read (unit, then checksum) is the one that was written there. */
export function verifyBlock(seed: number, blockIndex: number, block: Uint8Array): boolean {
  const unitBytes = block.length - BLOCK_CHECKSUM_BYTES;
  if (unitBytes <= 0) return false;
  const stored = new DataView(block.buffer, block.byteOffset + unitBytes).getUint32(0, true);
  return blockChecksum(seed, blockIndex, block.subarray(0, unitBytes)) === stored;
}

/** Makes the checksums of a shard's blocks, in order, and its digest. Units are not copied. */
export class BlockSealer {
  readonly #seed: number;
  readonly #digest = createHash("sha256");
  #blockCount = 0;

  constructor(setId: SetId, index: number) {
    this.#seed = shardSeed(setId, index);
  }

  /** The checksum that follows `unit` in the file: append `[unit, seal(unit), unit, seal(unit), ...]`. */
  seal(unit: Uint8Array): Uint8Array {
    const checksum = Buffer.allocUnsafe(BLOCK_CHECKSUM_BYTES);
    checksum.writeUInt32LE(blockChecksum(this.#seed, this.#blockCount, unit));
    this.#blockCount += 1;
    this.#digest.update(checksum);
    return checksum;
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** The shard's digest in hex; ends the sealing. */
  digest(): string {
    return this.#digest.digest("hex");
  }
}
