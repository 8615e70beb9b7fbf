// The header that names a copy's source: decoded once, never normalised, and refused when it names nothing.

import { expect, test } from "vitest";
import { checkCopyRange, parseCopyRange, parseCopySource } from "../../../src/api/copy-source.ts";

const source = (value: string) => parseCopySource(new Map([["x-amz-copy-source", value]]));
const range = (value: string) => parseCopyRange(new Map([["x-amz-copy-source-range", value]]));
const versionId = undefined;

test.each([
  ["with and without a leading slash", "/b/k", { bucketName: "b", key: "k", versionId }],
  ["plain", "b/k", { bucketName: "b", key: "k", versionId }],
  ["with slashes in the key", "b/a//b/", { bucketName: "b", key: "a//b/", versionId }],
  ["encoded as a whole", "%2Fb%2Fa%2Fk", { bucketName: "b", key: "a/k", versionId }],
  [
    "with dots, which stay in their bucket",
    "/b/../v/k",
    { bucketName: "b", key: "../v/k", versionId },
  ],
  ["with a plus sign for a space", "b/a+b%2Bc", { bucketName: "b", key: "a b+c", versionId }],
  ["encoded twice, decoded once", "b/%252F", { bucketName: "b", key: "%2F", versionId }],
  ["in encoded UTF-8", "b/%F0%9F%8F%BA", { bucketName: "b", key: "🏺", versionId }],
  ["in raw UTF-8", Buffer.from("b/é").toString("latin1"), { bucketName: "b", key: "é", versionId }],
  ["with a version", "b/k?versionId=v1", { bucketName: "b", key: "k", versionId: "v1" }],
  ["with an empty version", "b/k?versionId=", { bucketName: "b", key: "k", versionId: "" }],
  [
    "with an encoded question mark",
    "b/k%3FversionId=x",
    { bucketName: "b", key: "k?versionId=x", versionId },
  ],
  ["with a bare question mark", "b/what?", { bucketName: "b", key: "what?", versionId }],
])("a source %s is read", (_given, header, expected) => {
  expect(source(header)).toEqual(expected);
});

test.each([
  "",
  "/",
  "bucket",
  "bucket/",
  "//key",
  "b/%zz",
  "b/%",
  "b/%C0%AF",
  "b/\u00ff",
  "b/k?versionId=%ff",
])("the source %j is refused", (header) => {
  expect(() => source(header)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
});

test("a range has both ends", () => {
  expect(range("bytes=0-0")).toEqual({ first: 0, last: 0 });
  expect(range("bytes=5-10")).toEqual({ first: 5, last: 10 });
  expect(parseCopyRange(new Map())).toBeUndefined();
});

test.each([
  "0-2",
  "bytes=0",
  "bytes=hello-world",
  "bytes=0-bar",
  "bytes=hello-",
  "bytes=0-2,3-5",
  "bytes=-5",
  "bytes=5-",
  "bytes=2-1",
  "",
])("the range %j is refused", (header) => {
  expect(() => range(header)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
});

test("a range beyond the source's end is refused", () => {
  expect(() => checkCopyRange({ first: 0, last: 4 }, 5)).not.toThrow();
  expect(() => checkCopyRange({ first: 0, last: 5 }, 5)).toThrow(
    expect.objectContaining({ code: "InvalidRange" }),
  );
});
