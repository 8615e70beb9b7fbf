// How fast the MD5 of several messages at a time is: beside each other, and one after the other by Node, alternating.
// Prints GB a second of processor time.

import { createHash } from "node:crypto";
import { Md5Lanes } from "../src/util/md5-lanes.ts";

const PIECE = Buffer.alloc(64 * 1024, 7);
const MESSAGE_PIECES = 48;
const ROUNDS = 15;

interface Hashing {
  update(bytes: Uint8Array): unknown;
  end(): string;
}

const lanes = new Md5Lanes();
const ways: Readonly<Record<string, () => Hashing>> = {
  node: () => {
    const hash = createHash("md5");
    return { update: (bytes) => hash.update(bytes), end: () => hash.digest("hex") };
  },
  lanes: () => {
    const stream = lanes.open();
    return { update: (bytes) => stream.update(bytes), end: () => stream.digestHex() };
  },
};

for (const concurrency of [1, 2, 4, 8, 16]) {
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, open] of Object.entries(ways)) {
      rates.set(name, [...(rates.get(name) ?? []), rateOf(open, concurrency)]);
    }
  }
  const figures = [...rates].map(([name, all]) => `${name} ${median(all).toFixed(2)}`);
  console.log(`${concurrency} at a time: ${figures.join(", ")} GB/s (medians of ${ROUNDS})`);
}

function rateOf(open: () => Hashing, concurrency: number): number {
  const before = process.cpuUsage();
  const streams = Array.from({ length: concurrency }, open);
  for (let piece = 0; piece < MESSAGE_PIECES; piece += 1) {
    for (const stream of streams) stream.update(PIECE);
  }
  for (const stream of streams) stream.end();
  const { user, system } = process.cpuUsage(before);
  return (concurrency * MESSAGE_PIECES * PIECE.length) / (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
