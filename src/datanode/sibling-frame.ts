// Header and footer of a shard, made from those of a sibling: they differ in the index and in checksums alone, so that what
// is rebuilt is what the writer had written, byte for byte, whatever a newer writer says in them.

import { crc32c } from "../util/crc32c.ts";
import { TRAILER_BYTES } from "./shard-footer.ts";

const HEADER_INDEX_AT = 10;
const HEADER_CRC_BYTES = 4;
const TRAILER_INDEX_AT = 16;
const TRAILER_CRC_AT = 32;

/** @param sibling A whole header that was found good. */
export function siblingHeader(sibling: Uint8Array, index: number): Uint8Array {
  const header = Buffer.from(sibling);
  header.writeUInt16LE(index, HEADER_INDEX_AT);
  const crcAt = header.length - HEADER_CRC_BYTES;
  header.writeUInt32LE(crc32c(header.subarray(0, crcAt)), crcAt);
  return header;
}

/** @param sibling A whole footer, trailer included, that was found good. */
export function siblingFooter(sibling: Uint8Array, index: number): Uint8Array {
  const footer = Buffer.from(sibling);
  const trailerAt = footer.length - TRAILER_BYTES;
  footer.writeUInt16LE(index, trailerAt + TRAILER_INDEX_AT);
  const crcAt = trailerAt + TRAILER_CRC_AT;
  footer.writeUInt32LE(crc32c(footer.subarray(0, crcAt)), crcAt);
  return footer;
}
