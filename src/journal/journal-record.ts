// One record of the journal: what a group of metadata changes did, as bytes. Little-endian:
//
//   0 CRC32C of all that follows | 4 magic and version | 8 length of the whole | 12 epoch | 16 sequence (48 bits)
//   22 kind | 23 zero | 24 digest of the record before (32 bytes) | 56 payload
//
// The digest of a record is SHA-256 over everything but its CRC. As it covers the digest of the one before, it names
// the whole history up to there.

import { hash } from "node:crypto";
import { crc32c } from "../util/crc32c.ts";
import { assert } from "../util/assert.ts";
import { JournalError, type ChainPosition } from "./journal-member.ts";
import { isMark, MARK_BYTES } from "./sync-mark.ts";

/** A record that opens an epoch, or one that carries changes; others may come. */
export const RECORD_KIND = { open: 1, changes: 2, roster: 3 } as const;

export const RECORD_HEADER_BYTES = 56;

/** Larger ones are neither written nor believed: memory stays bounded whatever a drive says. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** "KJR" and the version. */
const MAGIC = Buffer.from("KJR\u0001", "latin1").readUInt32LE();
const MAGIC_MASK = 0x00_ff_ff_ff;
const SEQUENCE_MAX = 2 ** 48 - 1;
const DIGEST_BYTES = 32;

export interface RecordHead extends ChainPosition {
  readonly kind: number;
  /** Digest of the record before it, in hex. */
  readonly previousDigest: string;
}

export interface JournalRecord extends RecordHead {
  readonly payload: Uint8Array;
  /** The record as it is stored. */
  readonly bytes: Uint8Array;
}

export interface RecordInput {
  readonly sequence: number;
  readonly epoch: number;
  readonly kind: number;
  /** In hex. */
  readonly previousDigest: string;
  /** In pieces that follow one another. */
  readonly payload: readonly Uint8Array[];
}

/** What stands at a place where a record should. */
export type ParsedRecord =
  | { readonly kind: "record"; readonly record: JournalRecord }
  /** The bytes end before the record does. */
  | { readonly kind: "incomplete"; readonly bytesNeeded: number }
  | { readonly kind: "broken"; readonly why: string };

export interface ParsedRecords {
  readonly records: readonly JournalRecord[];
  /** Where each of them ends. */
  readonly ends: readonly number[];
  /** Where the last of them ends. */
  readonly usedBytes: number;
  /** Why no further one was taken; undefined: the bytes are used up. */
  readonly stop: Exclude<ParsedRecord, { kind: "record" }> | undefined;
}

/** `sizeBytes`: bytes whose memory was given back are no record any more. */
interface OwnRecord {
  readonly head: RecordHead;
  readonly sizeBytes: number;
}

// What was encoded here need not be hashed again by every member that takes it.
const ownRecords = new WeakMap<Uint8Array, OwnRecord>();

/** The payload is copied once. `bytes` must not be changed afterwards; large ones have their memory for themselves. */
export function encodeRecord(input: RecordInput): { bytes: Uint8Array; digest: string } {
  const { sequence, epoch, kind, previousDigest, payload } = input;
  let length = RECORD_HEADER_BYTES;
  for (const piece of payload) length += piece.length;
  assert(length <= RECORD_BYTES_MAX, `a record of ${length} bytes`);
  assert(Number.isSafeInteger(sequence) && sequence <= SEQUENCE_MAX, `sequence ${sequence}`);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32LE(MAGIC, 4);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt32LE(epoch, 12);
  bytes.writeUIntLE(sequence, 16, 6);
  bytes.writeUInt8(kind, 22);
  bytes.writeUInt8(0, 23);
  assert(bytes.write(previousDigest, 24, "hex") === DIGEST_BYTES, "a digest of another length");
  let offset = RECORD_HEADER_BYTES;
  for (const piece of payload) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  const covered = bytes.subarray(4);
  bytes.writeUInt32LE(crc32c(covered), 0);
  const digest = hash("sha256", covered, "hex");
  const head = { sequence, epoch, kind, previousDigest, digest };
  ownRecords.set(bytes, { head, sizeBytes: length });
  return { bytes, digest };
}

/** What a record says of itself; undefined when the bytes are not exactly one intact record. */
export function recordHead(bytes: Uint8Array): RecordHead | undefined {
  const known = ownRecords.get(bytes);
  if (known?.sizeBytes === bytes.length) return known.head;
  const parsed = recordAt(bytes);
  if (parsed.kind !== "record" || parsed.record.bytes.length !== bytes.length) return undefined;
  return parsed.record;
}

