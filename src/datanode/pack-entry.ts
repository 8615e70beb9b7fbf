// The header of an object, or part, in a pack: the same bytes at the same place in each of the pack's shard files, just
// before the object's blocks. A GET does not read it: the row knows where the blocks are. It is there so that the drives
// alone can tell what is in a pack, and for compaction, which walks from entry to entry.
//
//   0  magic, 4 bytes                6  bytes of data, u32         16  ETag (MD5), 16 bytes
//   4  size of this header, u16     10  time, ms since 1970, u48   32  what else there is (pack-entry-body.ts)
//                                       (little-endian)            -4  CRC32C, u32
//
// The checksum starts from a seed made of set and place: a good header in a wrong place fails.

import type { ObjectChecksum } from "../core/checksum.ts";
import type { SetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { findEntryBody, renderEntryBody } from "./pack-entry-body.ts";
import type { ShardSetFooter } from "./shard-footer.ts";
import type { ShardPart } from "./shard-part.ts";
import type { ShardSeal } from "./shard-seal.ts";

export interface PackEntry {
  readonly bucket: string;
  readonly key: string;
  readonly part?: ShardPart | undefined;
  /** Bytes of data. */
  readonly sizeBytes: number;
  /** The MD5 of the data, or the digest of sealed bytes, in hex. */
  readonly etag: string;
  readonly checksums: readonly ObjectChecksum[];
  readonly attributes: ShardSetFooter["attributes"];
  /** When the data had ended, in milliseconds since 1970. */
  readonly createdAt: number;
  /** Where the bytes are sealed: then `sizeBytes` and `etag` are of the sealed ones. */
  readonly seal?: ShardSeal | undefined;
  /** What else the metadata says of the object, for making it anew: text that nobody here reads. */
  readonly about?: string | undefined;
}

/** Where a header stands. */
export interface PackEntryPlace {
  readonly setId: SetId;
  /** Of the header's first byte in the shard files. */
  readonly offset: number;
}

/** So many bytes are enough for `peekPackEntryBytes`. */
export const PACK_ENTRY_START_BYTES = 32;

const MAGIC = Buffer.from("KPKE", "latin1");
const CRC_BYTES = 4;
const LEAST_BYTES = PACK_ENTRY_START_BYTES + CRC_BYTES;
const MOST_BYTES = 0xffff;

export function renderPackEntry({ setId, offset }: PackEntryPlace, entry: PackEntry): Buffer {
  const body = renderEntryBody(entry);
  const bytes = Buffer.allocUnsafe(LEAST_BYTES + body.length);
  assert(bytes.length <= MOST_BYTES, "the header of a pack's entry is bounded");
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(bytes.length, 4);
  bytes.writeUInt32LE(entry.sizeBytes, 6);
  bytes.writeUIntLE(entry.createdAt, 10, 6);
  const etagBytes = bytes.write(entry.etag, 16, "hex");
  assert(etagBytes === 16, "the ETag of packed bytes is their MD5");
  body.copy(bytes, PACK_ENTRY_START_BYTES);
  const checksum = crc32c(bytes.subarray(0, -CRC_BYTES), seedOf(setId, offset));
  bytes.writeUInt32LE(checksum, bytes.length - CRC_BYTES);
  return bytes;
}

/** How long the header is that begins with these bytes; undefined when none does. */
export function peekPackEntryBytes(start: Uint8Array): number | undefined {
  const bytes = asBuffer(start);
  if (bytes.length < PACK_ENTRY_START_BYTES) return undefined;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const headerBytes = bytes.readUInt16LE(4);
  return headerBytes >= LEAST_BYTES ? headerBytes : undefined;
}

/** The entry whose header is exactly these bytes; undefined for anything else. */
export function findPackEntry(place: PackEntryPlace, header: Uint8Array): PackEntry | undefined {
  const bytes = asBuffer(header);
  if (peekPackEntryBytes(bytes) !== bytes.length) return undefined;
  const checksum = crc32c(bytes.subarray(0, -CRC_BYTES), seedOf(place.setId, place.offset));
  if (checksum !== bytes.readUInt32LE(bytes.length - CRC_BYTES)) return undefined;
  const body = findEntryBody(bytes.subarray(PACK_ENTRY_START_BYTES, -CRC_BYTES));
  return (
    body && {
      ...body,
      sizeBytes: bytes.readUInt32LE(6),
      createdAt: bytes.readUIntLE(10, 6),
      etag: bytes.toString("hex", 16, 32),
    }
  );
}

function seedOf(setId: SetId, offset: number): number {
  return crc32c(Buffer.from(`${setId}/${offset}`, "latin1"));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
