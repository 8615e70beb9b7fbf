// The order of keys, against Buffer.compare, which compares bytes and nothing else.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUtf8, nextString, prefixSuccessor } from "../../../src/util/utf8-order.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

/** Code points from around every edge of the encoding. */
const edgePoint = fc.constantFrom(
  "\u0000",
  "a",
  "/",
  "\u007f",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\ud7ff",
  "\ue000",
  "\ufffd",
  "\uffff",
  "\u{10000}",
  "\u{10fffe}",
  "\u{10ffff}",
);
const text = fc.string({
  unit: fc.oneof(edgePoint, fc.string({ unit: "binary", size: "xsmall" })),
});
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe(`seed ${seed}`, () => {
  test("strings compare as their UTF-8 bytes do", () => {
    fc.assert(
      fc.property(text, text, text, (shared, a, b) => {
        const [left, right] = [shared + a, shared + b];
        expect(Math.sign(compareUtf8(left, right))).toBe(byBytes(left, right));
      }),
      { seed, numRuns: 500 },
    );
  });

  test("the successor is above all that begins with the prefix, and nothing else is between", () => {
    fc.assert(
      fc.property(text, text, (prefix, other) => {
        const end = prefixSuccessor(prefix);
        expect(end === undefined).toBe(/^\u{10ffff}*$/u.test(prefix));
        const isBelow = end === undefined || byBytes(other, end) < 0;
        expect(isBelow && byBytes(other, prefix) >= 0).toBe(other.startsWith(prefix));
        expect(end === undefined || byBytes(prefix + other, end) < 0).toBe(true);
        expect(end).toBe(end && Buffer.from(end).toString());
      }),
      { seed, numRuns: 500 },
    );
  });
});

test.each([
  ["a", "b"],
  ["a/", "a0"],
  ["a\u0000", "a\u0001"],
  ["\u007f", "\u0080"],
  ["a\ud7ff", "a\ue000"],
  ["\uffff", "\u{10000}"],
  ["😀", "😁"],
  ["a\u{10ffff}", "b"],
  ["a\u{10ffff}\u{10ffff}", "b"],
  ["\ud7ff\u{10ffff}", "\ue000"],
  ["\u{10ffff}", undefined],
  ["", undefined],
])("the successor of %j is %j", (prefix, expected) => {
  expect(prefixSuccessor(prefix)).toBe(expected);
});

test("nothing stands between a string and the next one", () => {
  expect(nextString("a")).toBe("a\u0000");
  expect(compareUtf8("a", nextString("a"))).toBeLessThan(0);
});
