// The folds of CRCs: their distances multiplied out, and what is computed with them against what is without.

import { createRequire } from "node:module";
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import * as fc from "fast-check";
import type * as HashWasm from "hash-wasm";
import { beforeAll, expect, test } from "vitest";
import { createChecksumHasher, loadChecksumHasher } from "../../../src/util/checksum-hasher.ts";
import { CrcFold, FOLD_BYTES_MAX, FOLD_DISTANCES } from "../../../src/util/crc-fold.ts";
import { crc32c } from "../../../src/util/crc32c.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

/** Bits reversed. */
const POLYNOMIALS = { CRC32C: 0x82f6_3b78n, CRC64NVME: 0x9a6c_9329_ac4b_c9b5n } as const;
const load = createRequire(import.meta.url);
let oracle: HashWasm.IHasher;

beforeAll(async () => {
  await loadChecksumHasher("CRC64NVME");
  const { createCRC64 } = load("hash-wasm/dist/crc64.umd.min.js") as typeof HashWasm;
  oracle = await createCRC64("9a6c9329ac4bc9b5");
});

const ALGORITHMS = ["CRC32C", "CRC64NVME"] as const;

/** x to the power of so many bytes, modulo the polynomial, bits reversed. */
function powerOfBytes(byteCount: number, algorithm: (typeof ALGORITHMS)[number]): bigint {
  let value = algorithm === "CRC32C" ? 1n << 31n : 1n << 63n;
  for (let bit = 0; bit < byteCount * 8; bit += 1) {
    value = (value >> 1n) ^ (value & 1n ? POLYNOMIALS[algorithm] : 0n);
  }
  return value;
}

test.each(ALGORITHMS)("the terms of %s add up to a multiple of its polynomial", (algorithm) => {
  const distances = FOLD_DISTANCES[algorithm];
  const reach = Math.max(...distances);
  const terms = [0, ...distances].map((distance) => powerOfBytes(reach - distance, algorithm));
  expect(terms.reduce((left, right) => left ^ right)).toBe(0n);
  // One turn of the loop must not need what it makes itself.
  expect(Math.min(...distances)).toBeGreaterThanOrEqual(64);
});

test.each(ALGORITHMS)("this engine folds %s, so that what is tested here is the fold", (name) => {
  expect(CrcFold.create(name)).toBeDefined();
});

test("CRC32C of any length from any start is the native one", () => {
  const all = randomBytes(200_000);
  const lengths = [5_440, 32_768, 65_536, 131_072].flatMap((bound) =>
    Array.from({ length: 140 }, (_, index) => bound - 70 + index),
  );
  for (const length of lengths) {
    const start = (length * 0x9e37_79b1) >>> 0;
    const bytes = all.subarray(length % 19, (length % 19) + length);
    expect(crc32c(bytes, start), `${length} bytes`).toBe(nativeCrc32c(bytes, start));
    expect(crc32c(bytes)).toBe(nativeCrc32c(bytes));
  }
});

test("a flipped bit anywhere in a unit changes its CRC32C", () => {
  const bytes = randomBytes(65_536);
  const before = crc32c(bytes, 7);
  for (let bit = 0; bit < bytes.length * 8; bit += 997) {
    const at = bit >>> 3;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    expect(crc32c(bytes, 7)).not.toBe(before);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  }
});

function expected(bytes: Uint8Array): string {
  oracle.init();
  oracle.update(bytes);
  return Buffer.from(oracle.digest("binary")).toString("base64");
}

function folded(pieces: readonly Uint8Array[]): string {
  const hasher = createChecksumHasher("CRC64NVME");
  for (const piece of pieces) hasher.update(piece);
  return hasher.digestBase64();
}

function randomBytes(sizeBytes: number): Uint8Array {
  const random = seededRandom(sizeBytes);
  return Uint8Array.from({ length: sizeBytes }, () => random.below(256));
}

test("every length around the bounds has the CRC that it has byte by byte", () => {
  const all = randomBytes(4 * FOLD_BYTES_MAX);
  const bounds = [0, 1_856, 1_920, 4_096, 65_536, FOLD_BYTES_MAX, 200_000];
  for (const bound of bounds) {
    for (let length = Math.max(0, bound - 70); length <= bound + 70; length += 1) {
      const bytes = all.subarray(0, length);
      expect(folded([bytes]), `${length} bytes`).toBe(expected(bytes));
    }
  }
});

test("pieces of any size, of several messages by turns, come to the CRC of the whole", () => {
  const all = randomBytes(300_000);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(80_000)), { maxLength: 12 }),
      (sizes) => {
        const messages = [all, all.subarray(1), all.subarray(77)].map((bytes) => ({
          bytes,
          hasher: createChecksumHasher("CRC64NVME"),
        }));
        let at = 0;
        for (const size of sizes) {
          const end = Math.min(at + size, all.length - 77);
          for (const { bytes, hasher } of messages) hasher.update(bytes.subarray(at, end));
          at = end;
        }
        for (const { bytes, hasher } of messages) {
          expect(hasher.digestBase64()).toBe(expected(bytes.subarray(0, at)));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("bytes that are zero, and bytes that are all ones, are no special case", () => {
  for (const byte of [0, 255]) {
    const bytes = new Uint8Array(100_000).fill(byte);
    expect(folded([bytes])).toBe(expected(bytes));
  }
});