/** What the bytes of exactly one record say; the result shares their memory. @throws JournalError Corrupt */
export function parseRecord(bytes: Uint8Array): JournalRecord {
  const parsed = recordAt(bytes);
  if (parsed.kind === "broken") throw new JournalError("Corrupt", `a record: ${parsed.why}`);
  if (parsed.kind === "incomplete" || parsed.record.bytes.length !== bytes.length) {
    throw new JournalError("Corrupt", "a record: its length does not match");
  }
  return parsed.record;
}

/** The record at the beginning of `bytes`, whatever follows. Never throws; parts of the result share its memory. */
export function recordAt(bytes: Uint8Array): ParsedRecord {
  if (bytes.length < RECORD_HEADER_BYTES) {
    return { kind: "incomplete", bytesNeeded: RECORD_HEADER_BYTES };
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = buffer.readUInt32LE(4);
  if (magic !== MAGIC) return broken(magicFault(magic));
  const length = buffer.readUInt32LE(8);
  if (length < RECORD_HEADER_BYTES || length > RECORD_BYTES_MAX) {
    return broken(`a record of ${length} bytes is impossible`);
  }
  if (buffer.length < length) return { kind: "incomplete", bytesNeeded: length };
  const covered = buffer.subarray(4, length);
  if (buffer.readUInt32LE(0) !== crc32c(covered)) return broken("its checksum does not match");
  const record: JournalRecord = {
    sequence: buffer.readUIntLE(16, 6),
    epoch: buffer.readUInt32LE(12),
    kind: buffer.readUInt8(22),
    previousDigest: buffer.toString("hex", 24, RECORD_HEADER_BYTES),
    digest: hash("sha256", covered, "hex"),
    payload: buffer.subarray(RECORD_HEADER_BYTES, length),
    bytes: buffer.subarray(0, length),
  };
  return { kind: "record", record };
}

/**
 * The records at the beginning of `bytes` that follow one another, and `after` where it is given. Marks between them
 * (sync-mark.ts) are passed over. Never throws.
 */
export function parseRecords(bytes: Uint8Array, after?: ChainPosition): ParsedRecords {
  const records: JournalRecord[] = [];
  const ends: number[] = [];
  let usedBytes = 0;
  let position = after;
  while (usedBytes < bytes.length) {
    const rest = bytes.subarray(usedBytes);
    const markBytes = isMark(rest) ? MARK_BYTES : 0;
    const parsed = recordAt(rest.subarray(markBytes));
    if (parsed.kind === "incomplete") {
      const bytesNeeded = markBytes + parsed.bytesNeeded;
      return { records, ends, usedBytes, stop: { ...parsed, bytesNeeded } };
    }
    if (parsed.kind === "broken") return { records, ends, usedBytes, stop: parsed };
    const { record } = parsed;
    if (position !== undefined && !isNextAfter(position, record)) {
      const why = `record ${record.sequence} does not follow record ${position.sequence}`;
      return { records, ends, usedBytes, stop: { kind: "broken", why } };
    }
    records.push(record);
    usedBytes += markBytes + record.bytes.length;
    ends.push(usedBytes);
    position = record;
  }
  return { records, ends, usedBytes, stop: undefined };
}

/** Whether a record continues a chain that ends at `position`. */
export function isNextAfter(position: ChainPosition, record: RecordHead): boolean {
  return (
    record.sequence === position.sequence + 1 &&
    record.epoch >= position.epoch &&
    record.previousDigest === position.digest
  );
}

export function isSamePosition(one: ChainPosition, two: ChainPosition): boolean {
  return one.sequence === two.sequence && one.epoch === two.epoch && one.digest === two.digest;
}

/** Whether records of that kind say who the members are. */
export function isRosterKind(kind: number): boolean {
  return kind === RECORD_KIND.open || kind === RECORD_KIND.roster;
}

/** A position alone, without what else a record or a snapshot carries. */
export function positionOf({ sequence, epoch, digest }: ChainPosition): ChainPosition {
  return { sequence, epoch, digest };
}

function broken(why: string): ParsedRecord {
  return { kind: "broken", why };
}

function magicFault(magic: number): string {
  if (((magic ^ MAGIC) & MAGIC_MASK) !== 0) return "no record begins here";
  return `it is a record of version ${magic >>> 24}, which this program does not know`;
}
