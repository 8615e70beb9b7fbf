// The kernel gives the library's bytes: for every geometry that is in use, every length, every loss.

import { randomInt } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../../../src/erasure/simd-codec.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { subsetsUpTo } from "../../support/subsets.ts";

const library = createReedSolomonCodec();
const kernel = createSimdCodec();
const seed = randomInt(2 ** 31);
const random = seededRandom(seed);
const KIB_64 = 64 * 1024;
/** The types of our oldest Node do not have it. */
const engine = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };
};

describe.each([
  [1, 1],
  [2, 1],
  [2, 2],
  [4, 2],
  [8, 4],
])("%i+%i", (dataShards, parityShards) => {
  const total = dataShards + parityShards;
  const geometry = { dataShards, parityShards, unitBytes: KIB_64 };

  test(`parity of units of every length to 200, and of long ones (seed ${seed})`, () => {
    const lengths = Array.from({ length: 201 }, (_, length) => length);
    // Long ones first, so that short ones find something left behind in the kernel's memory.
    const long = [3 * KIB_64 + 1, KIB_64 + 31, KIB_64 + 1, KIB_64, KIB_64 - 1];
    for (const length of [...long, ...lengths, 200 + random.below(KIB_64)]) {
      const expected = randomBytes(total * length);
      const stripe = Buffer.from(expected);
      library.encode(expected, geometry);
      kernel.encode(stripe, geometry);
      expect(stripe.equals(expected), `units of ${length} bytes`).toBe(true);
    }
  });

  test.each([1, 31, 97])(`every loss of units of %i bytes (seed ${seed})`, (length) => {
    const good = randomBytes(total * length);
    library.encode(good, geometry);
    for (const lost of subsetsUpTo(total, parityShards)) {
      const stripe = Buffer.from(good);
      for (const index of lost) stripe.fill(0xee, index * length, (index + 1) * length);
      const present = Array.from({ length: total }, (_, index) => !lost.includes(index));
      kernel.reconstruct(stripe, geometry, present);
      expect(stripe.equals(good), `without ${lost.join()}`).toBe(true);
    }
  });

  test("long units that begin at any address are restored", () => {
    const length = 2 * KIB_64 + 5;
    const good = randomBytes(total * length);
    library.encode(good, geometry);
    const stripe = Buffer.concat([Buffer.alloc(3), good]).subarray(3);
    stripe.fill(0, 0, parityShards * length);
    const present = Array.from({ length: total }, (_, index) => index >= parityShards);
    kernel.reconstruct(stripe, geometry, present);
    expect(stripe.equals(good)).toBe(true);
  });
});

test(`stripes in the codec's own buffers are worked on in place, next to others (seed ${seed})`, () => {
  const geometry = { dataShards: 4, parityShards: 2, unitBytes: KIB_64 };
  const buffers = [0, 1].map(() => kernel.allocate?.(3 * 6 * KIB_64) ?? Buffer.alloc(0));
  for (const length of [1, 31, 32, 33, 1000, KIB_64]) {
    for (const buffer of buffers) {
      const contents = randomBytes(buffer.length);
      const expected = Buffer.from(contents);
      buffer.set(contents);
      const [start, end] = [5, 5 + 6 * length];
      library.encode(expected.subarray(start, end), geometry);
      kernel.encode(buffer.subarray(start, end), geometry);
      expect(expected.equals(buffer), `units of ${length} bytes`).toBe(true);
      buffer.fill(0, start, start + 2 * length);
      const present = [false, false, true, true, true, true];
      kernel.reconstruct(buffer.subarray(start, end), geometry, present);
      expect(expected.equals(buffer), `restored units of ${length} bytes`).toBe(true);
    }
  }
});

test("no loss of four of twelve needs a kernel to be made twice", () => {
  const codec = createSimdCodec();
  const geometry = { dataShards: 8, parityShards: 4, unitBytes: 1 };
  const losses = subsetsUpTo(12, 4).filter((lost) => lost.length === 4);
  const made = vi.spyOn(engine.WebAssembly, "Module");
  const restoreAll = (): number => {
    for (const lost of losses) {
      const present = Array.from({ length: 12 }, (_, index) => !lost.includes(index));
      codec.reconstruct(new Uint8Array(12), geometry, present);
    }
    return made.mock.calls.length;
  };
  const madeCount = restoreAll();
  expect(madeCount).toBeGreaterThan(losses.length / 2);
  expect(restoreAll()).toBe(madeCount);
});

test("other geometries, which no layout has yet", () => {
  for (const [dataShards, parityShards] of [
    [3, 1],
    [5, 3],
    [9, 3],
    [10, 6],
    [16, 4],
  ] as const) {
    const geometry = { dataShards, parityShards, unitBytes: KIB_64 };
    const expected = randomBytes((dataShards + parityShards) * 77);
    const stripe = Buffer.from(expected);
    library.encode(expected, geometry);
    kernel.encode(stripe, geometry);
    expect(stripe.equals(expected)).toBe(true);
  }
});

function randomBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
