// How fast the codecs are: the library, the kernel, and the kernel in its own buffers, alternating, on full stripes that
// the processor's caches do not hold. Prints GB of data a second for encoding and for restoring as many data units as may be lost.

import { createReedSolomonCodec } from "../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../src/erasure/simd-codec.ts";

const UNIT_BYTES = 64 * 1024;
const STRIPES = 48;
const ROUNDS = 9;

const library = createReedSolomonCodec();
const kernel = createSimdCodec();
const ordinary = (sizeBytes: number): Uint8Array => Buffer.alloc(sizeBytes);
const ways = [
  { name: "library", codec: library, allocate: ordinary },
  { name: "kernel", codec: kernel, allocate: ordinary },
  {
    name: "in place",
    codec: kernel,
    allocate: (bytes: number) => kernel.allocate?.(bytes) ?? ordinary(bytes),
  },
];

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
  const runs = ways.map((way) => ({
    ...way,
    stripes: Array.from({ length: STRIPES }, (_, nth) =>
      way.allocate(total * UNIT_BYTES).fill(nth),
    ),
  }));
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, codec, stripes } of runs) {
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
