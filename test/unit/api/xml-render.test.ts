// XML answers: order, repetition, omission and attributes.

import { expect, test } from "vitest";
import { renderXml, urlEncodeKey, xmlDate } from "../../../src/api/xml/render.ts";

test("elements keep their order, arrays repeat and undefined leaves out", () => {
  const xml = renderXml("Result", {
    Name: "b&c",
    Missing: undefined,
    IsTruncated: false,
    Contents: [
      { Key: "a", Size: 1 },
      { Key: "b", Size: 2 },
    ],
    Owner: { "@xsi:type": 'Canonical"User', ID: "x" },
  });
  expect(xml).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<Result xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b&amp;c</Name><IsTruncated>false</IsTruncated>' +
      "<Contents><Key>a</Key><Size>1</Size></Contents><Contents><Key>b</Key><Size>2</Size></Contents>" +
      '<Owner xsi:type="Canonical&quot;User"><ID>x</ID></Owner></Result>',
  );
});

test("a root may hold text alone", () => {
  expect(renderXml("LocationConstraint", "eu-west-1")).toContain(">eu-west-1</LocationConstraint>");
});

test("times have milliseconds and a zone", () => {
  expect(xmlDate(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe("2026-01-02T03:04:05.000Z");
});

test.each([
  ["a/b c", "a/b+c"],
  ["plus+", "plus%2B"],
  ["é\u0001", "%C3%A9%01"],
  ["!'()*~", "%21%27%28%29*~"],
])("the key %j is encoded as %s", (key, encoded) => {
  expect(urlEncodeKey(key)).toBe(encoded);
});
