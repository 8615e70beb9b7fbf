// The hashers against the check values of their specifications, and CRCs of wholes combined from those of parts.

import { crc32 as zlibCrc32 } from "node:zlib";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import {
  createChecksumHasher,
  type HashedChecksum,
  loadChecksumHasher,
} from "../../../src/util/checksum-hasher.ts";
import { type CombinableCrc, combineCrc } from "../../../src/util/crc-combine.ts";

const ALGORITHMS: readonly HashedChecksum[] = [
  "CRC32",
  "CRC32C",
  "CRC64NVME",
  "MD5",
  "SHA1",
  "SHA256",
  "SHA512",
  "XXHASH128",
  "XXHASH3",
  "XXHASH64",
];
const CRCS: readonly CombinableCrc[] = ["CRC32", "CRC32C", "CRC64NVME"];

beforeAll(async () => {
  for (const algorithm of ALGORITHMS) await loadChecksumHasher(algorithm);
});

function checksumOf(algorithm: HashedChecksum, ...pieces: readonly Uint8Array[]): string {
  const hasher = createChecksumHasher(algorithm);
  for (const piece of pieces) hasher.update(piece);
  return hasher.digestBase64();
}

const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex");

test.each([
  ["CRC32", "cbf43926"],
  ["CRC32C", "e3069283"],
  ["CRC64NVME", "ae8b14860a799888"],
  ["SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
  ["SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"],
] as const)("%s of 123456789 is the check value of its specification", (algorithm, expected) => {
  expect(hex(checksumOf(algorithm, Buffer.from("123456789")))).toBe(expected);
});

test("CRC64NVME of 1,024 letters A is the value of the s3-tests suite", () => {
  expect(checksumOf("CRC64NVME", Buffer.alloc(1024, "A"))).toBe("Qeh8oXvGiSo=");
  expect(checksumOf("CRC64NVME")).toBe("AAAAAAAAAAA=");
});

/** What xxHash's own sanity check hashes. */
function sanityBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let state = 2_654_435_761n;
  for (let index = 0; index < count; index += 1) {
    bytes[index] = Number(state >> 56n);
    state = (state * 11_400_714_785_074_694_797n) & 0xffff_ffff_ffff_ffffn;
  }
  return bytes;
}

test.each([
  ["XXHASH64", 0, "ef46db3751d8e999"],
  ["XXHASH64", 1, "e934a84adb052768"],
  ["XXHASH64", 14, "8282dcc4994e35c8"],
  ["XXHASH3", 0, "2d06800538d394c2"],
  ["XXHASH3", 1, "c44bdff4074eecdb"],
  ["XXHASH3", 6, "27b56a84cd2d7325"],
  ["XXHASH128", 0, "99aa06d3014798d86001c324468d497f"],
  ["XXHASH128", 1, "a6cd5e9392000f6ac44bdff4074eecdb"],
] as const)(
  "%s of %i bytes is the value of xxHash's sanity check",
  (algorithm, count, expected) => {
    expect(hex(checksumOf(algorithm, sanityBytes(count)))).toBe(expected);
  },
);

test("CRC32 is the one of zlib", () => {
  const bytes = Buffer.from("Kintsugi, golden joinery");
  expect(hex(checksumOf("CRC32", bytes))).toBe(zlibCrc32(bytes).toString(16).padStart(8, "0"));
});

test("hashers that take turns do not disturb each other", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(4), fc.uint8Array({ maxLength: 100 })), { maxLength: 40 }),
      fc.constantFrom(...ALGORITHMS),
      (turns, algorithm) => {
        const hashers = Array.from({ length: 5 }, () => createChecksumHasher(algorithm));
        for (const [turn, bytes] of turns) hashers[turn]?.update(bytes);
        const expected = hashers.map((_, index) =>
          checksumOf(
            algorithm,
            Buffer.concat(turns.filter(([t]) => t === index).map(([, b]) => b)),
          ),
        );
        expect(hashers.map((hasher) => hasher.digestBase64())).toEqual(expected);
      },
    ),
  );
});

test("the CRC of a whole is combined from the CRCs of its parts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.constantFrom(...CRCS),
      (pieces, algorithm) => {
        const parts = pieces.map((piece) => ({
          value: checksumOf(algorithm, piece),
          sizeBytes: piece.length,
        }));
        expect(combineCrc(algorithm, parts)).toBe(checksumOf(algorithm, ...pieces));
      },
    ),
  );
});

test("large parts and 10,000 of them combine as well", () => {
  for (const algorithm of CRCS) {
    const first = Buffer.alloc(7 * 1024 * 1024, "first");
    const second = Buffer.alloc(2 * 1024 * 1024 + 1, "second");
    const parts = [first, second].map((bytes) => ({
      value: checksumOf(algorithm, bytes),
      sizeBytes: bytes.length,
    }));
    expect(combineCrc(algorithm, parts)).toBe(checksumOf(algorithm, first, second));
    const pair = { value: checksumOf(algorithm, Buffer.from("AB")), sizeBytes: 2 };
    expect(
      combineCrc(
        algorithm,
        Array.from({ length: 10_000 }, () => pair),
      ),
    ).toBe(checksumOf(algorithm, Buffer.from("AB".repeat(10_000))));
  }
});

test("what is not a CRC of that algorithm is refused", () => {
  expect(() => combineCrc("CRC32", [{ value: "Qeh8oXvGiSo=", sizeBytes: 1 }])).toThrow(RangeError);
});
