// Encoded words, read back by a decoder of their own.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeWords } from "../../../src/api/encoded-word.ts";

/** RFC 2047 read the other way: white space between words is not part of the text. */
function decodeWords(text: string): string {
  return text
    .split(" ")
    .map((word) => {
      const [, encoding, body = ""] = /^=\?UTF-8\?([BQ])\?([^? ]*)\?=$/.exec(word) ?? [];
      if (encoding === "B") return Buffer.from(body, "base64").toString("utf8");
      expect(encoding).toBe("Q");
      const bytes = body
        .replaceAll("_", " ")
        .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
      return Buffer.from(bytes, "latin1").toString("utf8");
    })
    .join("");
}

test.each([
  ["plain = text?", "plain = text?"],
  ["", ""],
  ["Grüße an alle", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?="],
  ["金継ぎ", "=?UTF-8?B?6YeR57aZ44GO?="],
  ["a=b_c?é", "=?UTF-8?Q?a=3Db=5Fc=3F=C3=A9?="],
])("%j goes back as %j", (text, expected) => {
  expect(encodeWords(text)).toBe(expected);
});

test("whatever is not ASCII is decoded to what it was, in words that are short enough", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
      fc.pre(Buffer.byteLength(text) > text.length);
      const encoded = encodeWords(text);
      expect(decodeWords(encoded)).toBe(text);
      expect(encoded.split(" ").every((word) => word.length <= 75)).toBe(true);
    }),
  );
});
