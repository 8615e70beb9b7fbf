// What is the same on channels for reads and for writes, connections that a gateway and a node have proven to each other once
// (an HTTP upgrade): one request at a time, numbered, and its answer. Numbers are little-endian.
//
//   answer   0  number of the request, u32                12  0, u32
//            4  status, as HTTP has them, u32             16  SipHash-2-4 of bytes 0 to 15 and what follows;
//            8  length of what follows, u32                   0 where shards' bytes follow
//
// Invariant: nobody without the channel's keys can make a request, or an answer that is proven.

import { isShortMac, SHORT_MAC_BYTES, writeShortMac, type ShortMacKey } from "../util/short-mac.ts";
import { parseError } from "./protocol.ts";

/** Largest answer that is proven, in bytes. */
export const PROVEN_BYTES_MAX = 64 * 1024;

const MAC_AT = 16;
export const ANSWER_HEAD_BYTES = MAC_AT + SHORT_MAC_BYTES;

export interface AnswerHead {
  readonly status: number;
  /** Of what follows, in bytes. */
  readonly length: number;
}

/** The number of the request after that one: a channel outlives 2^32 of them. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0;
}

/** Of an answer that proves itself: what follows has checksums of its own. */
export function renderAnswerHead(sequence: number, { status, length }: AnswerHead): Buffer {
  const head = Buffer.alloc(ANSWER_HEAD_BYTES);
  head.writeUInt32LE(sequence, 0);
  head.writeUInt32LE(status, 4);
  head.writeUInt32LE(length, 8);
  return head;
}

/** An answer as a whole, with its MAC. */
export function renderProvenAnswer(
  key: ShortMacKey,
  sequence: number,
  { status, body }: { readonly status: number; readonly body: Uint8Array },
): Buffer {
  const head = renderAnswerHead(sequence, { status, length: body.length });
  const place = { target: head, offset: MAC_AT };
  writeShortMac(key, Buffer.concat([head.subarray(0, MAC_AT), body]), place);
  return Buffer.concat([head, body]);
}

/** Undefined where it answers another request. */
export function parseAnswerHead(sequence: number, head: Buffer): AnswerHead | undefined {
  if (head.readUInt32LE(0) !== sequence) return undefined;
  return { status: head.readUInt32LE(4), length: head.readUInt32LE(8) };
}

/** What an answer that is no success says, or that it says nothing that makes sense. */
export function errorOfAnswer(status: number, body: Uint8Array): unknown {
  try {
    return parseError(status, body);
  } catch (error) {
    return error;
  }
}

export function isChannelAnswerProven(key: ShortMacKey, head: Buffer, body: Uint8Array): boolean {
  const message = Buffer.concat([head.subarray(0, MAC_AT), body]);
  return isShortMac(key, message, head.subarray(MAC_AT));
}
