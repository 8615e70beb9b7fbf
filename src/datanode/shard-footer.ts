// The footer of a shard file: that the shard is whole, and what the object is, so that the drives alone can tell.
// JSON, then a trailer of fixed size at the very end of the file:
//
//   0  set id, 16 bytes       20  size of the JSON, u32      32  CRC32C of JSON and trailer before it, u32
//  16  shard index, u16       24  size of the file, u64      36  magic, 8 bytes
//  18  format version, u16    (little-endian)
//
// The size of the file is in it so that a file that was cut off, or has grown, is told from a whole one.

import { CHECKSUM_ALGORITHMS, type ObjectChecksum } from "../core/checksum.ts";
import { isSetId, type SetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { corruptShard, parseOrCorrupt } from "./corrupt-shard.ts";
import {
  countField,
  FieldError,
  fieldsOf,
  listField,
  objectField,
  parseFields,
  textField,
  textListField,
  textMapField,
} from "./json-fields.ts";
import { SHARD_FORMAT_VERSION } from "./shard-header.ts";
import { partField, type ShardPart } from "./shard-part.ts";
import { sealField, type ShardSeal } from "./shard-seal.ts";

/** The fixed end of a file, in bytes: read it to learn where the footer begins. */
export const TRAILER_BYTES = 44;
/** No footer is larger, in bytes. */
const FOOTER_BYTES_MAX = 128 * 1024;

const MAGIC = Buffer.from("KINTFOOT", "latin1");
const DIGEST = /^[0-9a-f]{64}$/;

/** What all footers of a set have in common. */
export interface ShardSetFooter {
  /** Bytes of object data in the set. */
  readonly dataBytes: number;
  /** Of the object or part, without quotes. */
  readonly etag: string;
  readonly checksums: readonly ObjectChecksum[];
  readonly attributes: {
    readonly headers: Readonly<Record<string, string>>;
    readonly userMetadata: Readonly<Record<string, string>>;
  };
  /** The digest of each of the k+m shards, by index, in hex. */
  readonly digests: readonly string[];
  /** When the data had ended, in milliseconds since 1970. */
  readonly createdAt: number;
  /** For a part of a multipart upload. */
  readonly part?: ShardPart | undefined;
  /** Where the bytes are sealed: then `dataBytes` and `etag` are of the sealed ones. */
  readonly seal?: ShardSeal | undefined;
  /** What else the metadata says of the object, for making it anew: text that nobody here reads. */
  readonly about?: string | undefined;
}

export interface ShardFooter extends ShardSetFooter {
  readonly setId: SetId;
  readonly index: number;
}

export interface FooterPlace {
  /** Where the footer begins in the file, in bytes. */
  readonly offset: number;
  /** Its size, trailer included, up to the end of the file. */
  readonly footerBytes: number;
}

/**
 * The footers of all shards, one for each digest, in order of index. `offset` is where they begin in the files: after
 * the last block (`footerOffset`).
 */
export function renderShardFooters(
  setId: SetId,
  set: ShardSetFooter,
  offset: number,
): readonly Uint8Array[] {
  const { dataBytes, etag, checksums, attributes, digests, createdAt, part, seal, about } = set;
  const fields = { dataBytes, etag, checksums, attributes, digests, createdAt, part, seal, about };
  const json = Buffer.from(JSON.stringify(fields), "utf8");
  const footerBytes = json.length + TRAILER_BYTES;
  assert(footerBytes <= FOOTER_BYTES_MAX, "a shard footer is bounded");
  return digests.map((_, index) => {
    const footer = Buffer.allocUnsafe(footerBytes);
    json.copy(footer);
    const trailer = footer.subarray(json.length);
    trailer.write(setId, "hex");
    trailer.writeUInt16LE(index, 16);
    trailer.writeUInt16LE(SHARD_FORMAT_VERSION, 18);
    trailer.writeUInt32LE(json.length, 20);
    trailer.writeBigUInt64LE(BigInt(offset + footerBytes), 24);
    trailer.writeUInt32LE(crc32c(footer.subarray(0, json.length + 32)), 32);
    MAGIC.copy(trailer, 36);
    return footer;
  });
}

/**
 * Where the footer is, from the last `TRAILER_BYTES` of a file of `fileBytes`.
 * @throws ShardError Corrupt when that is not the end of a whole shard file.
 */
export function locateFooter(trailer: Uint8Array, fileBytes: number): FooterPlace {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (bytes.length !== TRAILER_BYTES || !bytes.subarray(36).equals(MAGIC)) {
    throw corruptShard("the file does not end in a footer");
  }
  const version = bytes.readUInt16LE(18);
  if (version > SHARD_FORMAT_VERSION) {
    throw corruptShard(`format version ${version} is newer than this program knows`);
  }
  if (version !== SHARD_FORMAT_VERSION) throw corruptShard(`format version ${version} is unknown`);
  if (bytes.readBigUInt64LE(24) !== BigInt(fileBytes)) {
    throw corruptShard("the file has another size than its footer says");
  }
  const footerBytes = bytes.readUInt32LE(20) + TRAILER_BYTES;
  if (footerBytes > Math.min(FOOTER_BYTES_MAX, fileBytes)) {
    throw corruptShard("the footer's size makes no sense");
  }
  return { offset: fileBytes - footerBytes, footerBytes };
}

/**
 * A footer from exactly its bytes (see `locateFooter`), which end a file of `fileBytes`.
 * @throws ShardError Corrupt for anything else: changed, cut off, too long, of another kind or a newer version.
 */
export function parseShardFooter(footer: Uint8Array, fileBytes: number): ShardFooter {
  const bytes = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength);
  if (bytes.length < TRAILER_BYTES) throw corruptShard("the footer is cut off");
  const jsonBytes = bytes.length - TRAILER_BYTES;
  const trailer = bytes.subarray(jsonBytes);
  if (locateFooter(trailer, fileBytes).footerBytes !== bytes.length) {
    throw corruptShard("the footer has another size than it says");
  }
  if (crc32c(bytes.subarray(0, jsonBytes + 32)) !== trailer.readUInt32LE(32)) {
    throw corruptShard("the footer does not match its checksum");
  }
  return parseOrCorrupt("the footer", () => {
    const setId = trailer.toString("hex", 0, 16);
    if (!isSetId(setId)) throw new FieldError("it names no set");
    const set = parseSetFooter(bytes.subarray(0, jsonBytes));
    const index = trailer.readUInt16LE(16);
    if (index >= set.digests.length) throw new FieldError("the index is too high");
    return { ...set, setId, index };
  });
}

