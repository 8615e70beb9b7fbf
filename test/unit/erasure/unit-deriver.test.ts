// Single units made from any k others are those of the whole stripe, wherever they lie and whichever codec is there.

import { expect, test } from "vitest";
import type { ErasureCodec } from "../../../src/erasure/erasure-codec.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../../../src/erasure/simd-codec.ts";
import { deriveUnits } from "../../../src/erasure/unit-deriver.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { subsetsUpTo } from "../../support/subsets.ts";

const SIZES = [1, 31, 32, 33, 1_000, 65_536];
/** Units stand apart, as the blocks of a shard do. */
const GAP_BYTES = 4;

const simd = createSimdCodec();
const oracle = createReedSolomonCodec();

test.each<[string, ErasureCodec, (bytes: number) => Uint8Array]>([
  ["the kernel, in its memory", simd, (bytes) => simd.allocate?.(bytes) ?? Buffer.alloc(bytes)],
  ["the kernel, elsewhere", simd, (bytes) => Buffer.alloc(bytes)],
  ["the library", oracle, (bytes) => Buffer.alloc(bytes)],
])("%s: every loss from every k of what is left", (_name, codec, allocate) => {
  const random = seededRandom(7);
  for (const [dataShards, parityShards] of [
    [1, 1],
    [2, 1],
    [4, 2],
  ] as const) {
    const total = dataShards + parityShards;
    for (const unitBytes of dataShards === 4 ? SIZES : [1_000]) {
      const geometry = { dataShards, parityShards, unitBytes };
      const stripe = Buffer.alloc(total * unitBytes);
      for (let at = 0; at < dataShards * unitBytes; at += 1) stripe[at] = random.below(256);
      oracle.encode(stripe, geometry);
      const unitOf = (index: number) => stripe.subarray(index * unitBytes, (index + 1) * unitBytes);
      const memory = allocate(total * (unitBytes + GAP_BYTES));
      for (const outputs of subsetsUpTo(total, parityShards).filter(({ length }) => length > 0)) {
        const inputs = Array.from({ length: total }, (_, index) => index)
          .filter((index) => !outputs.includes(index))
          .slice(-dataShards);
        const units = new Map(
          [...inputs, ...outputs].map((index) => {
            const start = index * (unitBytes + GAP_BYTES);
            return [index, memory.subarray(start, start + unitBytes)] as const;
          }),
        );
        for (const [index, unit] of units) {
          unit.set(inputs.includes(index) ? unitOf(index) : Buffer.alloc(unitBytes, 0x5a));
        }
        deriveUnits(codec, geometry, { inputs, outputs }, units);
        const told = `${dataShards}+${parityShards}, ${unitBytes} bytes, ${outputs.join()}`;
        for (const index of outputs) {
          expect(Buffer.compare(units.get(index) ?? memory, unitOf(index)), told).toBe(0);
        }
      }
    }
  }
});
