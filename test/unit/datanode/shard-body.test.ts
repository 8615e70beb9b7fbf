// The frames of a shard's body: whatever way the network cuts them, the same data comes out; whatever is changed in
// them, nothing passes as whole.

import { randomBytes } from "node:crypto";
import { array, assert, constantFrom, nat, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { RefusedRequestError } from "../../../src/datanode/protocol.ts";
import {
  FRAME_BYTES_MAX,
  PING_FRAME,
  renderBodyEnd,
  ShardBodyParser,
  writeFrameHeader,
  type BodyEndKind,
} from "../../../src/datanode/shard-body.ts";
import { crc32c } from "../../../src/util/crc32c.ts";
import { shortMacKey } from "../../../src/util/short-mac.ts";

const key = { mac: shortMacKey(Buffer.alloc(16, "k")), sequence: 7 };
const BYTES_MAX = 1_000_000;

function frame(data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + data.length);
  writeFrameHeader(bytes, data.length);
  bytes.set(data, 4);
  return bytes;
}

function bodyOf(parts: readonly Uint8Array[], kind: BodyEndKind = "finish"): Buffer {
  const data = Buffer.concat(parts);
  const frames = parts.map((part) => (part.length === 0 ? PING_FRAME : frame(part)));
  const end = { kind, dataBytes: data.length, checksum: crc32c(data) };
  return Buffer.concat([...frames, renderBodyEnd(key, end)]);
}

/** Feeds a body in the pieces that the cuts make. */
function parse(body: Buffer, cuts: readonly number[] = []): { kind: BodyEndKind; data: Buffer } {
  const parser = new ShardBodyParser(key, BYTES_MAX);
  const places = [0, ...cuts.map((cut) => cut % (body.length + 1)), body.length];
  places.sort((one, two) => one - two);
  const data: Uint8Array[] = [];
  for (const [index, start] of places.entries()) {
    // Copies, as the network's buffers are: what the parser keeps must not be a view that changes.
    const piece = Buffer.from(body.subarray(start, places[index + 1]));
    data.push(...parser.push(piece).map((part) => Buffer.from(part)));
    piece.fill(0xee);
  }
  return { kind: parser.end(), data: Buffer.concat(data) };
}

test("a body comes out as it went in, however it is cut", () => {
  const parts = array(uint8Array({ maxLength: 200 }), { maxLength: 8 });
  const cuts = array(nat(), { maxLength: 30 });
  assert(
    property(parts, cuts, constantFrom("abort", "finish"), (given, places, kind) => {
      const parsed = parse(bodyOf(given, kind), places);
      expect(parsed.kind).toBe(kind);
      expect(parsed.data.equals(Buffer.concat(given))).toBe(true);
    }),
  );
});

test("every byte of a body counts: changed, missing or added, it is refused", () => {
  const body = bodyOf([randomBytes(100), new Uint8Array(0), randomBytes(1)]);
  for (let at = 0; at < body.length; at += 1) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    expect(() => parse(changed), `byte ${at} changed`).toThrow(RefusedRequestError);
    expect(() => parse(body.subarray(0, at)), `cut at ${at}`).toThrow(RefusedRequestError);
  }
  expect(() => parse(Buffer.concat([body, PING_FRAME]))).toThrow(/goes on after its end/);
});

test("an end is good for one request of one channel", () => {
  const body = bodyOf([randomBytes(10)]);
  const others = [
    { ...key, sequence: 8 },
    { ...key, mac: shortMacKey(Buffer.alloc(16, "q")) },
  ];
  for (const other of others) {
    const parser = new ShardBodyParser(other, BYTES_MAX);
    expect(() => parser.push(body)).toThrow(/not the sender's/);
  }
});

test("a frame beyond the bound is refused when its header comes, not when it is full", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(FRAME_BYTES_MAX + 1);
  expect(() => new ShardBodyParser(key, BYTES_MAX).push(header)).toThrow(/too large/);
});

test("more data than there may be is refused when the frame's header comes", () => {
  const body = bodyOf([randomBytes(100), randomBytes(100)]);
  expect(() => new ShardBodyParser(key, 199).push(body.subarray(0, 108))).toThrow(/too large/);
  expect(() => new ShardBodyParser(key, 200).push(body)).not.toThrow();
});

test("data is passed on as views, without a copy", () => {
  const body = bodyOf([randomBytes(1_000)]);
  const [data] = new ShardBodyParser(key, BYTES_MAX).push(body);
  expect(data?.buffer).toBe(body.buffer);
});
