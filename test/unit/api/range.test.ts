// The Range header: one range, or the whole object (S79).

import { expect, test } from "vitest";
import { parseRange, renderContentRange } from "../../../src/api/range.ts";

test.each([
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["bytes=4-7", 10, { start: 4, end: 8 }],
  ["bytes=4-", 10, { start: 4, end: 10 }],
  ["bytes=-7", 10, { start: 3, end: 10 }],
  ["bytes=-99", 10, { start: 0, end: 10 }],
  ["bytes=4-9223372036854775808", 10, { start: 4, end: 10 }],
])("%s of %i bytes", (header, sizeBytes, range) => {
  expect(parseRange(header, sizeBytes)).toEqual(range);
});

test.each([
  undefined,
  "",
  "bytes=",
  "bytes=-",
  "bytes=7-4",
  "bytes=a-b",
  "items=0-1",
  "bytes 0-1",
  `bytes=${"0-0,".repeat(1000)}1-1`,
])("%s is the whole object", (header) => {
  expect(parseRange(header, 10)).toBeUndefined();
});

test.each([
  ["bytes=10-", 10],
  ["bytes=10-20", 10],
  ["bytes=-0", 10],
  ["bytes=40-50", 0],
  ["bytes=0-", 0],
  ["bytes=-5", 0],
  ["bytes=9223372036854775808-", 10],
])("%s of %i bytes is InvalidRange", (header, sizeBytes) => {
  expect(() => parseRange(header, sizeBytes)).toThrow(
    expect.objectContaining({
      code: "InvalidRange",
      detail: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    }),
  );
});

test("Content-Range counts its last byte", () => {
  expect(renderContentRange({ start: 4, end: 8 }, 10)).toBe("bytes 4-7/10");
});
