// Messages hashed beside each other have the MD5 that Node gives them, however they come in.

import { createHash, randomInt, type Hash } from "node:crypto";
import { expect, test } from "vitest";
import { Md5Lanes, openMd5, type Md5Stream } from "../../../src/util/md5-lanes.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const seed = randomInt(2 ** 31);

test("the examples of the RFC", () => {
  expect(hashed("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
  expect(hashed("a")).toBe("0cc175b9c0f1b6a831c399e269772661");
  expect(hashed("message digest")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  expect(hashed("1234567890".repeat(8))).toBe("57edf4a22be3c955ac49da2e2107b67a");
});

test("every length to three blocks: the end of a message may need a block of its own", () => {
  const wrong: number[] = [];
  const other = openMd5();
  for (let length = 0; length <= 192; length += 1) {
    const bytes = Buffer.alloc(length, length);
    const stream = openMd5();
    stream.update(bytes);
    if (stream.digestHex() !== md5Of(bytes)) wrong.push(length);
  }
  other.discard();
  expect(wrong).toEqual([]);
});

test.each([2, 4, 5, 8, 9, 20, 40])(
  `%i messages at a time, of any length, in any order, in pieces of any length (seed ${seed})`,
  (concurrency) => {
    const random = seededRandom(seed + concurrency);
    const lanes = new Md5Lanes();
    const under: Message[] = [];
    const digests: [string, string][] = [];
    let ended = 0;
    while (ended < 60) {
      if (under.length < concurrency) under.push(newMessage(lanes, random));
      const index = random.below(under.length);
      const message = under[index];
      if (message === undefined) throw new Error("there is a message");
      if (message.leftBytes > 0) {
        const length = Math.min(message.leftBytes, 1 + random.below(200 * KIB));
        const piece = Buffer.alloc(length, random.below(256));
        message.leftBytes -= length;
        message.expected.update(piece);
        message.stream.update(piece);
        // The bytes are ours again.
        piece.fill(0);
        continue;
      }
      under.splice(index, 1);
      ended += 1;
      if (random.below(10) === 0) message.stream.discard();
      else digests.push([message.stream.digestHex(), message.expected.digest("hex")]);
      message.stream.discard();
    }
    expect(digests.filter(([digest, expected]) => digest !== expected)).toEqual([]);
  },
);

test("streams of the same length end one after the other, beside what the others have waiting", () => {
  const lanes = new Md5Lanes();
  lanes.open();
  const messages = Array.from({ length: 8 }, (_, nth) => Buffer.alloc(100 * KIB + nth, nth));
  const streams = messages.map((bytes) => {
    const stream = lanes.open();
    stream.update(bytes);
    return stream;
  });
  expect(streams.map((stream) => stream.digestHex())).toEqual(messages.map(md5Of));
});

test("more streams than slots are hashed all the same, and slots are used again", () => {
  const lanes = new Md5Lanes();
  for (let round = 0; round < 3; round += 1) {
    const streams = Array.from({ length: 50 }, () => lanes.open());
    for (const stream of streams) stream.update(Buffer.from("abc"));
    for (const stream of streams.splice(0, 25)) stream.discard();
    const digests = new Set(streams.map((stream) => stream.digestHex()));
    expect([...digests]).toEqual(["900150983cd24fb0d6963f7d28e17f72"]);
  }
});

test("a stream that has ended takes nothing more", () => {
  const lanes = new Md5Lanes();
  lanes.open();
  const stream = lanes.open();
  stream.digestHex();
  expect(() => stream.digestHex()).toThrow("ends once");
  expect(() => stream.update(Buffer.from("a"))).toThrow("before the end");
});

interface Message {
  readonly stream: Md5Stream;
  readonly expected: Hash;
  leftBytes: number;
}

function newMessage(lanes: Md5Lanes, random: ReturnType<typeof seededRandom>): Message {
  const bound = [100, 10 * KIB, 1000 * KIB][random.below(3)] ?? 1;
  const leftBytes = random.below(bound);
  return { stream: lanes.open(), expected: createHash("md5"), leftBytes };
}

function hashed(text: string): string {
  const lanes = new Md5Lanes();
  // One that begins alone is hashed by Node.
  const alone = lanes.open();
  const beside = lanes.open();
  for (const stream of [alone, beside]) stream.update(Buffer.from(text));
  const digest = alone.digestHex();
  expect(beside.digestHex()).toBe(digest);
  return digest;
}

function isLane(stream: Md5Stream): boolean {
  return "slot" in stream && stream.slot !== undefined;
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

test("a stream that gets nothing gives its slot to another, and goes on without one, or in another's", () => {
  const lanes = new Md5Lanes();
  const slow = Array.from({ length: 33 }, (_, nth) => ({ stream: lanes.open(), nth }));
  const begin = Buffer.alloc(100, 1);
  for (const { stream } of slow) stream.update(begin);
  // One that begins alone has none; after it there is one for each of 32.
  expect(slow.map(({ stream }) => isLane(stream))).toEqual(slow.map(({ nth }) => nth > 0));
  expect(isLane(lanes.open())).toBe(false);

  const large = Buffer.alloc(64 * MIB, 2);
  const quick = lanes.open();
  quick.update(large);
  const others = Array.from({ length: 32 }, () => lanes.open());
  expect(others.every(isLane)).toBe(true);
  expect(slow.some(({ stream }) => isLane(stream))).toBe(false);
  expect(isLane(lanes.open())).toBe(false);

  // No slot is idle now: theirs is that of guests.
  const end = Buffer.alloc(1_000, 3);
  for (const { stream } of slow) stream.update(end);
  expect(slow.some(({ stream }) => isLane(stream))).toBe(false);
  for (const other of others) other.update(end);
  for (const other of others.slice(1)) expect(other.digestHex()).toBe(md5Of(end));
  for (const { stream } of slow) stream.update(begin);
  expect(slow.some(({ stream }) => isLane(stream))).toBe(true);
  const whole = md5Of(Buffer.concat([begin, end, begin]));
  expect(slow.map(({ stream }) => stream.digestHex())).toEqual(slow.map(() => whole));
  expect(others[0]?.digestHex()).toBe(md5Of(end));
  expect(quick.digestHex()).toBe(md5Of(large));
});
