// Stands in a segment before the records of each append, and says that everything before it is durable. So rot is told
// from the torn end of an append that no sync followed: behind rot there is a mark. Records of one append prove nothing
// about each other, since a power cut may keep the later and lose the earlier. Little-endian:
//
//   0 CRC32C of all that follows | 4 magic and version | 8 its own offset in the file (48 bits) | 14 zero | 16 salt (8 bytes)
//
// The salt is that of the segment, which no client knows: what clients store in records is not taken for a mark.

import { hash } from "node:crypto";
import { crc32c } from "../util/crc32c.ts";

export const MARK_BYTES = 24;
/** "KJM" and the version, where a record has its own. */
const MARK_MAGIC = Buffer.from("KJM\u0001", "latin1").readUInt32LE();

const MAGIC_OFFSET = 4;
const SALT_BYTES = 8;
const SALT_OFFSET = 16;

export function encodeMark(offset: number, salt: string): Uint8Array {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.writeUInt32LE(MARK_MAGIC, MAGIC_OFFSET);
  bytes.writeUIntLE(offset, 8, 6);
  bytes.write(salt, SALT_OFFSET, SALT_BYTES, "hex");
  bytes.writeUInt32LE(crc32c(bytes.subarray(MAGIC_OFFSET)), 0);
  return bytes;
}

/** Whether an intact mark begins there, of whatever segment. */
export function isMark(bytes: Uint8Array): boolean {
  if (bytes.length < MARK_BYTES) return false;
  const mark = Buffer.from(bytes.buffer, bytes.byteOffset, MARK_BYTES);
  if (mark.readUInt32LE(MAGIC_OFFSET) !== MARK_MAGIC) return false;
  return mark.readUInt32LE(0) === crc32c(mark.subarray(MAGIC_OFFSET));
}

/** Whether `bytes`, which stand at that offset of a segment, hold a mark of it. */
export function hasMark(bytes: Buffer, fileOffset: number, salt: string): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MARK_MAGIC);
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    const start = at - MAGIC_OFFSET;
    if (start < 0) continue;
    const found = bytes.subarray(start, start + MARK_BYTES);
    if (found.equals(encodeMark(fileOffset + start, salt))) return true;
  }
  return false;
}

/** Of a segment, by what its header alone says. */
export function markSalt(segmentName: string, owner: string): string {
  return hash("sha256", `${segmentName} ${owner}`, "hex").slice(0, SALT_BYTES * 2);
}
