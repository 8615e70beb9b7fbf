// The header of an object, or part, in a pack: the same bytes at the same place in each of the pack's shard files, just
// before the object's blocks. A GET does not read it: the row knows where the blocks are. It is there so that the drives
// alone can tell what is in a pack, and for compaction, which walks from entry to entry.
//
//   0  magic, 4 bytes                6  bytes of data, u32         16  ETag (MD5), 16 bytes
//   4  size of this header, u16     10  time, ms since 1970, u48   32  JSON, then CRC32C, u32
//
// The JSON is a list: bucket, key, [upload id, part number] or 0, checksums, headers, user metadata; empty ones at the end
// are left out. It is written once a shard, so it is short. The checksum starts from a seed made of set and place: a good
// header in a wrong place fails.

import type { ObjectChecksum } from "../core/checksum.ts";
import type { SetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { FieldError, listField, parseFields, textField, textMapField } from "./json-fields.ts";
import { checksumOf, type ShardSetFooter } from "./shard-footer.ts";
import { partField, type ShardPart } from "./shard-part.ts";

export interface PackEntry {
  readonly bucket: string;
  readonly key: string;
  readonly part?: ShardPart | undefined;
  /** Bytes of data. */
  readonly sizeBytes: number;
  /** The MD5 of the data, in hex. */
  readonly etag: string;
  readonly checksums: readonly ObjectChecksum[];
  readonly attributes: ShardSetFooter["attributes"];
  /** When the data had ended, in milliseconds since 1970. */
  readonly createdAt: number;
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
  const json = renderJson(entry);
  const bytes = Buffer.allocUnsafe(LEAST_BYTES + Buffer.byteLength(json));
  assert(bytes.length <= MOST_BYTES, "the header of a pack's entry is bounded");
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(bytes.length, 4);
  bytes.writeUInt32LE(entry.sizeBytes, 6);
  bytes.writeUIntLE(entry.createdAt, 10, 6);
  const etagBytes = bytes.write(entry.etag, 16, "hex");
  assert(etagBytes === 16, "the ETag of packed bytes is their MD5");
  bytes.write(json, PACK_ENTRY_START_BYTES);
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
  try {
    return {
      ...parseJson(bytes.subarray(PACK_ENTRY_START_BYTES, -CRC_BYTES)),
      sizeBytes: bytes.readUInt32LE(6),
      createdAt: bytes.readUIntLE(10, 6),
      etag: bytes.toString("hex", 16, 32),
    };
  } catch (error) {
    if (error instanceof FieldError) return undefined;
    throw error;
  }
}

type JsonPart = Pick<PackEntry, "attributes" | "bucket" | "checksums" | "key" | "part">;

function renderJson({ bucket, key, part, checksums, attributes }: JsonPart): string {
  const list: unknown[] = [
    bucket,
    key,
    part === undefined ? 0 : [part.uploadId, part.number],
    checksums.map(({ algorithm, type, value }) => [algorithm, type, value]),
    attributes.headers,
    attributes.userMetadata,
  ];
  while (list.length > 2 && isEmpty(list.at(-1))) list.pop();
  return JSON.stringify(list);
}

function isEmpty(value: unknown): boolean {
  return value === 0 || (typeof value === "object" && JSON.stringify(value).length === 2);
}

/** @throws FieldError */
function parseJson(json: Uint8Array): JsonPart {
  // The readers of fields know objects: the list becomes one.
  const names = ["bucket", "key", "part", "checksums", "headers", "userMetadata"];
  const list = listField(parseFields(wrap(json)), "list");
  const fields = new Map(list.map((value, position) => [names[position] ?? "", value] as const));
  const [uploadId, number] = pairOf(fields.get("part"));
  const part = uploadId === undefined ? undefined : { uploadId, number };
  const checksums = listField(new Map([["checksums", fields.get("checksums") ?? []]]), "checksums");
  return {
    bucket: textField(fields, "bucket"),
    key: textField(fields, "key"),
    part: partField(new Map(part === undefined ? [] : [["part", part]])),
    checksums: checksums.map((checksum) => {
      const [algorithm, type, value] = Array.isArray(checksum) ? checksum : [];
      return checksumOf(new Map<string, unknown>(Object.entries({ algorithm, type, value })));
    }),
    attributes: {
      headers: textMapField(fields, "headers"),
      userMetadata: textMapField(fields, "userMetadata"),
    },
  };
}

function wrap(json: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('{"list":'), json, Buffer.from("}")]);
}

function pairOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function seedOf(setId: SetId, offset: number): number {
  return crc32c(Buffer.from(`${setId}/${offset}`, "latin1"));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
