// What listings share: tokens that cannot be mistaken, keys encoded for clients, limits.

import { assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import {
  continuationToken,
  keyWriter,
  listedTime,
  parseContinuationToken,
  parseListing,
} from "../../../src/api/listing.ts";

const query = (text: string) =>
  [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }));

test("a token continues after exactly the key that it was made of", () => {
  assert(
    property(string({ unit: "grapheme", minLength: 1 }), (after) => {
      expect(parseContinuationToken(continuationToken(after))).toBe(after);
    }),
  );
});

test.each(["x", "foo", "MTo", "1:key", "MTpr=", "MTpr==", "////", "\u00ff", "Zm9v"])(
  "the token %j was never given out",
  (token) => {
    expect(() => parseContinuationToken(token)).toThrow(
      expect.objectContaining({ code: "InvalidArgument" }),
    );
  },
);

test("keys are encoded so that every client decodes them alike", () => {
  const write = keyWriter("url");
  expect(write("foo+1/bar")).toBe("foo%2B1/bar");
  expect(write("quux ab/thud")).toBe("quux%20ab/thud");
  expect(write("100%\n🏺")).toBe("100%25%0A%F0%9F%8F%BA");
  expect(keyWriter(undefined)("a b+c")).toBe("a b+c");
});

test("an encoded key decodes to itself", () => {
  const write = keyWriter("url");
  assert(
    property(string({ unit: "grapheme" }), (key) => {
      expect(decodeURIComponent(write(key))).toBe(key);
    }),
  );
});

test("a page has at most a thousand entries and at least none", () => {
  expect(parseListing(query("max-keys=5000"), "max-keys").limit).toBe(1000);
  expect(parseListing(query("max-keys=0"), "max-keys").limit).toBe(0);
  expect(parseListing(query(""), "max-keys").limit).toBe(1000);
});

test.each(["max-keys=-1", "max-keys=blah", "max-keys=1e3", "encoding-type=base64"])(
  "%s is refused",
  (text) => {
    expect(() => parseListing(query(text), "max-keys")).toThrow(
      expect.objectContaining({ code: "InvalidArgument" }),
    );
  },
);

test("times have whole seconds, as in Last-Modified", () => {
  expect(listedTime(1_700_000_000_999)).toBe("2023-11-14T22:13:20.000Z");
});
