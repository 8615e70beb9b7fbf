// A shard file, version 1: header, blocks, footer (docs/FORMATS.md); what callers need of it, in one place.
// The header says whose shard it is, so that a file under a wrong name is found out; each block is one unit of a
// stripe and its checksum; the footer says that the shard is whole, and what the object is. A file without a valid
// footer is garbage of an interrupted write.
// Invariant: parse functions take bytes that anything may have happened to, and throw ShardError "Corrupt" only.

import { BLOCK_CHECKSUM_BYTES } from "./shard-block.ts";

export {
  findPackEntry,
  PACK_ENTRY_START_BYTES,
  peekPackEntryBytes,
  renderPackEntry,
  type PackEntry,
} from "./pack-entry.ts";
export {
  BLOCK_CHECKSUM_BYTES,
  blockChecksum,
  BlockSealer,
  packedSeed,
  shardSeed,
  verifyBlock,
} from "./shard-block.ts";
export {
  locateFooter,
  parseShardFooter,
  renderShardFooters,
  TRAILER_BYTES,
  type ShardFooter,
  type ShardSetFooter,
} from "./shard-footer.ts";
export {
  HEADER_ALIGN_BYTES,
  parseShardHeader,
  peekHeaderBytes,
  renderShardHeaders,
  type ShardHeader,
  type ShardSetHeader,
} from "./shard-header.ts";
export type { ShardPart } from "./shard-part.ts";

/**
 * Where block `blockIndex` begins in the file. All blocks before the last one hold full units, so that consecutive
 * blocks are one contiguous read of `blockCount * (unitBytes + BLOCK_CHECKSUM_BYTES)` bytes.
 */
export function blockOffset(headerBytes: number, unitBytes: number, blockIndex: number): number {
  return headerBytes + blockIndex * (unitBytes + BLOCK_CHECKSUM_BYTES);
}

/**
 * Where the footer begins: after `blockCount` blocks whose units have `unitsBytes` together (a shard's share of the
 * object, padding of the last stripe included).
 */
export function footerOffset(headerBytes: number, unitsBytes: number, blockCount: number): number {
  return headerBytes + unitsBytes + blockCount * BLOCK_CHECKSUM_BYTES;
}
