// Every codec restores every loss it promises to restore, parity included, for every geometry that is in use.

import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { selfTestCodec } from "../../src/erasure/codec-self-test.ts";
import type { ErasureCodec } from "../../src/erasure/erasure-codec.ts";
import type { Geometry } from "../../src/erasure/geometry.ts";
import { createReedSolomonCodec } from "../../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../../src/erasure/simd-codec.ts";
import { padStripe, stripeAt } from "../../src/erasure/stripe.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { subsetsUpTo } from "../support/subsets.ts";

const seed = randomInt(2 ** 31);
const random = seededRandom(seed);

const LAYOUTS = [
  [1, 1],
  [2, 1],
  [2, 2],
  [4, 2],
  [8, 4],
] as const;

describe.each([
  ["the library", createReedSolomonCodec()],
  ["the kernel", createSimdCodec()],
])("%s", (_name, codec) => {
  describe.each(LAYOUTS.slice(0, -1))("%i+%i", (dataShards, parityShards) => {
    const total = dataShards + parityShards;
    const geometry: Geometry = { dataShards, parityShards, unitBytes: 64 * 1024 };

    test.each([1, 2, 3, 7, 64, 1000, 65_536])(
      `every loss of units of %i bytes (seed ${seed})`,
      (unit) => {
        const good = givenStripe(codec, geometry, unit);
        for (const lost of subsetsUpTo(total, parityShards)) {
          expect(restored(codec, good, geometry, lost).equals(good)).toBe(true);
        }
      },
    );

    test("too many losses are refused", () => {
      const good = givenStripe(codec, geometry, 8);
      const present = Array.from({ length: total }, (_, index) => index >= parityShards + 1);
      expect(() => codec.reconstruct(good, geometry, present)).toThrow("are needed");
    });
  });

  test(`8+4 restores 300 sampled losses (seed ${seed})`, () => {
    const geometry: Geometry = { dataShards: 8, parityShards: 4, unitBytes: 64 * 1024 };
    const good = givenStripe(codec, geometry, 129);
    for (let round = 0; round < 300; round += 1) {
      const lost = new Set(Array.from({ length: 4 }, () => random.below(12)));
      expect(restored(codec, good, geometry, [...lost]).equals(good)).toBe(true);
    }
  });

  test("F35 odd lengths in dirty buffers: decoding from all 15 subsets of four gives the same bytes", () => {
    const geometry: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 16 };
    for (let dataBytes = 1; dataBytes <= 64; dataBytes += 1) {
      const stripe = stripeAt(geometry, dataBytes, 0);
      // Two buffers that held different things before: the padding must make them equal.
      const [one, two] = [0xaa, 0x55].map((dirt) => {
        const buffer = Buffer.alloc(6 * stripe.unitBytes, dirt);
        for (let at = 0; at < dataBytes; at += 1) buffer[at] = (at * 7 + dataBytes) % 256;
        padStripe(buffer, geometry, stripe);
        codec.encode(buffer, geometry);
        return buffer;
      });
      if (one === undefined || two === undefined) throw new Error("there are two");
      expect(one.equals(two)).toBe(true);
      for (const lost of subsetsUpTo(6, 2).filter((subset) => subset.length === 2)) {
        expect(restored(codec, one, geometry, lost).equals(one)).toBe(true);
      }
    }
  });

  test("without parity and for an empty stripe there is nothing to do", () => {
    const stripe = Buffer.from("abcd");
    const plain: Geometry = { dataShards: 1, parityShards: 0, unitBytes: 4 };
    codec.encode(stripe, plain);
    codec.reconstruct(stripe, plain, [true]);
    expect(stripe.toString()).toBe("abcd");
    expect(() => codec.reconstruct(stripe, plain, [false])).toThrow("are needed");

    const empty = Buffer.alloc(0);
    const geometry: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 4 };
    codec.encode(empty, geometry);
    codec.reconstruct(empty, geometry, [true, true, false, true, true, false]);
    expect(empty.length).toBe(0);
  });

  test("the self-test passes whatever k+m a reshape may ask for", () => {
    for (let dataShards = 1; dataShards < 32; dataShards += 1) {
      for (const parityShards of [0, 1, 2, 3, 8].filter((count) => dataShards + count <= 32)) {
        const shape = { dataShards, parityShards };
        expect(() => selfTestCodec(codec, shape)).not.toThrow();
      }
    }
  });

  test(`3+3 restores every loss of three (seed ${seed})`, () => {
    const geometry: Geometry = { dataShards: 3, parityShards: 3, unitBytes: 64 * 1024 };
    const good = givenStripe(codec, geometry, 129);
    for (const lost of subsetsUpTo(6, 3)) {
      expect(restored(codec, good, geometry, lost).equals(good)).toBe(true);
    }
  });

  test("1+1 is a mirror", () => {
    const stripe = Buffer.from("abcd....");
    codec.encode(stripe, { dataShards: 1, parityShards: 1, unitBytes: 4 });
    expect(stripe.toString()).toBe("abcdabcd");
  });

  test("a stripe that does not divide into units is a bug", () => {
    const geometry: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 4 };
    expect(() => codec.encode(Buffer.alloc(7), geometry)).toThrow("equal size");
  });

  test("the self-test passes the codec, and fails one of another matrix", () => {
    for (const [dataShards, parityShards] of LAYOUTS) {
      selfTestCodec(codec, { dataShards, parityShards });
    }
    selfTestCodec(codec, { dataShards: 1, parityShards: 0 });
    const bound: ErasureCodec = {
      encode: (...call) => codec.encode(...call),
      reconstruct: (...call) => codec.reconstruct(...call),
    };
    const shape = { dataShards: 4, parityShards: 2 };
    const broken = { ...bound, encode: (stripe: Uint8Array) => void stripe.fill(0) };
    expect(() => selfTestCodec(broken, shape)).toThrow("parity");
    expect(() => selfTestCodec(broken, { dataShards: 3, parityShards: 3 })).toThrow("parity");
    const lazy = { ...bound, reconstruct: () => undefined };
    expect(() => selfTestCodec(lazy, shape)).toThrow("restores");
  });
});

function givenStripe(codec: ErasureCodec, geometry: Geometry, unitBytes: number): Buffer {
  const { dataShards, parityShards } = geometry;
  const stripe = Buffer.alloc((dataShards + parityShards) * unitBytes);
  for (let at = 0; at < dataShards * unitBytes; at += 1) stripe[at] = random.below(256);
  codec.encode(stripe, geometry);
  return stripe;
}

function restored(
  codec: ErasureCodec,
  good: Buffer,
  geometry: Geometry,
  lost: readonly number[],
): Buffer {
  const total = geometry.dataShards + geometry.parityShards;
  const unitBytes = good.length / total;
  const stripe = Buffer.from(good);
  for (const index of lost) stripe.fill(0xee, index * unitBytes, (index + 1) * unitBytes);
  const present = Array.from({ length: total }, (_, index) => !lost.includes(index));
  codec.reconstruct(stripe, geometry, present);
  return stripe;
}
