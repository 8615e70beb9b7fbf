// The list of parts that completes an upload, read strictly.

import { expect, test } from "vitest";
import { parseCompletedParts } from "../../../src/api/completed-parts.ts";

const list = (inner: string) => `<CompleteMultipartUpload>${inner}</CompleteMultipartUpload>`;
const part = (number: number | string, rest = "<ETag>abc</ETag>") =>
  `<Part><PartNumber>${number}</PartNumber>${rest}</Part>`;

test("numbers, ETags with and without quotes, and checksums are read in the order given", () => {
  const xml = list(
    `${part(3, "<ETag>&quot;abc&quot;</ETag>")}${part(1, "<ETag>def</ETag><ChecksumCRC32>AAAA</ChecksumCRC32>")}`,
  );
  expect(parseCompletedParts(xml)).toEqual([
    { number: 3, etag: "abc", checksum: undefined },
    { number: 1, etag: "def", checksum: { algorithm: "CRC32", value: "AAAA" } },
  ]);
});

test.each([
  ["no body", ""],
  ["no part", list("")],
  ["another root", "<Other/>"],
  ["a part without a number", list("<Part><ETag>a</ETag></Part>")],
  ["a part without an ETag", list(part(1, ""))],
  ["a number in words", list(part("one"))],
  ["an unknown element", list(`${part(1)}<Extra/>`)],
  ["an unknown element of a part", list(part(1, "<ETag>a</ETag><Size>1</Size>"))],
  ["10,001 parts", list(Array.from({ length: 10_001 }, (_, index) => part(index + 1)).join(""))],
])("%s is MalformedXML", (_given, xml) => {
  expect(() => parseCompletedParts(xml)).toThrow(expect.objectContaining({ code: "MalformedXML" }));
});

test.each([0, -1, 10_001])("part number %i is no part number", (number) => {
  expect(() => parseCompletedParts(list(part(number)))).toThrow(
    expect.objectContaining({ code: "InvalidArgument" }),
  );
});

test("10,000 parts are taken", () => {
  const xml = list(Array.from({ length: 10_000 }, (_, index) => part(index + 1)).join(""));
  expect(parseCompletedParts(xml)).toHaveLength(10_000);
});
