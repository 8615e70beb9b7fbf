// A segment of the journal: a file of a header and records. It says on what it stands, so that the segments of a folder
// form one chain without being read. Header: CRC32C of what follows | magic | version | bytes of the header | JSON.
//
// Segments are numbered in the order of their creation, and a later one overrides what earlier ones hold behind its base.
// Its creation vouches for everything up to its base: that is durable. So only the end of the newest one is in doubt.

import { crc32c } from "../util/crc32c.ts";
import {
  authorityIn,
  ContentError,
  contentOf,
  countOf,
  parseJson,
  positionIn,
  textOf,
  type Content,
} from "./checked-json.ts";
import type { Authority, ChainPosition } from "./journal-member.ts";

export interface SegmentHeader {
  readonly clusterId: string;
  readonly driveId: string;
  /** Who made it. */
  readonly authority: Authority;
  /** What stands before its first record. */
  readonly base: ChainPosition;
  /** The segment that it continues, and where in that file; undefined: with it the chain begins anew. */
  readonly follows: { readonly name: string; readonly endOffset: number } | undefined;
  /** See MemberState; absent: it is not. */
  readonly isIncomplete?: boolean | undefined;
}

export type ParsedHeader =
  | {
      readonly kind: "header";
      readonly header: SegmentHeader;
      /** The members as of its base: see MemberState. */
      readonly roster: Uint8Array | undefined;
      readonly headerBytes: number;
    }
  /** The bytes end before the header does. */
  | { readonly kind: "incomplete"; readonly bytesNeeded: number }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "damaged"; readonly why: string };

export interface SegmentName {
  readonly name: string;
  readonly number: number;
}

/** A larger header is none. */
const HEADER_BYTES_MAX = 16 * 1024 * 1024;
export const SEGMENT_VERSION = 1;

const MAGIC = Buffer.from("KINTJRNL", "latin1");
const FRAME_BYTES = 20;
const NAME = /^([0-9a-f]{8})-[0-9a-f]{16}-[0-9a-f]{8}\.log$/;

export function segmentName(number: number, header: SegmentHeader): string {
  const first = hex(header.base.sequence + 1, 16);
  return `${hex(number, 8)}-${first}-${hex(header.authority.epoch, 8)}.log`;
}

/** Undefined when a segment is not named so. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : { name, number: Number.parseInt(digits, 16) };
}

export function encodeSegmentHeader(
  header: SegmentHeader,
  roster: Uint8Array | undefined,
): Uint8Array {
  const text = roster && Buffer.from(roster).toString("base64");
  const json = Buffer.from(JSON.stringify({ ...header, roster: text }), "utf8");
  const bytes = Buffer.alloc(FRAME_BYTES + json.length);
  MAGIC.copy(bytes, 4);
  bytes.writeUInt32LE(SEGMENT_VERSION, 12);
  bytes.writeUInt32LE(bytes.length, 16);
  json.copy(bytes, FRAME_BYTES);
  bytes.writeUInt32LE(crc32c(bytes.subarray(4)), 0);
  return bytes;
}

/** Never throws. */
export function parseSegmentHeader(bytes: Uint8Array): ParsedHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length < FRAME_BYTES) return damaged("it is too short");
  if (!buffer.subarray(4, 12).equals(MAGIC)) return damaged("it is no segment of a journal");
  const headerBytes = buffer.readUInt32LE(16);
  if (headerBytes < FRAME_BYTES || headerBytes > HEADER_BYTES_MAX) {
    return damaged(`a header of ${headerBytes} bytes is impossible`);
  }
  if (headerBytes > buffer.length) return { kind: "incomplete", bytesNeeded: headerBytes };
  if (buffer.readUInt32LE(0) !== crc32c(buffer.subarray(4, headerBytes))) {
    return damaged("the checksum of its header does not match");
  }
  const version = buffer.readUInt32LE(12);
  if (version > SEGMENT_VERSION) return { kind: "newer", version };
  try {
    const content = contentOf(parseJson(buffer.subarray(FRAME_BYTES, headerBytes)));
    const header = headerIn(content);
    const roster = content.has("roster")
      ? Buffer.from(textOf(content, "roster"), "base64")
      : undefined;
    return { kind: "header", header, roster, headerBytes };
  } catch (error) {
    if (error instanceof ContentError) return damaged(error.message);
    throw error;
  }
}

/** A number of a name, as hex digits of a fixed count. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function headerIn(content: Content): SegmentHeader {
  const follows = content.get("follows");
  return {
    clusterId: textOf(content, "clusterId"),
    driveId: textOf(content, "driveId"),
    authority: authorityIn(contentOf(content.get("authority"))),
    base: positionIn(contentOf(content.get("base"))),
    follows: follows === undefined ? undefined : placeIn(contentOf(follows)),
    isIncomplete: content.get("isIncomplete") === true ? true : undefined,
  };
}

function placeIn(content: Content): { name: string; endOffset: number } {
  return { name: textOf(content, "name"), endOffset: countOf(content, "endOffset") };
}

function damaged(why: string): ParsedHeader {
  return { kind: "damaged", why };
}
