// What the header of a pack's entry says beyond its fixed fields, as few bytes as may be: it is written once in each
// shard of each small object. Texts are UTF-8 behind their length; lengths and counts are variable: seven bits a byte,
// the lowest first, the highest bit set on all but the last.
//
//   bucket, key, flags; then what the flags name: upload id and part number; checksums; headers; user metadata; the seal;
//   what else is known of the object
//
// A checksum is a byte (algorithm, and bits for "composite" and "as text") and its value, raw where it is plain base64.
// A header is a byte: one of the usual names, or usual names with values, by number; or 0, and its name. The lists below
// are part of the format: they may grow at their end, and nothing in them ever moves.

import type { ChecksumAlgorithm, ObjectChecksum } from "../core/checksum.ts";
import { PART_NUMBER_MAX } from "../core/limits.ts";
import { assert } from "../util/assert.ts";
import { ByteWriter } from "../util/byte-writer.ts";
import type { PackEntry } from "./pack-entry.ts";
import { FieldError, parseFields } from "./json-fields.ts";
import { partField } from "./shard-part.ts";
import { sealField } from "./shard-seal.ts";

type EntryBody = Pick<
  PackEntry,
  "about" | "attributes" | "bucket" | "checksums" | "key" | "part" | "seal"
>;

const FLAGS = { part: 1, checksums: 2, headers: 4, userMetadata: 8, seal: 16, about: 32 } as const;
const ALL_FLAGS = 63;
/** Their numbers, for ever: new ones come last. */
const ALGORITHMS: readonly ChecksumAlgorithm[] = [
  "CRC32",
  "CRC32C",
  "CRC64NVME",
  "SHA1",
  "SHA256",
  "SHA512",
  "MD5",
  "XXHASH64",
  "XXHASH3",
  "XXHASH128",
];
const COMPOSITE_BIT = 0x80;
const TEXT_BIT = 0x40;
/** Numbered from 1. */
const NAMES = [
  "content-type",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
];
/** Numbered from PAIRS_FROM. */
const PAIRS: readonly (readonly [string, string])[] = [
  ["content-type", "application/octet-stream"],
  ["content-type", "binary/octet-stream"],
  ["content-type", "application/json"],
  ["content-type", "text/plain"],
  ["content-type", "image/jpeg"],
  ["content-type", "image/png"],
];
const PAIRS_FROM = 128;
/** Of an entry without much metadata: more takes another buffer. */
const USUAL_BYTES_MAX = 512;
/** No count is larger: a header of so many things would not fit. */
const COUNT_MAX = 0xffff;

export function renderEntryBody(entry: EntryBody): Buffer {
  const { bucket, key, part, checksums, attributes, seal, about } = entry;
  const headers = Object.entries(attributes.headers);
  const userMetadata = Object.entries(attributes.userMetadata);
  const flags =
    (part === undefined ? 0 : FLAGS.part) |
    (checksums.length === 0 ? 0 : FLAGS.checksums) |
    (headers.length === 0 ? 0 : FLAGS.headers) |
    (userMetadata.length === 0 ? 0 : FLAGS.userMetadata) |
    (seal === undefined ? 0 : FLAGS.seal) |
    (about === undefined ? 0 : FLAGS.about);
  const body = new ByteWriter(USUAL_BYTES_MAX);
  body.text(bucket);
  body.text(key);
  body.byte(flags);
  if (part !== undefined) {
    body.text(part.uploadId);
    body.count(part.number);
  }
  if (checksums.length > 0) body.count(checksums.length);
  for (const checksum of checksums) addChecksum(body, checksum);
  if (headers.length > 0) body.count(headers.length);
  for (const [name, value] of headers) addHeader(body, name, value);
  if (userMetadata.length > 0) body.count(userMetadata.length);
  for (const [name, value] of userMetadata) {
    body.text(name);
    body.text(value);
  }
  if (seal !== undefined) body.text(JSON.stringify({ seal }));
  if (about !== undefined) body.text(about);
  return body.bytes();
}

/** Undefined for anything that was not rendered here. */
export function findEntryBody(bytes: Buffer): EntryBody | undefined {
  try {
    return new BodyReader(bytes).entry();
  } catch (error) {
    if (error instanceof FieldError) return undefined;
    throw error;
  }
}

