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

/** Messages come in piece by piece in turn; where one ends, the next begins, and they do not end together. */
function rateOf(open: () => Hashing, concurrency: number): number {
  const under = Array.from({ length: concurrency }, (_, nth) => ({
    hashing: open(),
    leftPieces: MESSAGE_PIECES - Math.floor((nth * MESSAGE_PIECES) / concurrency),
  }));
  const before = process.cpuUsage();
  for (let round = 0; round < 2 * MESSAGE_PIECES; round += 1) {
    for (const message of under) {
      message.hashing.update(PIECE);
      message.leftPieces -= 1;
      if (message.leftPieces > 0) continue;
      message.hashing.end();
      message.hashing = open();
      message.leftPieces = MESSAGE_PIECES;
    }
  }
  const { user, system } = process.cpuUsage(before);
  for (const { hashing } of under) hashing.end();
  return (concurrency * 2 * MESSAGE_PIECES * PIECE.length) / (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
