// Tags: their two spellings and the rules that they keep.

import { expect, test } from "vitest";
import { checkTags, parseTagging, readTaggingHeader } from "../../../src/api/tags.ts";

const xml = (...tags: [string, string][]) =>
  `<Tagging><TagSet>${tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join("")}</TagSet></Tagging>`;
const many = (count: number) =>
  Array.from({ length: count }, (_unused, index) => ({ key: `k${index}`, value: "v" }));
const read = (value: string) => readTaggingHeader(new Map([["x-amz-tagging", value]]));
const INVALID = expect.objectContaining({ code: "InvalidTag" });

test("tags of a document keep their order, and none at all is fine", () => {
  expect(parseTagging(xml(["a", "1"], ["__proto__", ""]), "object")).toEqual([
    { key: "a", value: "1" },
    { key: "__proto__", value: "" },
  ]);
  expect(parseTagging(xml(), "object")).toEqual([]);
});

test("a tag without a value, and elements that nobody knows, are MalformedXML", () => {
  for (const text of [
    "<Tagging/>",
    "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
    "<Tagging><TagSet><Tag><Key>a</Key><Value/><Extra/></Tag></TagSet></Tagging>",
  ]) {
    expect(() => parseTagging(text, "object")).toThrow(
      expect.objectContaining({ code: "MalformedXML" }),
    );
  }
});

test("an object has ten tags and a bucket fifty", () => {
  expect(checkTags(many(10), "object")).toHaveLength(10);
  expect(() => checkTags(many(11), "object")).toThrow(INVALID);
  expect(checkTags(many(50), "bucket")).toHaveLength(50);
  expect(() => checkTags(many(51), "bucket")).toThrow(INVALID);
});

test.each([
  ["no key", "", "v"],
  ["a long key", "k".repeat(129), "v"],
  ["a long value", "k", "v".repeat(257)],
  ["a reserved key", "aws:x", "v"],
  ["a character that AWS does not list", "k", "a<b"],
])("%s is InvalidTag", (_given, key, value) => {
  expect(() => checkTags([{ key, value }], "object")).toThrow(INVALID);
});

test("the longest key and value, and letters of any script, are taken", () => {
  const tags = [
    { key: "k".repeat(128), value: "v".repeat(256) },
    { key: "ключ", value: "a b+c-d=e._:/@" },
  ];
  expect(checkTags(tags, "object")).toEqual(tags);
});

test("the same key twice is refused", () => {
  expect(() =>
    checkTags(
      [
        { key: "a", value: "1" },
        { key: "a", value: "2" },
      ],
      "object",
    ),
  ).toThrow(INVALID);
});

test("the header is a query string", () => {
  expect(read("a=1&b=x%20y+z&c&d==")).toEqual([
    { key: "a", value: "1" },
    { key: "b", value: "x y z" },
    { key: "c", value: "" },
    { key: "d", value: "=" },
  ]);
  expect(readTaggingHeader(new Map())).toEqual([]);
  expect(() => read("a=%zz")).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
});
