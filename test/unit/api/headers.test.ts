// Headers of objects: what is kept, in which form, and what is refused before it could be stored.

import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import {
  isSendable,
  parseEtag,
  parseHttpDate,
  readAttributes,
  readResponseOverrides,
  readStorageClass,
  renderHttpDate,
} from "../../../src/api/headers.ts";

const headers = (...pairs: [string, string][]) => new Map(pairs);
const longMetadata = (length: number) => headers(["x-amz-meta-abcd", "v".repeat(length)]);
const redirect = (value: string) => headers(["x-amz-website-redirect-location", value]);
const disposition = (value: string) => [{ name: "response-content-disposition", value }];
const fails = (code: string) => expect.objectContaining({ code });

test("system headers are kept as sent, and aws-chunked is no encoding of the object", () => {
  const attributes = readAttributes(
    headers(
      ["content-type", "text/plain; charset=x"],
      ["cache-control", "no-cache"],
      ["content-encoding", "aws-chunked, gzip"],
      ["expires", "not a date at all"],
      ["x-amz-date", "20260101T000000Z"],
    ),
  );
  expect({ ...attributes.headers }).toEqual({
    "content-type": "text/plain; charset=x",
    "cache-control": "no-cache",
    "content-encoding": "gzip",
    expires: "not a date at all",
  });
});

test.each([
  ["none", headers()],
  ["an empty one", headers(["content-type", ""])],
])("%s for a content type means S3's default", (_given, given) => {
  expect(readAttributes(given).headers["content-type"]).toBe("binary/octet-stream");
});

test("user metadata keeps its bytes and its odd names (S83)", () => {
  const { userMetadata } = readAttributes(
    headers(["x-amz-meta-__proto__", "a"], ["x-amz-meta-meta1", "Hello World\u00e9"]),
  );
  expect(Object.entries(userMetadata)).toEqual([
    ["__proto__", "a"],
    ["meta1", "Hello World\u00e9"],
  ]);
});

test("user metadata up to 2 KiB is taken, and one byte more is MetadataTooLarge (S76)", () => {
  expect(readAttributes(longMetadata(2044)).userMetadata["abcd"]).toHaveLength(2044);
  expect(() => readAttributes(longMetadata(2045))).toThrow(fails("MetadataTooLarge"));
});

test("a metadata header without a name is refused (S77)", () => {
  expect(() => readAttributes(headers(["x-amz-meta-", "v"]))).toThrow(fails("InvalidArgument"));
});

test("every character is either refused at the write or sendable at the read (S77)", () => {
  const wrong: number[] = [];
  for (let code = 0; code <= 0xffff; code += 1) {
    const value = `a${String.fromCharCode(code)}b`;
    if (isStored(value) !== isSendable(value)) wrong.push(code);
  }
  expect(wrong).toEqual([]);
});

function isStored(value: string): boolean {
  try {
    return readAttributes(headers(["x-amz-meta-x", value])).userMetadata["x"] === value;
  } catch {
    return false;
  }
}

test("a redirect leads to a path or to a web address", () => {
  expect(() => readAttributes(redirect("/other"))).not.toThrow();
  expect(() => readAttributes(redirect("https://example.com/"))).not.toThrow();
  expect(() => readAttributes(redirect("javascript:alert(1)"))).toThrow(
    fails("InvalidRedirectLocation"),
  );
});

test("the storage class is one that S3 knows", () => {
  expect(readStorageClass(headers())).toBe("STANDARD");
  expect(readStorageClass(headers(["x-amz-storage-class", "STANDARD_IA"]))).toBe("STANDARD_IA");
  expect(() => readStorageClass(headers(["x-amz-storage-class", "FAST"]))).toThrow(
    fails("InvalidStorageClass"),
  );
});

test.each([
  ['"abc"', "abc"],
  ["abc", "abc"],
  ['W/"abc"', "abc"],
  [' "abc" ', "abc"],
  ['"', '"'],
  ["*", "*"],
])("the ETag %s is %s", (text, etag) => {
  expect(parseEtag(text)).toBe(etag);
});

test.each([
  "Sun, 06 Nov 1994 08:49:37 GMT",
  "Sunday, 06-Nov-94 08:49:37 GMT",
  "Sun Nov  6 08:49:37 1994",
])("the date %s is read", (text) => {
  expect(parseHttpDate(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
});

test.each(["", "now", "1994-11-06", "Sun, 99 Nov 1994 08:49:37 GMT"])(
  "the date %s is none",
  (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  },
);

test("a date that was written is read as the same second", () => {
  assert(
    property(integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      expect(parseHttpDate(renderHttpDate(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test("response overrides go out as the UTF-8 bytes that came in, and never split a header (S32)", () => {
  const sent = readResponseOverrides(disposition('attachment; filename="é"'))[
    "content-disposition"
  ];
  expect(Buffer.from(sent ?? "", "latin1").toString("utf8")).toBe('attachment; filename="é"');
  expect(() => readResponseOverrides(disposition("a\r\nset-cookie: b"))).toThrow(
    fails("InvalidArgument"),
  );
});
