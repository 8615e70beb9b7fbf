// What is asked on a channel for writes: the head of a request, of which the body follows (shard-body.ts), and then the answer,
// which is proven (channel-frames.ts). One that is not good ends the body before its time.
//
//   0  number of the request on this channel, u32     8  the text
//   4  length of the text, u16                           SipHash-2-4 of all before it
//   6  0, u16
//
// The text is the request as HTTP's first line and headers would say it, parted by spaces: method, URL, the SHA-256 of the body
// in hex or UNSIGNED where it is streamed, and for whom it is asked (owner-header.ts) if for somebody.
// Invariant: nothing is written for a request without the MAC for this place on this channel.

import { assert } from "../util/assert.ts";
import { isShortMac, SHORT_MAC_BYTES, writeShortMac, type ShortMacKey } from "../util/short-mac.ts";
import { checkUrl, RefusedRequestError } from "./protocol.ts";

/** The name of the protocol in an HTTP upgrade. */
export const WRITE_UPGRADE = "kintsugi-writes";

const TEXT_AT = 8;
const TEXT_BYTES_MAX = 1_024;
const TEXT = /^(POST|PUT) (\S+) ([0-9a-f]{64}|UNSIGNED)(?: (\S+))?$/;

export interface WireWrite {
  readonly method: "POST" | "PUT";
  /** Path and query. */
  readonly url: string;
  /** SHA-256 in hex, or `UNSIGNED_BODY`. */
  readonly body: string;
  readonly owner?: string | undefined;
}

export function renderWriteHead(key: ShortMacKey, sequence: number, write: WireWrite): Buffer {
  const { method, url, body, owner } = write;
  const text =
    owner === undefined ? `${method} ${url} ${body}` : `${method} ${url} ${body} ${owner}`;
  assert(text.length <= TEXT_BYTES_MAX, "the head of a write is bounded");
  const frame = Buffer.allocUnsafe(TEXT_AT + text.length + SHORT_MAC_BYTES);
  frame.writeUInt32LE(sequence, 0);
  frame.writeUInt16LE(text.length, 4);
  frame.writeUInt16LE(0, 6);
  frame.write(text, TEXT_AT, "latin1");
  const macAt = TEXT_AT + text.length;
  writeShortMac(key, frame.subarray(0, macAt), { target: frame, offset: macAt });
  return frame;
}

/**
 * The head at the start of what was received, and its size in bytes; undefined where there is more to come.
 * @throws RefusedRequestError Denied, BadRequest
 */
export function parseWriteHead(
  key: ShortMacKey,
  sequence: number,
  received: Buffer,
): { readonly write: WireWrite; readonly headBytes: number } | undefined {
  if (received.length < TEXT_AT) return undefined;
  const textBytes = received.readUInt16LE(4);
  if (textBytes > TEXT_BYTES_MAX) throw denied();
  const macAt = TEXT_AT + textBytes;
  const headBytes = macAt + SHORT_MAC_BYTES;
  if (received.length < headBytes) return undefined;
  const isOurs = isShortMac(key, received.subarray(0, macAt), received.subarray(macAt, headBytes));
  if (!isOurs || received.readUInt32LE(0) !== sequence) throw denied();
  const text = received.toString("latin1", TEXT_AT, macAt);
  const [, method, url = "", body = "", owner] = TEXT.exec(text) ?? [];
  if ((method !== "POST" && method !== "PUT") || received.readUInt16LE(6) !== 0) {
    throw new RefusedRequestError("BadRequest", "that is no head of a write");
  }
  checkUrl(url);
  return { write: { method, url, body, owner }, headBytes };
}

function denied(): RefusedRequestError {
  return new RefusedRequestError("Denied", "that is no request for this channel");
}
