// The chunk format of encrypted bytes, by itself: what is sealed opens, in whatever pieces it comes; what was changed, moved,
// cut off or lengthened does not, and gives out nothing of the chunk in question.

import { expect, test } from "vitest";
import { ChunkOpener, SealBrokenError } from "../../../src/store/encryption/chunk-opener.ts";
import { ChunkSealer } from "../../../src/store/encryption/chunk-sealer.ts";
import type { Sealing } from "../../../src/store/encryption/encryption-text.ts";
import { CHUNK_BYTES, sealedSize, TAG_BYTES } from "../../../src/store/encryption/sealed-layout.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOf } from "../../support/store-lab.ts";

const DATA_KEY = Buffer.alloc(32, 7);
const STRIDE = CHUNK_BYTES + TAG_BYTES;

interface Sealed {
  readonly sealed: Buffer;
  readonly sealing: Sealing;
}

function seal(bytes: Uint8Array, pieceSize: () => number = () => 10_007): Sealed {
  const sealer = new ChunkSealer(DATA_KEY);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceSize()));
    at += piece.length;
    for (const ready of sealer.take(piece)) out.push(ready);
    // The piece is the caller's again.
    piece.fill(0xee);
  }
  out.push(...sealer.end());
  return { sealed: Buffer.concat(out), sealing: sealer.sealing() };
}

function open(
  { sealed, sealing }: Sealed,
  sizeBytes: number,
  pieceSize: () => number = () => 9_001,
): Buffer {
  const opener = new ChunkOpener(
    { dataKey: DATA_KEY, sealing, sizeBytes },
    { start: 0, end: sizeBytes },
  );
  const out: Uint8Array[] = [];
  for (let at = 0; at < sealed.length;) {
    const piece = sealed.subarray(at, at + pieceSize());
    at += piece.length;
    out.push(...opener.open([piece]));
  }
  return Buffer.concat(out);
}

test("pieces of any size give the same bytes", () => {
  const random = seededRandom(3);
  for (const size of [1, 100, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 400_000]) {
    const bytes = bytesOf(size, size);
    for (let turn = 0; turn < 5; turn += 1) {
      const pieceSize = () => 1 + random.below(turn < 3 ? 200_000 : 5_000);
      const result = seal(bytes, pieceSize);
      expect(result.sealed.length).toBe(sealedSize(size, CHUNK_BYTES));
      expect(open(result, size, pieceSize).equals(bytes)).toBe(true);
    }
  }
});

test("a range asks for its chunks and no others", () => {
  const size = 10 * CHUNK_BYTES + 5;
  const bytes = bytesOf(size, 1);
  const { sealed, sealing } = seal(bytes);
  const range = { start: 3 * CHUNK_BYTES + 7, end: 3 * CHUNK_BYTES + 8 };
  const opener = new ChunkOpener({ dataKey: DATA_KEY, sealing, sizeBytes: size }, range);
  expect(opener.sealed).toEqual({ start: 3 * STRIDE, end: 4 * STRIDE });
  const opened = opener.open([sealed.subarray(opener.sealed.start, opener.sealed.end)]);
  expect(Buffer.concat(opened)).toEqual(bytes.subarray(range.start, range.end));
});

test("a flipped bit anywhere is found before anything of its chunk is given out", () => {
  const size = 2 * CHUNK_BYTES + 100;
  const result = seal(bytesOf(size, 1));
  const random = seededRandom(4);
  for (let turn = 0; turn < 60; turn += 1) {
    const at = random.below(result.sealed.length);
    const changed = Buffer.from(result.sealed);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    const opener = new ChunkOpener(
      { dataKey: DATA_KEY, sealing: result.sealing, sizeBytes: size },
      { start: 0, end: size },
    );
    const chunk = Math.floor(at / STRIDE);
    const before = Buffer.concat(opener.open([changed.subarray(0, chunk * STRIDE)]));
    expect(before.length).toBe(chunk * CHUNK_BYTES);
    const rest = changed.subarray(chunk * STRIDE, (chunk + 1) * STRIDE);
    expect(() => opener.open([rest]), `byte ${at}`).toThrow(SealBrokenError);
  }
});

test("chunks in another order, a cut off end and a longer one do not open", () => {
  const size = 3 * CHUNK_BYTES;
  const result = seal(bytesOf(size, 1));
  const { sealed, sealing } = result;
  const chunk = (index: number) => sealed.subarray(index * STRIDE, (index + 1) * STRIDE);
  const swapped = Buffer.concat([chunk(1), chunk(0), chunk(2)]);
  expect(() => open({ sealed: swapped, sealing }, size)).toThrow(SealBrokenError);
  const short = Buffer.concat([chunk(0), chunk(1)]);
  expect(() => open({ sealed: short, sealing }, 2 * CHUNK_BYTES)).toThrow(SealBrokenError);
  const long = Buffer.concat([sealed, chunk(2)]);
  expect(() => open({ sealed: long, sealing }, 4 * CHUNK_BYTES)).toThrow(SealBrokenError);
});

test("two streams of one data key have keys of their own", () => {
  const bytes = bytesOf(1_000, 1);
  const [one, two] = [seal(bytes), seal(bytes)];
  expect(one.sealing.salt).not.toBe(two.sealing.salt);
  expect(one.sealed.equals(two.sealed)).toBe(false);
  expect(() => open({ sealed: one.sealed, sealing: two.sealing }, 1_000)).toThrow(SealBrokenError);
});
