// Is the codec the one that wrote the shards? Run at start, in a few milliseconds: a codec that is broken, or computes
// with another matrix, must not touch data.

import { assert } from "../util/assert.ts";
import { crc32c } from "../util/crc32c.ts";
import { encodingRecipe } from "./coding-matrix.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import { multiply } from "./galois.ts";
import { shardCount, type Geometry } from "./geometry.ts";

/** A step of the kernel and an odd rest. */
const UNIT_BYTES = 37;
const MIXING_FACTOR = 29;
// CRC-32C of the parity that the library makes of bytes that count up by the factor. It is part of the on-disk format: it
// never changes. Of other k+m, which a reshape may ask for, the matrix says it.
const PARITY_CHECKSUMS: Readonly<Record<string, number>> = {
  "1+1": 0x39b71646,
  "2+1": 0xe85bb7c1,
  "2+2": 0xbfdaac24,
  "4+2": 0x351d850e,
  "8+4": 0x3e3c9519,
};

type Shape = Pick<Geometry, "dataShards" | "parityShards">;

/** @throws when the codec's parity is not that of the on-disk format, or it cannot restore what is lost. */
export function selfTestCodec(codec: ErasureCodec, { dataShards, parityShards }: Shape): void {
  if (parityShards === 0) return;
  const geometry: Geometry = { dataShards, parityShards, unitBytes: UNIT_BYTES };
  const dataBytes = dataShards * UNIT_BYTES;
  const good = Buffer.alloc(shardCount(geometry) * UNIT_BYTES);
  for (let at = 0; at < dataBytes; at += 1) good[at] = (at * MIXING_FACTOR) & 0xff;
  const known =
    PARITY_CHECKSUMS[`${dataShards}+${parityShards}`] ?? crc32c(parityOf(good, geometry));
  codec.encode(good, geometry);
  assert(
    crc32c(good.subarray(dataBytes)) === known,
    "the codec's parity is that of the on-disk format",
  );
  // One loss stands for all here, since each has a kernel of its own to be made: tests go through all of them.
  const stripe = Buffer.from(good).fill(0xff, 0, UNIT_BYTES);
  const present = Array.from({ length: shardCount(geometry) }, (_, index) => index > 0);
  codec.reconstruct(stripe, geometry, present);
  assert(stripe.equals(good), "the codec restores what is lost");
}

/** By the factors of the on-disk format, a byte at a time. */
function parityOf(stripe: Uint8Array, geometry: Geometry): Buffer {
  const { inputs, rows } = encodingRecipe(geometry);
  const { unitBytes } = geometry;
  const parity = Buffer.alloc(rows.length * unitBytes);
  for (const [output, row] of rows.entries()) {
    for (let at = 0; at < unitBytes; at += 1) {
      let sum = 0;
      for (const [position, input] of inputs.entries()) {
        sum ^= multiply(row[position] ?? 0, stripe[input * unitBytes + at] ?? 0);
      }
      parity[output * unitBytes + at] = sum;
    }
  }
  return parity;
}
