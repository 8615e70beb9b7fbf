// Messages over a socket, whatever the pieces are in which they arrive.

import { expect, test } from "vitest";
import { frameOf, FrameReader, messageIn } from "../../../src/metadata/sqlite/write-frames.ts";

const MESSAGES = [
  { kind: "group", requests: [{ name: "é".repeat(300), input: undefined }] },
  { bytes: Uint8Array.from([1, 2, 3]), holes: [undefined, null, 1n, -0] },
  new Map([["key", new Set([1])]]),
  "",
];

test.each([1, 2, 3, 5, 64, 10_000])("in pieces of %i bytes they arrive as they were", (size) => {
  const seen: unknown[] = [];
  const reader = new FrameReader(10_000, (frame) => seen.push(messageIn(frame)));
  const all = Buffer.concat(MESSAGES.map((message) => frameOf(message)));
  for (let start = 0; start < all.length; start += size) {
    reader.push(all.subarray(start, start + size));
  }
  expect(seen).toEqual(MESSAGES);
});

test("of a small view nothing but its bytes travels", () => {
  const view = Buffer.alloc(8_192, 7).subarray(100, 110);
  expect(frameOf({ view }).length).toBeLessThan(100);
});

test("a message that is too long is refused before it is read", () => {
  const reader = new FrameReader(100, () => {
    throw new Error("nothing is to be read");
  });
  expect(() => reader.push(frameOf("x".repeat(200)).subarray(0, 4))).toThrow("too long");
});

test("what cannot be cloned is not sent", () => {
  expect(() => frameOf({ call: () => undefined })).toThrow("could not be cloned");
});
