// The header of a shard file: whose shard this is, and how its set is cut. All headers of a set have the same size,
// which the metadata knows, so that a GET finds block 0 without reading the header.
//
//   0  magic, 8 bytes        12  size of the header, u32      20  JSON, padded with zeros
//   8  format version, u16   16  size of the JSON, u32        -4  CRC32C of all before it, u32
//  10  shard index, u16      (little-endian)

import { isSetId, type SetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { corruptShard, parseOrCorrupt } from "./corrupt-shard.ts";
import { countField, FieldError, flagField, parseFields, textField } from "./json-fields.ts";
import { partField, type ShardPart } from "./shard-part.ts";

/** The version of header, blocks and footer together. */
export const SHARD_FORMAT_VERSION = 1;
/** Header sizes are multiples of this, in bytes; so many bytes are enough for `peekHeaderBytes`. */
export const HEADER_ALIGN_BYTES = 512;
/** No header is larger, in bytes: a key of control characters, escaped, still fits. */
const HEADER_BYTES_MAX = 16 * 1024;
/** Reed-Solomon over bytes cannot have more. */
export const SHARD_COUNT_MAX = 255;

const MAGIC = Buffer.from("KINTSHRD", "latin1");
const JSON_OFFSET = 20;
const CRC_BYTES = 4;
const UNIT_BYTES_MAX = 64 * 1024 * 1024;

/** What all headers of a set have in common. */
export interface ShardSetHeader {
  readonly clusterId: string;
  readonly setId: SetId;
  readonly dataShards: number;
  readonly parityShards: number;
  readonly unitBytes: number;
  readonly bucket: string;
  readonly key: string;
  /** When writing began, in milliseconds since 1970. */
  readonly createdAt: number;
  /** For a part of a multipart upload. */
  readonly part?: ShardPart | undefined;
  /** True for a pack: what is in it is said by its entries (pack-entry.ts); bucket and key are empty. */
  readonly pack?: true | undefined;
}

export interface ShardHeader extends ShardSetHeader {
  readonly index: number;
  /** The header's own size. */
  readonly headerBytes: number;
}

/** The headers of all k+m shards, in order of index; each is `headerBytes` of the set's metadata long. */
export function renderShardHeaders(set: ShardSetHeader): readonly Uint8Array[] {
  const { clusterId, setId, dataShards, parityShards, unitBytes, bucket, key, createdAt } = set;
  const fields = { clusterId, setId, dataShards, parityShards, unitBytes, bucket, key, createdAt };
  const json = Buffer.from(JSON.stringify({ ...fields, part: set.part, pack: set.pack }), "utf8");
  const usedBytes = JSON_OFFSET + json.length + CRC_BYTES;
  const headerBytes = Math.ceil(usedBytes / HEADER_ALIGN_BYTES) * HEADER_ALIGN_BYTES;
  assert(headerBytes <= HEADER_BYTES_MAX, "a shard header is bounded");
  const header = Buffer.alloc(headerBytes);
  MAGIC.copy(header);
  header.writeUInt16LE(SHARD_FORMAT_VERSION, 8);
  header.writeUInt32LE(headerBytes, 12);
  header.writeUInt32LE(json.length, 16);
  json.copy(header, JSON_OFFSET);
  return Array.from({ length: dataShards + parityShards }, (_, index) => {
    const copy = Buffer.from(header);
    copy.writeUInt16LE(index, 10);
    copy.writeUInt32LE(crc32c(copy.subarray(0, -CRC_BYTES)), headerBytes - CRC_BYTES);
    return copy;
  });
}

/**
 * How long a file's header says that it is, from the file's first bytes: to read it whole, and then to parse it.
 * @throws ShardError Corrupt when these bytes begin no header.
 */
export function peekHeaderBytes(start: Uint8Array): number {
  const bytes = asBuffer(start);
  if (bytes.length < JSON_OFFSET) throw corruptShard("the header is cut off");
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw corruptShard("it is no shard file");
  const version = bytes.readUInt16LE(8);
  if (version > SHARD_FORMAT_VERSION) {
    throw corruptShard(`format version ${version} is newer than this program knows`);
  }
  if (version !== SHARD_FORMAT_VERSION) throw corruptShard(`format version ${version} is unknown`);
  const headerBytes = bytes.readUInt32LE(12);
  const sane = headerBytes > 0 && headerBytes <= HEADER_BYTES_MAX;
  if (!sane || headerBytes % HEADER_ALIGN_BYTES !== 0) {
    throw corruptShard("the header's size makes no sense");
  }
  return headerBytes;
}

/**
 * A header from exactly its bytes.
 * @throws ShardError Corrupt for anything else: changed, cut off, too long, of another kind or a newer version.
 */
export function parseShardHeader(header: Uint8Array): ShardHeader {
  const bytes = asBuffer(header);
  const headerBytes = peekHeaderBytes(bytes);
  if (headerBytes !== bytes.length) throw corruptShard("the header has another size than it says");
  const crcOffset = headerBytes - CRC_BYTES;
  if (crc32c(bytes.subarray(0, crcOffset)) !== bytes.readUInt32LE(crcOffset)) {
    throw corruptShard("the header does not match its checksum");
  }
  const jsonEnd = JSON_OFFSET + bytes.readUInt32LE(16);
  if (jsonEnd > crcOffset) throw corruptShard("the header's JSON is longer than the header");
  const index = bytes.readUInt16LE(10);
  return parseOrCorrupt("the header", () => {
    const set = parseSetHeader(bytes.subarray(JSON_OFFSET, jsonEnd));
    if (index >= set.dataShards + set.parityShards) throw new FieldError("the index is too high");
    return { ...set, index, headerBytes };
  });
}

function parseSetHeader(json: Uint8Array): ShardSetHeader {
  const fields = parseFields(json);
  const setId = textField(fields, "setId");
  if (!isSetId(setId)) throw new FieldError(`"setId" is no set id`);
  const dataShards = countField(fields, "dataShards", SHARD_COUNT_MAX);
  const parityShards = countField(fields, "parityShards", SHARD_COUNT_MAX - dataShards);
  const unitBytes = countField(fields, "unitBytes", UNIT_BYTES_MAX);
  if (dataShards === 0 || unitBytes === 0) throw new FieldError("the geometry is empty");
  return {
    clusterId: textField(fields, "clusterId"),
    setId,
    dataShards,
    parityShards,
    unitBytes,
    bucket: textField(fields, "bucket"),
    key: textField(fields, "key"),
    createdAt: countField(fields, "createdAt"),
    part: partField(fields),
    ...(fields.has("pack") && flagField(fields, "pack") ? { pack: true } : {}),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
