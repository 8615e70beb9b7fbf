// XML bodies: every key survives exactly as the client meant it, and nothing else gets in (S66 to S70).

import { array, assert, constantFrom, property, string } from "fast-check";
import { expect, test } from "vitest";
import {
  findElement,
  getElement,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
} from "../../../src/api/xml/parse.ts";
import { renderPlainXml, renderXml } from "../../../src/api/xml/render.ts";

const MALFORMED = expect.objectContaining({ code: "MalformedXML" });

test.each([
  ["1.0", "1.0"],
  ["0x10", "0x10"],
  ["1e5", "1e5"],
  [" a ", " a "],
  ["true", "true"],
  ["a&#10;b", "a\nb"],
  ["&amp;lt;", "&lt;"],
  ["<![CDATA[<b>&amp;]]>", "<b>&amp;"],
  ["x<![CDATA[ y ]]>z", "x y z"],
  ["&#x1F600;&#1;", "\u{1F600}\u0001"],
  ["a\r\nb&#13;", "a\nb\r"],
  ["", ""],
])("the key %j is %j (S69)", (xml, key) => {
  const root = parseXml(`<Delete><Object><Key>${xml}</Key></Object></Delete>`, "Delete");
  expect(getElementText(getElement(root, "Object"), "Key")).toBe(key);
});

test.each([
  ["nothing", ""],
  ["plain text", "hello"],
  ["a truncated document", "<Delete><Object>"],
  ["mismatched tags", "<Delete><Object></Delete></Object>"],
  ["two roots", "<Delete/><Delete/>"],
  ["two full roots", "<Delete></Delete><Delete></Delete>"],
  ["junk behind the root", "<Delete></Delete>junk"],
  ["junk behind an empty root", "<Delete/>junk"],
  ["junk before the root", "junk<Delete/>"],
  ["a reference before the root", "&#32;<Delete></Delete>"],
  ["another root", "<Remove/>"],
  ["another namespace", '<Delete xmlns="http://example.com/"/>'],
  ["another namespace inside", '<Delete><Object xmlns="urn:x"/></Delete>'],
  ["a byte order mark", "\uFEFF<Delete/>"],
  ["another encoding", '<?xml version="1.0" encoding="UTF-16"?><Delete/>'],
  ["a DOCTYPE", "<!DOCTYPE Delete><Delete/>"],
  ["an entity", '<!DOCTYPE d [<!ENTITY e "x">]><Delete>&e;</Delete>'],
  ["an undefined entity", "<Delete>&nbsp;</Delete>"],
  ["a bare ampersand", "<Delete>a & b</Delete>"],
  ["a reference to NUL", "<Delete>&#0;</Delete>"],
  ["a reference to half a pair", "<Delete>&#xD800;</Delete>"],
  ["a control character", "<Delete>\u0001</Delete>"],
  ["__proto__", "<Delete><__proto__/></Delete>"],
  ["constructor", "<Delete><constructor>x</constructor></Delete>"],
  ["endless depth", "<Delete>".repeat(100_000)],
  ["balanced depth", "<Delete>".repeat(5_000) + "</Delete>".repeat(5_000)],
  ["a million references", `<Delete>${"&#65;".repeat(800_000)}</Delete>`],
  ["a million tags", `<Delete>${"<a/>".repeat(800_000)}</Delete>`],
])("%s is MalformedXML", (_given, xml) => {
  expect(() => parseXml(xml, "Delete")).toThrow(MALFORMED);
});

test("a declaration, S3's namespace, comments and white space are fine", () => {
  const xml =
    '<?xml version="1.0" encoding="utf-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n  <!-- none --><Quiet>true</Quiet>\n</Delete>\n';
  const root = parseXml(xml, "Delete");
  refuseOthers(root, ["Quiet"]);
  expect(getElementText(root, "Quiet")).toBe("true");
});

test("elements are asked for by name, and one too many or too few is refused", () => {
  const root = parseXml("<R><A>1</A><B/><B/><C>x<D/></C></R>", "R");
  expect(findElement(root, "Z")).toBeUndefined();
  expect(listElements(root, "B")).toHaveLength(2);
  expect(() => getElement(root, "Z")).toThrow(MALFORMED);
  expect(() => getElement(root, "B")).toThrow(MALFORMED);
  expect(() => getElementText(root, "C")).toThrow(MALFORMED);
  expect(() => refuseOthers(root, ["A", "B"])).toThrow(MALFORMED);
  expect(() => refuseOthers(parseXml("<R>text</R>", "R"), [])).toThrow(MALFORMED);
});

test("what was rendered is read back, whatever it is", () => {
  const text = string({ unit: "grapheme", maxLength: 40 });
  assert(
    property(text, (key) => {
      const xml = renderXml("R", { Key: key });
      expect(getElementText(parseXml(xml, "R"), "Key")).toBe(key);
    }),
  );
});

test("rendered text is well-formed for every character, even those that XML cannot hold (S72)", () => {
  assert(
    property(string({ unit: "binary", maxLength: 40 }), (key) => {
      const xml = renderXml("R", { Key: key });
      const allowed = key.replaceAll(
        /[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu,
        "\uFFFD",
      );
      expect(getElementText(parseXml(xml, "R"), "Key")).toBe(allowed);
    }),
  );
  expect(renderPlainXml("E", { A: "]]>\uFFFE\uD800", B: "" })).toContain(
    "<E><A>]]&gt;\uFFFD\uFFFD</A><B/></E>",
  );
});

const TAGS =
  "<Key>|</Key>|<Object>|</Object>|<a-b>|</a-b>|<Key/>|< Key>|</Key >|<1>|</1>|</>|<>|<toString>|</toString>";
const OTHER_PARTS =
  '<Key a="b">|<Key a>|<![CDATA[x]]>|<!-- -->|<?pi?>|]]>|>|<|&|&amp;|&#10;|&#0;|&x;|&#xZ;|&#x41;';
const TEXTS = " |\n|\r\n|text|\"|'|é|\u00a0|&am|p;|__proto__|constructor";
const PIECES = [TAGS, OTHER_PARTS, TEXTS].flatMap((pieces) => pieces.split("|"));

function outcome(xml: string): unknown {
  try {
    return parseXml(xml, "Delete");
  } catch (error) {
    return error;
  }
}

test("documents of elements and text alone come to what the parser of all XML makes of them", () => {
  assert(
    property(array(constantFrom(...PIECES), { maxLength: 9 }), (pieces) => {
      const body = pieces.join("");
      // A comment is nothing that the quick way takes.
      const fully = outcome(`<Delete><!-- --><Object></Object>${body}</Delete>`);
      const quickly = outcome(`<Delete><Object></Object>${body}</Delete>`);
      expect(quickly).toEqual(fully);
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ["the namespace", '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">', "</Delete>"],
  [
    "the namespace as others write it",
    '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01">',
    "</Delete>",
  ],
  ["a declaration", '<?xml version="1.0" encoding="UTF-8"?>\n<Delete>', "</Delete>\n"],
  ["space at the end", "<Delete>", "</Delete> \n\t"],
])("with %s", (_, begin, end) => {
  const inner = "<Object><Key>a b</Key></Object>";
  const plain = parseXml(`<Delete>${inner}</Delete>`, "Delete");
  expect(parseXml(`${begin}${inner}${end}`, "Delete")).toEqual(plain);
});
