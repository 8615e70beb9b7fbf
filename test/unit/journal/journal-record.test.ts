// Records of the journal: what is written is read, and nothing else is.

import { randomBytes, randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { CHAIN_START } from "../../../src/journal/journal-member.ts";
import {
  encodeRecord,
  parseRecord,
  parseRecords,
  RECORD_KIND,
  recordAt,
  recordHead,
} from "../../../src/journal/journal-record.ts";
import {
  encodeSegmentHeader,
  parseSegmentHeader,
  parseSegmentName,
  segmentName,
} from "../../../src/journal/segment-header.ts";
import { giveBack } from "../../../src/util/give-back.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOf, codeOf, records } from "../../contract/chain-records.ts";

const header = {
  clusterId: "a cluster",
  driveId: "a drive",
  authority: { epoch: 7, owner: "0123456789abcdef" },
  base: CHAIN_START,
  follows: undefined,
};

test("a record says all that was put into it", () => {
  const input = {
    sequence: 2 ** 48 - 1,
    epoch: 2 ** 32 - 1,
    kind: RECORD_KIND.open,
    previousDigest: "0f".repeat(32),
  };
  const payload = randomBytes(1_000);
  const pieces = [payload.subarray(0, 300), Buffer.alloc(0), payload.subarray(300)];
  const { bytes, digest } = encodeRecord({ ...input, payload: pieces });
  const { bytes: stored, ...said } = parseRecord(bytes);
  expect(said).toEqual({ ...input, payload, digest });
  expect(stored.length).toBe(bytes.length);
  const copy = Buffer.from(bytes);
  expect(recordHead(bytes)).toMatchObject({ digest, sequence: input.sequence });
  expect(recordHead(copy)).toMatchObject({ digest, sequence: input.sequence });
  expect(encodeRecord({ ...input, payload: [payload], epoch: 1 }).digest).not.toBe(digest);
});

test("a record whose memory was given back is none any more", () => {
  const payload = [randomBytes(100_000)];
  const previousDigest = "0f".repeat(32);
  const input = { sequence: 1, epoch: 1, kind: RECORD_KIND.changes, previousDigest, payload };
  const { bytes } = encodeRecord(input);
  expect(recordHead(bytes)?.sequence).toBe(1);
  giveBack(bytes);
  expect(bytes.length).toBe(0);
  expect(recordHead(bytes)).toBe(undefined);
});

test("a record in pieces is incomplete, with the bytes that it needs", () => {
  const [{ bytes }] = records(1);
  for (let length = 0; length < bytes.length; length += 1) {
    const bytesNeeded = length < 56 ? 56 : bytes.length;
    expect(recordAt(bytes.subarray(0, length))).toEqual({ kind: "incomplete", bytesNeeded });
  }
  const longer = Buffer.concat([bytes, Buffer.alloc(1)]);
  expect(recordAt(longer).kind).toBe("record");
  expect(recordHead(longer)).toBe(undefined);
  expect(() => parseRecord(longer)).toThrow("length");
});

test("no flip of a bit goes unseen", async () => {
  const [{ bytes }] = records(1, { payloadBytes: 40 });
  for (let offset = 0; offset < bytes.length; offset += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(offset) ^ (1 << bit), offset);
      expect(recordAt(flipped).kind, `byte ${offset}, bit ${bit}`).not.toBe("record");
      expect(await codeOf(Promise.resolve().then(() => parseRecord(flipped)))).toBe("Corrupt");
    }
  }
});

test("records are taken as long as each follows the one before", () => {
  const chain = records(5);
  const all = Buffer.concat(bytesOf(chain));
  expect(parseRecords(all, CHAIN_START)).toMatchObject({ usedBytes: all.length, stop: undefined });
  expect(parseRecords(all, chain[0].position)).toMatchObject({ usedBytes: 0, records: [] });
  const without = Buffer.concat(bytesOf([chain[0], chain[1], chain[3]]));
  const parsed = parseRecords(without, CHAIN_START);
  expect(parsed.records.map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(parsed.stop).toEqual({ kind: "broken", why: "record 4 does not follow record 2" });
  // An older epoch after a newer one would be the word of somebody who is not in charge any more.
  const [stale] = records(1, { from: { ...chain[0].position, epoch: 2 }, epoch: 1 });
  expect(parseRecords(stale.bytes, { ...chain[0].position, epoch: 2 }).records).toEqual([]);
});

test("random bytes are no records and no headers, and make nothing throw", () => {
  const seed = randomInt(2 ** 31);
  const random = seededRandom(seed);
  const [{ bytes }] = records(1);
  const head = encodeSegmentHeader(header, undefined);
  for (let round = 0; round < 3_000; round += 1) {
    const source = Buffer.from(round % 2 === 0 ? bytes : head);
    const garbled = source.subarray(0, random.below(source.length + 1));
    for (let count = 1 + random.below(4); count > 0 && garbled.length > 0; count -= 1) {
      const at = random.below(garbled.length);
      garbled.writeUInt8(garbled.readUInt8(at) ^ (1 + random.below(255)), at);
    }
    const context = `seed ${seed}, round ${round}`;
    if (garbled.equals(source)) continue;
    expect(recordAt(garbled).kind, context).not.toBe("record");
    expect(parseSegmentHeader(garbled).kind, context).not.toBe("header");
    expect(parseRecords(garbled, CHAIN_START).records, context).toEqual([]);
  }
});

test("a header says all that was put into it, and a newer version is told from damage", () => {
  const roster = Buffer.from("who the members are");
  const follows = { name: "another.log", endOffset: 4_711 };
  for (const each of [header, { ...header, follows }]) {
    const bytes = encodeSegmentHeader(each, roster);
    const parsed = parseSegmentHeader(Buffer.concat([bytes, Buffer.alloc(10)]));
    expect(parsed).toEqual({ kind: "header", header: each, roster, headerBytes: bytes.length });
  }
  expect(parseSegmentName(segmentName(300, header))).toEqual({
    name: "0000012c-0000000000000001-00000007.log",
    number: 300,
  });
});