function parseSetFooter(json: Uint8Array): ShardSetFooter {
  const fields = parseFields(json);
  const attributes = objectField(fields, "attributes") ?? new Map<string, unknown>();
  const digests = textListField(fields, "digests");
  if (!digests.every((digest) => DIGEST.test(digest))) throw new FieldError("a digest is none");
  return {
    dataBytes: countField(fields, "dataBytes"),
    etag: textField(fields, "etag"),
    checksums: listField(fields, "checksums").map(parseChecksum),
    attributes: {
      headers: textMapField(attributes, "headers"),
      userMetadata: textMapField(attributes, "userMetadata"),
    },
    digests,
    createdAt: countField(fields, "createdAt"),
    part: partField(fields),
    seal: sealField(fields),
    about: fields.has("about") ? textField(fields, "about") : undefined,
  };
}

function parseChecksum(value: unknown): ObjectChecksum {
  const fields = fieldsOf(value, "a checksum");
  const name = textField(fields, "algorithm");
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (algorithm === undefined) throw new FieldError(`"${name}" is no checksum algorithm`);
  const type = textField(fields, "type");
  if (type !== "COMPOSITE" && type !== "FULL_OBJECT") {
    throw new FieldError(`"${type}" is no checksum type`);
  }
  return { algorithm, type, value: textField(fields, "value") };
}
