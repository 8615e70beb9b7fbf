// The body of a request that stores a shard: frames, because a connection's end says nothing about a body's being
// whole. Each frame begins with a 32-bit little-endian number: 0 is a sign of life of a sender that has nothing to
// send yet; up to FRAME_BYTES_MAX is the count of data bytes that follow; END_MARK begins the end:
//
//   0  END_MARK, u32     5  count of data bytes, u64     17  SipHash-2-4 of bytes 4 to 16 and the request's number
//   4  kind, u8         13  CRC32C of the data, u32      25
//
// Invariant: without an end frame that only the sender can make, nothing is ever finished.

import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { isShortMac, SHORT_MAC_BYTES, writeShortMac, type ShortMacKey } from "../util/short-mac.ts";
import { RefusedRequestError } from "./protocol.ts";

/** Largest frame, in bytes of data. */
export const FRAME_BYTES_MAX = 1024 * 1024;
export const FRAME_HEADER_BYTES = 4;
/** What says that the sender lives. */
export const PING_FRAME: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);

const END_MARK = 0xffff_ffff;
const SIGNED_BYTES_AT = 4;
const MAC_AT = 17;
/** What ends a body, in bytes. */
export const BODY_END_BYTES = MAC_AT + SHORT_MAC_BYTES;
const KINDS = ["abort", "finish"] as const;

/** How a sender ends: keep the shard, or forget it. */
export type BodyEndKind = (typeof KINDS)[number];

export interface BodyEnd {
  readonly kind: BodyEndKind;
  readonly dataBytes: number;
  readonly checksum: number;
}

/** Whose body it is. */
export interface BodyKey {
  /** Of the channel that it comes on. */
  readonly mac: ShortMacKey;
  /** The number of the request. */
  readonly sequence: number;
}

/** Writes the header of a frame of `dataBytes` at the start of `target`. */
export function writeFrameHeader(target: Uint8Array, dataBytes: number): void {
  assert(dataBytes > 0 && dataBytes <= FRAME_BYTES_MAX, "a frame is bounded");
  new DataView(target.buffer, target.byteOffset).setUint32(0, dataBytes, true);
}

export function renderBodyEnd({ mac, sequence }: BodyKey, end: BodyEnd): Buffer {
  const frame = Buffer.allocUnsafe(BODY_END_BYTES);
  frame.writeUInt32LE(END_MARK, 0);
  frame.writeUInt8(KINDS.indexOf(end.kind), 4);
  frame.writeBigUInt64LE(BigInt(end.dataBytes), 5);
  frame.writeUInt32LE(end.checksum, 13);
  const place = { target: frame, offset: MAC_AT };
  writeShortMac(mac, signedPart(frame, sequence), place);
  return frame;
}

/** Takes a body apart as it comes, without copying its data. */
export class ShardBodyParser {
  readonly #key: BodyKey;
  // Bytes of a frame's beginning that the network cut in two.
  #head: Buffer = Buffer.alloc(0);
  #frameBytesLeft = 0;
  readonly #bytesMax: number;
  #dataBytes = 0;
  #checksum = 0;
  #end: BodyEndKind | undefined;

  /** `bytesMax`: of data, in bytes. */
  constructor(key: BodyKey, bytesMax: number) {
    this.#key = key;
    this.#bytesMax = bytesMax;
  }

  /**
   * The data in the next piece of the body, as views of it.
   * @throws RefusedRequestError BadRequest when it is malformed or larger than it may be.
   */
  push(piece: Buffer): readonly Uint8Array[] {
    const data: Uint8Array[] = [];
    let rest = piece;
    while (rest.length > 0) {
      if (this.#frameBytesLeft > 0) {
        const part = rest.subarray(0, this.#frameBytesLeft);
        this.#count(part);
        data.push(part);
        rest = rest.subarray(part.length);
      } else {
        rest = this.#takeHead(rest);
      }
    }
    return data;
  }

  /** Whether all of it has come. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** How the body ended. @throws RefusedRequestError BadRequest when it just stops. */
  end(): BodyEndKind {
    if (this.#end === undefined) throw malformed("it stops before its end");
    return this.#end;
  }

  #count(part: Uint8Array): void {
    this.#frameBytesLeft -= part.length;
    this.#dataBytes += part.length;
    this.#checksum = crc32c(part, this.#checksum);
  }

  /** Reads a frame's beginning and returns what follows it. */
  #takeHead(piece: Buffer): Buffer {
    if (this.#end !== undefined) throw malformed("it goes on after its end");
    const head = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
    const headBytes = startsEnd(head) ? BODY_END_BYTES : FRAME_HEADER_BYTES;
    if (head.length < headBytes) {
      // At most an end frame less one byte; a copy, so that it does not hold the network's whole buffer.
      this.#head = Buffer.from(head);
      return head.subarray(head.length);
    }
    this.#head = Buffer.alloc(0);
    if (headBytes === BODY_END_BYTES) this.#end = this.#parseEnd(head.subarray(0, BODY_END_BYTES));
    else this.#beginFrame(head.readUInt32LE(0));
    return head.subarray(headBytes);
  }

  #beginFrame(dataBytes: number): void {
    if (dataBytes > FRAME_BYTES_MAX) throw malformed("a frame is too large");
    if (this.#dataBytes + dataBytes > this.#bytesMax) throw malformed("it is too large");
    this.#frameBytesLeft = dataBytes;
  }

  #parseEnd(frame: Buffer): BodyEndKind {
    const { mac, sequence } = this.#key;
    if (!isShortMac(mac, signedPart(frame, sequence), frame.subarray(MAC_AT))) {
      throw malformed("its end is not the sender's");
    }
    const kind = KINDS[frame.readUInt8(4)];
    if (kind === undefined) throw malformed("its end is of no known kind");
    // An aborted shard is thrown away whatever came of it.
    if (kind === "abort") return kind;
    if (frame.readBigUInt64LE(5) !== BigInt(this.#dataBytes)) throw malformed("bytes are missing");
    if (frame.readUInt32LE(13) !== this.#checksum) throw malformed("bytes changed on the way");
    return kind;
  }
}

function signedPart(end: Buffer, sequence: number): Buffer {
  const message = Buffer.allocUnsafe(MAC_AT - SIGNED_BYTES_AT + 4);
  end.copy(message, 0, SIGNED_BYTES_AT, MAC_AT);
  message.writeUInt32LE(sequence, MAC_AT - SIGNED_BYTES_AT);
  return message;
}

function startsEnd(head: Buffer): boolean {
  return head.length >= FRAME_HEADER_BYTES && head.readUInt32LE(0) === END_MARK;
}

function malformed(how: string): RefusedRequestError {
  return new RefusedRequestError("BadRequest", `the body is malformed: ${how}`);
}
