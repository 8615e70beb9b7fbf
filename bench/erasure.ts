// How fast the codecs are: the library and the kernel, alternating, on full stripes that the processor's caches do not
// hold. Prints GB of data a second for encoding and for restoring as many data units as may be lost.

import { createReedSolomonCodec } from "../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../src/erasure/simd-codec.ts";

const UNIT_BYTES = 64 * 1024;
const STRIPES = 48;
const ROUNDS = 9;

const codecs = { library: createReedSolomonCodec(), kernel: createSimdCodec() };

for (const [dataShards, parityShards] of [
  [1, 1],
  [2, 1],
  [2, 2],
  [4, 2],
  [8, 4],
] as const) {
  const total = dataShards + parityShards;
  const geometry = { dataShards, parityShards, unitBytes: UNIT_BYTES };
  const present = Array.from({ length: total }, (_, index) => index >= parityShards);
  const stripes = Array.from({ length: STRIPES }, (_, nth) =>
    Buffer.alloc(total * UNIT_BYTES, nth),
  );
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, codec] of Object.entries(codecs)) {
      const encoding = rateOf(() => {
        for (const stripe of stripes) codec.encode(stripe, geometry);
      });
      const restoring = rateOf(() => {
        for (const stripe of stripes) codec.reconstruct(stripe, geometry, present);
      });
      add(`${name} encode`, encoding * dataShards);
      add(`${name} restore`, restoring * dataShards);
    }
  }
  const figures = [...rates].map(([name, all]) => `${name} ${median(all).toFixed(2)}`);
  console.log(`${dataShards}+${parityShards}: ${figures.join(", ")} GB/s (medians of ${ROUNDS})`);

  function add(name: string, rate: number): void {
    rates.set(name, [...(rates.get(name) ?? []), rate]);
  }
}

/** GB of one data unit of each stripe a second of processor time. */
function rateOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (STRIPES * UNIT_BYTES) / (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