function addChecksum(body: ByteWriter, { algorithm, type, value }: ObjectChecksum): void {
  const raw = Buffer.from(value, "base64");
  const isRaw = raw.toString("base64") === value;
  const index = ALGORITHMS.indexOf(algorithm);
  assert(index >= 0, "every algorithm has a number in packs");
  body.byte(index | (type === "COMPOSITE" ? COMPOSITE_BIT : 0) | (isRaw ? 0 : TEXT_BIT));
  if (isRaw) body.counted(raw);
  else body.text(value);
}

function addHeader(body: ByteWriter, name: string, value: string): void {
  const pair = PAIRS.findIndex(([known, usual]) => known === name && usual === value);
  if (pair >= 0) {
    body.byte(PAIRS_FROM + pair);
    return;
  }
  const known = NAMES.indexOf(name);
  body.byte(known + 1);
  if (known < 0) body.text(name);
  body.text(value);
}

/** Reads from the start on. Whatever does not fit is a FieldError. */
class BodyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  entry(): EntryBody {
    const bucket = this.#text();
    const key = this.#text();
    const flags = this.#byte();
    if (flags > ALL_FLAGS) throw new FieldError("the flags are unknown");
    const part = (flags & FLAGS.part) === 0 ? undefined : this.#part();
    const checksums = this.#list(flags & FLAGS.checksums, () => this.#checksum());
    const headers = this.#list(flags & FLAGS.headers, () => this.#header());
    const userMetadata = this.#list(
      flags & FLAGS.userMetadata,
      () => [this.#text(), this.#text()] as const,
    );
    const seal = (flags & FLAGS.seal) === 0 ? undefined : sealField(parseFields(this.#take()));
    const about = (flags & FLAGS.about) === 0 ? undefined : this.#text();
    if (this.#at !== this.#bytes.length) throw new FieldError("there is more than belongs there");
    // Made by defining properties, so that "__proto__" is a name like any other.
    const attributes = {
      headers: Object.fromEntries(headers),
      userMetadata: Object.fromEntries(userMetadata),
    };
    const rest = { ...(seal && { seal }), ...(about === undefined ? {} : { about }) };
    return { bucket, key, part, checksums, attributes, ...rest };
  }

  #part(): PackEntry["part"] {
    const part = { uploadId: this.#text(), number: this.#count(PART_NUMBER_MAX) };
    return partField(new Map([["part", part]]));
  }

  #checksum(): ObjectChecksum {
    const kind = this.#byte();
    const algorithm = ALGORITHMS[kind & ~(COMPOSITE_BIT | TEXT_BIT)];
    if (algorithm === undefined) throw new FieldError("a checksum algorithm is unknown");
    const type = (kind & COMPOSITE_BIT) === 0 ? "FULL_OBJECT" : "COMPOSITE";
    const value = (kind & TEXT_BIT) === 0 ? this.#take().toString("base64") : this.#text();
    return { algorithm, type, value };
  }

  #header(): readonly [string, string] {
    const kind = this.#byte();
    if (kind === 0) return [this.#text(), this.#text()];
    const pair = PAIRS[kind - PAIRS_FROM];
    if (pair !== undefined) return pair;
    const name = NAMES[kind - 1];
    if (name === undefined) throw new FieldError("a header is unknown");
    return [name, this.#text()];
  }

  #list<Item>(isThere: number, read: () => Item): readonly Item[] {
    if (isThere === 0) return [];
    const items: Item[] = [];
    for (let left = this.#count(COUNT_MAX); left > 0; left -= 1) items.push(read());
    return items;
  }

  #text(): string {
    return this.#take().toString("utf8");
  }

  #take(): Buffer {
    const length = this.#count(this.#bytes.length - this.#at);
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new FieldError("it is cut off");
    this.#at += length;
    return taken;
  }

  #count(max: number): number {
    let value = 0;
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 127) << shift;
      if (byte > 127) continue;
      if (value > max) throw new FieldError("a count is too large");
      return value;
    }
    throw new FieldError("a count is too long");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new FieldError("it is cut off");
    this.#at += 1;
    return byte;
  }
}
