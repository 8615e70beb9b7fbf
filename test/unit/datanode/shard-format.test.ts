// The format of shard files: what is written parses back, and whatever happened to the bytes is found out.

import { randomBytes, randomInt } from "node:crypto";
import { assert, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { isSetId, type SetId, type UploadId } from "../../../src/core/ids.ts";
import {
  BLOCK_CHECKSUM_BYTES,
  blockOffset,
  BlockSealer,
  footerOffset,
  HEADER_ALIGN_BYTES,
  locateFooter,
  parseShardFooter,
  parseShardHeader,
  peekHeaderBytes,
  renderShardFooters,
  renderShardHeaders,
  shardSeed,
  TRAILER_BYTES,
  verifyBlock,
  type ShardSetFooter,
  type ShardSetHeader,
} from "../../../src/datanode/shard-format.ts";
import { ShardError } from "../../../src/datanode/shard-store.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const header: ShardSetHeader = {
  clusterId: "a cluster",
  setId: newSetId(),
  dataShards: 4,
  parityShards: 2,
  unitBytes: 65_536,
  bucket: "bucket",
  key: "a//b/../\u{1F600}/\0\n\u2028",
  createdAt: 1_790_000_000_000,
};
const footer: ShardSetFooter = {
  dataBytes: 123_456_789_012,
  etag: "d41d8cd98f00b204e9800998ecf8427e-3",
  checksums: [
    { algorithm: "CRC64NVME", type: "FULL_OBJECT", value: "AAAAAAAAAAA=" },
    { algorithm: "SHA256", type: "COMPOSITE", value: "xyz=-3" },
  ],
  attributes: {
    headers: { "content-type": "text/plain" },
    userMetadata: Object.fromEntries([
      ["__proto__", "polluted?"],
      ["constructor", "x"],
      ["name", "caf\u00e9"],
    ]),
  },
  digests: Array.from({ length: 6 }, () => randomBytes(32).toString("hex")),
  createdAt: 1_790_000_000_001,
};
const part = { uploadId: "an upload" as UploadId, number: 10_000 };
const OFFSET = 1_000_000;

describe("the header", () => {
  test("parses back for every shard, and has one size in all of them", () => {
    const rendered = renderShardHeaders(header);
    expect(rendered).toHaveLength(6);
    const headerBytes = rendered[0]?.length ?? 0;
    expect(headerBytes % HEADER_ALIGN_BYTES).toBe(0);
    rendered.forEach((bytes, index) => {
      expect(peekHeaderBytes(bytes.subarray(0, HEADER_ALIGN_BYTES))).toBe(bytes.length);
      expect(parseShardHeader(bytes)).toEqual({ ...header, part: undefined, index, headerBytes });
    });
  });

  test("says of which part it is, and holds the longest key", () => {
    const set = { ...header, part, key: "\u0001".repeat(1024), bucket: "b".repeat(63) };
    const [bytes = Buffer.alloc(0)] = renderShardHeaders(set);
    expect(parseShardHeader(bytes)).toMatchObject(set);
  });

  test("F29 with any bit flipped is Corrupt, never misparsed", () => {
    const bytes = Buffer.from(renderShardHeaders(header)[3] ?? []);
    expect(flipsAccepted(bytes, (flipped) => parseShardHeader(flipped))).toEqual([]);
  });

  test("F34 cut off, lengthened or empty is Corrupt", () => {
    const bytes = Buffer.from(renderShardHeaders(header)[0] ?? []);
    expect(cutsAccepted(bytes, (cut) => parseShardHeader(cut))).toEqual([]);
    expect(() => peekHeaderBytes(bytes.subarray(0, 19))).toThrow(ShardError);
  });

  test("of a newer version is refused with clear words", () => {
    const bytes = Buffer.from(renderShardHeaders(header)[0] ?? []);
    bytes.writeUInt16LE(2, 8);
    expect(() => parseShardHeader(bytes)).toThrow("newer than this program");
  });

  test("F29 any bytes at all are Corrupt", () => {
    const anyBytes = property(uint8Array({ maxLength: 600 }), (bytes) =>
      throwsCorrupt(() => parseShardHeader(bytes)),
    );
    expect(() => assert(anyBytes)).not.toThrow();
  });
});

