// The fold of CRC-64/NVME: its distances multiplied out, and the hasher that folds against the one that does not.

import { createRequire } from "node:module";
import * as fc from "fast-check";
import type * as HashWasm from "hash-wasm";
import { beforeAll, expect, test } from "vitest";
import { createChecksumHasher, loadChecksumHasher } from "../../../src/util/checksum-hasher.ts";
import {
  Crc64Fold,
  FOLD_BYTES_MAX,
  FOLD_DISTANCES,
  FOLD_REST_BOUND,
  FOLD_REST_MIN,
} from "../../../src/util/crc64-fold.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;
const load = createRequire(import.meta.url);
let oracle: HashWasm.IHasher;

beforeAll(async () => {
  await loadChecksumHasher("CRC64NVME");
  const { createCRC64 } = load("hash-wasm/dist/crc64.umd.min.js") as typeof HashWasm;
  oracle = await createCRC64("9a6c9329ac4bc9b5");
});

/** x to the power of so many bytes, modulo the polynomial, bits reversed. */
function powerOfBytes(byteCount: number): bigint {
  let value = 1n << 63n;
  for (let bit = 0; bit < byteCount * 8; bit += 1) {
    value = (value >> 1n) ^ (value & 1n ? POLYNOMIAL : 0n);
  }
  return value;
}

test("the eight terms add up to a multiple of the polynomial", () => {
  const reach = Math.max(...FOLD_DISTANCES);
  const terms = [0, ...FOLD_DISTANCES].map((distance) => powerOfBytes(reach - distance));
  expect(terms.reduce((left, right) => left ^ right)).toBe(0n);
});

test("this engine has vectors, so that what is tested here is the fold", () => {
  expect(Crc64Fold.create()).toBeDefined();
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
  const bounds = [0, FOLD_REST_MIN, FOLD_REST_BOUND, 4096, 65_536, FOLD_BYTES_MAX, 200_000];
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
