// Buffers in memories for kernels: they do not overlap, there are no more than may be, and what is computed with them is
// what is computed with others.

import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { expect, test } from "vitest";
import { crc32c } from "../../../src/util/crc32c.ts";
import { InPlaceFold } from "../../../src/util/crc-in-place.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { allocateVector, VectorSlabs, vectorMemoryOf } from "../../../src/util/vector-memory.ts";

const SIZE = 65_540;

function fillAtRandom(bytes: Uint8Array, seed: number): void {
  const random = seededRandom(seed);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.below(256);
}

test("buffers of a slab share memories, never bytes, and are as many as may be", () => {
  const slabs = new VectorSlabs(SIZE, 100 * SIZE);
  const buffers: Uint8Array[] = [];
  for (let next = slabs.allocate(); next !== undefined; next = slabs.allocate()) buffers.push(next);
  expect(buffers.length).toBe(99);
  const memories = new Set(buffers.map((buffer) => vectorMemoryOf(buffer)));
  expect(memories.has(undefined)).toBe(false);
  expect(memories.size).toBe(2);
  for (const [index, buffer] of buffers.entries()) {
    expect(buffer.length).toBe(SIZE);
    expect(buffer.byteOffset % 64).toBe(0);
    buffer.fill(index);
  }
  // Checksums have a place of their own beside them.
  for (const buffer of buffers) crc32c(buffer);
  for (const [index, buffer] of buffers.entries()) {
    expect(buffer.every((byte) => byte === index)).toBe(true);
  }
});

test("a size that hardly fits a memory has one each, and one beyond the bound none", () => {
  const large = new VectorSlabs(5 * 1024 * 1024, 11 * 1024 * 1024);
  const [first, second] = [large.allocate(), large.allocate()];
  expect(first && vectorMemoryOf(first)).not.toBe(second && vectorMemoryOf(second));
  expect(large.allocate()).toBeUndefined();
  expect(new VectorSlabs(SIZE, SIZE - 1).allocate()).toBeUndefined();
});

test("other buffers are in no such memory", () => {
  expect(vectorMemoryOf(Buffer.alloc(SIZE))).toBeUndefined();
  expect(vectorMemoryOf(allocateVector(10))).toBeDefined();
});

test("this engine folds in place, so that what is tested here is the fold", () => {
  expect(InPlaceFold.create()).toBeDefined();
});

test("CRC32C in place is the native one for any length, place and start, and changes nothing", () => {
  const bytes = allocateVector(200_000);
  fillAtRandom(bytes, 1);
  const before = Buffer.from(bytes);
  const lengths = [12_288, 16_384, 32_768, 65_536, 131_072].flatMap((bound) =>
    Array.from({ length: 140 }, (_, index) => bound - 70 + index),
  );
  for (const length of lengths) {
    const start = (length * 0x9e37_79b1) >>> 0;
    const from = length % 37;
    const view = bytes.subarray(from, from + length);
    expect(crc32c(view, start), `${length} bytes`).toBe(
      nativeCrc32c(before.subarray(from, from + length), start),
    );
    expect(crc32c(view)).toBe(nativeCrc32c(before.subarray(from, from + length)));
  }
  expect(before.equals(bytes)).toBe(true);
});

test("the shortest messages that a fold takes", () => {
  const fold = InPlaceFold.create();
  const bytes = allocateVector(8_192);
  const memory = vectorMemoryOf(bytes);
  if (fold === undefined || memory === undefined) throw new Error("there is a fold and a memory");
  fillAtRandom(bytes, 2);
  for (let length = 5_376; length < 5_600; length += 1) {
    const view = bytes.subarray(0, length);
    const rest = fold.fold(memory, view, ~length);
    expect(nativeCrc32c(rest, 0xffff_ffff), `${length} bytes`).toBe(nativeCrc32c(view, length));
  }
  expect(() => fold.fold(memory, bytes.subarray(0, 5_375), 0)).toThrow("long enough");
});

test("a flipped bit anywhere in a unit changes its CRC32C in place", () => {
  const bytes = allocateVector(65_536);
  fillAtRandom(bytes, 3);
  const before = crc32c(bytes, 7);
  for (let bit = 0; bit < bytes.length * 8; bit += 997) {
    const at = bit >>> 3;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    expect(crc32c(bytes, 7)).not.toBe(before);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  }
});
