// What is asked on a channel for reads. There is nothing of HTTP in it, which costs a node more than the read.
//
//   request  0  number of the request on this channel, u32     20  index of the shard, u16
//            4  length, u32                                    22  0, u16
//            8  offset, u64                                    24  id of the shard's set, 16 bytes
//           16  how much more is likely to be read next, u32   40  SipHash-2-4 of bytes 0 to 39
//
// What follows the answer's head (channel-frames.ts) is the shard's bytes: those asked for, and of those likely to be asked for
// as many as the node likes; or the error as JSON, proven. Invariant: nothing is read for a request without the MAC for this place on this channel.

import { isSetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { isShortMac, SHORT_MAC_BYTES, writeShortMac, type ShortMacKey } from "../util/short-mac.ts";
import { READ_BYTES_MAX, RefusedRequestError } from "./protocol.ts";
import { SHARD_COUNT_MAX } from "./shard-header.ts";
import type { ShardName } from "./shard-store.ts";

/** What may be likely to be read next, in bytes, at most. */
export const READ_AHEAD_BYTES_MAX = READ_BYTES_MAX;
/** The name of the protocol in an HTTP upgrade. */
export const READ_UPGRADE = "kintsugi-reads";

const REQUEST_MAC_AT = 40;
export const READ_REQUEST_BYTES = REQUEST_MAC_AT + SHORT_MAC_BYTES;

export interface WireRead {
  readonly name: ShardName;
  readonly offset: number;
  readonly length: number;
  /** Bytes after them that are likely to be read next. */
  readonly aheadBytes: number;
}

export function renderReadRequest(key: ShortMacKey, sequence: number, read: WireRead): Buffer {
  const frame = Buffer.allocUnsafe(READ_REQUEST_BYTES);
  frame.writeUInt32LE(sequence, 0);
  frame.writeUInt32LE(read.length, 4);
  frame.writeUIntLE(read.offset, 8, 6);
  frame.writeUInt16LE(0, 14);
  frame.writeUInt32LE(read.aheadBytes, 16);
  frame.writeUInt16LE(read.name.index, 20);
  frame.writeUInt16LE(0, 22);
  assert(frame.write(read.name.setId, 24, "hex") === 16, "a shard is named by a set id");
  const place = { target: frame, offset: REQUEST_MAC_AT };
  writeShortMac(key, frame.subarray(0, REQUEST_MAC_AT), place);
  return frame;
}

/** @throws RefusedRequestError Denied, BadRequest */
export function parseReadRequest(key: ShortMacKey, sequence: number, frame: Buffer): WireRead {
  const isOurs = isShortMac(key, frame.subarray(0, REQUEST_MAC_AT), frame.subarray(REQUEST_MAC_AT));
  if (!isOurs || frame.readUInt32LE(0) !== sequence) {
    throw new RefusedRequestError("Denied", "that is no request for this channel");
  }
  const setId = frame.toString("hex", 24, 40);
  const index = frame.readUInt16LE(20);
  const [length, aheadBytes] = [frame.readUInt32LE(4), frame.readUInt32LE(16)];
  const isBounded = length <= READ_BYTES_MAX && aheadBytes <= READ_AHEAD_BYTES_MAX;
  const isPlain = frame.readUInt16LE(14) === 0 && frame.readUInt16LE(22) === 0;
  if (!isBounded || !isPlain || !isSetId(setId) || index >= SHARD_COUNT_MAX) {
    throw new RefusedRequestError("BadRequest", "a read names a shard and is bounded");
  }
  return { name: { setId, index }, offset: frame.readUIntLE(8, 6), length, aheadBytes };
}