describe("the footer", () => {
  const rendered = renderShardFooters(header.setId, footer, OFFSET);
  const bytes = Buffer.from(rendered[2] ?? []);
  const fileBytes = OFFSET + bytes.length;

  test("parses back for every shard, found from the end of the file", () => {
    rendered.forEach((each, index) => {
      const place = locateFooter(each.subarray(-TRAILER_BYTES), fileBytes);
      expect(place).toEqual({ offset: OFFSET, footerBytes: bytes.length });
      const { setId } = header;
      expect(parseShardFooter(each, fileBytes)).toEqual({
        ...footer,
        part: undefined,
        setId,
        index,
      });
    });
    const [withPart = bytes] = renderShardFooters(header.setId, { ...footer, part }, OFFSET);
    expect(parseShardFooter(withPart, OFFSET + withPart.length).part).toEqual(part);
  });

  test("metadata named __proto__ is metadata like any other", () => {
    const { userMetadata } = parseShardFooter(bytes, fileBytes).attributes;
    expect(Object.keys(userMetadata)).toEqual(["__proto__", "constructor", "name"]);
    expect(Object.getPrototypeOf(userMetadata)).toBe(Object.prototype);
  });

  test("F29 with any bit flipped is Corrupt, never misparsed", () => {
    expect(flipsAccepted(bytes, (flipped) => parseShardFooter(flipped, fileBytes))).toEqual([]);
  });

  test("F34 of a file that was cut off, or has grown, is Corrupt", () => {
    expect(cutsAccepted(bytes, (cut) => parseShardFooter(cut, OFFSET + cut.length))).toEqual([]);
    for (const wrongBytes of [0, fileBytes - 1, fileBytes + 1, bytes.length]) {
      expect(throwsCorrupt(() => parseShardFooter(bytes, wrongBytes))).toBe(true);
      expect(() => locateFooter(bytes.subarray(-TRAILER_BYTES), wrongBytes)).toThrow(ShardError);
    }
  });

  test("of a newer version is refused with clear words", () => {
    const newer = Buffer.from(bytes);
    newer.writeUInt16LE(9, newer.length - TRAILER_BYTES + 18);
    expect(() => parseShardFooter(newer, fileBytes)).toThrow("newer than this program");
  });

  test("F29 any bytes at all are Corrupt", () => {
    const anyBytes = property(uint8Array({ maxLength: 300 }), (some) =>
      throwsCorrupt(() => parseShardFooter(some, some.length)),
    );
    expect(() => assert(anyBytes)).not.toThrow();
  });
});

describe("a block", () => {
  const seed = randomInt(2 ** 31);
  const random = seededRandom(seed);
  const setId = newSetId();
  const units = [65_536, 65_536, 100].map((size) => randomBytes(size));
  const sealer = new BlockSealer(setId, 1);
  const blocks = units.map((unit) => Buffer.concat([unit, sealer.seal(unit)]));
  const good = shardSeed(setId, 1);

  test("is good in its own place", () => {
    blocks.forEach((block, index) => expect(verifyBlock(good, index, block)).toBe(true));
    expect(sealer.blockCount).toBe(3);
    expect(sealer.digest()).toMatch(/^[0-9a-f]{64}$/);
  });

  test("F33 is bad in any other: another index, another shard, another set", () => {
    blocks.forEach((block, index) => {
      const places = upTo(2_000).filter((other) => verifyBlock(good, other, block));
      expect(places).toEqual([index]);
      const shards = upTo(12).filter((shard) => verifyBlock(shardSeed(setId, shard), index, block));
      expect(shards).toEqual([1]);
      expect(verifyBlock(shardSeed(newSetId(), 1), index, block)).toBe(false);
    });
  });

  test(`F28 with a flipped bit anywhere is bad (10,000 flips, seed ${seed})`, () => {
    const block = Buffer.from(blocks[1] ?? []);
    for (let flip = 0; flip < 10_000; flip += 1) {
      const offset = random.below(block.length);
      const bit = 1 << random.below(8);
      block.writeUInt8(block.readUInt8(offset) ^ bit, offset);
      expect(verifyBlock(good, 1, block)).toBe(false);
      block.writeUInt8(block.readUInt8(offset) ^ bit, offset);
    }
    expect(verifyBlock(good, 1, block)).toBe(true);
  });

  test("F34 cut off, of zeros or empty is bad", () => {
    const block = blocks[2] ?? Buffer.alloc(0);
    expect(cutsAccepted(block, (cut) => throwUnless(verifyBlock(good, 2, cut)))).toEqual([]);
    expect(verifyBlock(good, 2, Buffer.alloc(block.length))).toBe(false);
    expect(verifyBlock(good, 2, Buffer.alloc(BLOCK_CHECKSUM_BYTES))).toBe(false);
  });

  test("follows the one before at a fixed stride, and the footer follows the last", () => {
    expect(blockOffset(512, 65_536, 0)).toBe(512);
    expect(blockOffset(512, 65_536, 3)).toBe(512 + 3 * 65_540);
    expect(footerOffset(512, 2 * 65_536 + 100, 3)).toBe(512 + 2 * 65_540 + 104);
    expect(footerOffset(1024, 0, 0)).toBe(1024);
  });
});

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

function newSetId(): SetId {
  const text = randomBytes(16).toString("hex");
  if (!isSetId(text)) throw new Error("it is one");
  return text;
}

/** The bits whose flip the parser does not answer with Corrupt. */
function flipsAccepted(good: Buffer, parse: (bytes: Buffer) => unknown): number[] {
  return Array.from({ length: good.length * 8 }, (_, bit) => bit).filter((bit) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return !throwsCorrupt(() => parse(bytes));
  });
}

/** The lengths, shorter or longer than the right one, that the parser does not answer with Corrupt. */
function cutsAccepted(good: Buffer, parse: (bytes: Buffer) => unknown): number[] {
  return Array.from({ length: good.length + 700 }, (_, length) => length).filter((length) => {
    if (length === good.length) return false;
    const bytes = Buffer.alloc(length);
    good.copy(bytes);
    return !throwsCorrupt(() => parse(bytes));
  });
}

function throwsCorrupt(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (error instanceof ShardError && error.code === "Corrupt") return true;
    throw error;
  }
}

function throwUnless(isGood: boolean): void {
  if (!isGood) throw new ShardError("Corrupt", "the block is bad");
}
