// XML bodies, from text to a small tree that keeps every character of every key. Strict: what is not well-formed, not
// in S3's namespace, or larger than any real request, is MalformedXML before anything is done. No entities but XML's
// own five and numbers; no DOCTYPE; no value is ever guessed to be a number.

import { createRequire } from "node:module";
import type * as FastXmlParser from "fast-xml-parser";
import { S3Error } from "../../core/s3-error.ts";
import { parsePlain } from "./parse-plain.ts";
import { S3_NAMESPACE } from "./render.ts";
import type { XmlElement } from "./xml-element.ts";

// The package's one-file build: its modules, loaded one by one, take a good part of a start.
const { XMLParser, XMLValidator } = createRequire(import.meta.url)(
  "fast-xml-parser",
) as typeof FastXmlParser;

export type { XmlElement };

const DEPTH_MAX = 20;
/** Opening angle brackets: a CompleteMultipartUpload of 10,000 parts with a checksum each has fewer than half of it. */
const TAGS_MAX = 200_000;
const NUMBER_REFERENCES_MAX = 20_000;
const ATTRIBUTES_MAX = 20_000;

const TEXT = "#text";
const CDATA = "#cdata";
const ATTRIBUTES = ":@";

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Entities are resolved here, in text alone: inside CDATA "&amp;" is five characters.
  processEntities: false,
  cdataPropName: CDATA,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: DEPTH_MAX,
});

/** The root element of a document, which must have the given name. @throws S3Error MalformedXML */
export function parseXml(xml: string, rootName: string): XmlElement {
  checkBounds(xml);
  checkEnd(xml, rootName);
  const root = parsePlain(xml, decodeEntities) ?? parseFully(xml);
  if (root.name !== rootName) throw new S3Error("MalformedXML");
  return root;
}

function parseFully(xml: string): XmlElement {
  let nodes: unknown;
  try {
    if (XMLValidator.validate(xml) !== true) throw new S3Error("MalformedXML");
    nodes = parser.parse(xml);
  } catch (error) {
    throw error instanceof S3Error ? error : new S3Error("MalformedXML", { cause: error });
  }
  const roots = toElement("", undefined, nodes).children;
  const [root] = roots;
  if (roots.length !== 1 || root === undefined) throw new S3Error("MalformedXML");
  return root;
}

/** The one child of that name; undefined when there is none. @throws S3Error MalformedXML when there are several. */
export function findElement(parent: XmlElement, name: string): XmlElement | undefined {
  const [first, second] = listElements(parent, name);
  if (second !== undefined) throw new S3Error("MalformedXML");
  return first;
}

/** @throws S3Error MalformedXML unless there is exactly one child of that name. */
export function getElement(parent: XmlElement, name: string): XmlElement {
  const child = findElement(parent, name);
  if (child === undefined) throw new S3Error("MalformedXML");
  return child;
}

/** The text of the one child of that name; undefined when there is none. @throws S3Error MalformedXML */
export function findElementText(parent: XmlElement, name: string): string | undefined {
  const child = findElement(parent, name);
  if (child === undefined) return undefined;
  if (child.children.length > 0) throw new S3Error("MalformedXML");
  return child.text;
}

/** @throws S3Error MalformedXML unless there is exactly one child of that name, with text alone. */
export function getElementText(parent: XmlElement, name: string): string {
  const text = findElementText(parent, name);
  if (text === undefined) throw new S3Error("MalformedXML");
  return text;
}

export function listElements(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((child) => child.name === name);
}

/**
 * Refuses children of other names and stray text: what is not understood must not be dropped silently.
 * @throws S3Error MalformedXML
 */
export function refuseOthers(parent: XmlElement, names: readonly string[]): void {
  const hasStray = parent.children.some((child) => !names.includes(child.name));
  if (hasStray || parent.text.trim() !== "") throw new S3Error("MalformedXML");
}

const DECLARED_ENCODING = /^<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/;
const NOT_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Cheap tests that keep the parser from ever seeing what would cost it dearly. */
function checkBounds(xml: string): void {
  const encoding = DECLARED_ENCODING.exec(xml)?.[1]?.toLowerCase() ?? "utf-8";
  if (
    xml.startsWith("\uFEFF") ||
    xml.includes("<!DOCTYPE") ||
    xml.includes("<!ENTITY") ||
    !["utf-8", "utf8", "us-ascii"].includes(encoding) ||
    NOT_XML.test(xml) ||
    hasMore(xml, "<", TAGS_MAX) ||
    hasMore(xml, '="', ATTRIBUTES_MAX) ||
    hasMore(xml, "&#", NUMBER_REFERENCES_MAX)
  ) {
    throw new S3Error("MalformedXML");
  }
}

/** A document ends with its root's end: the validator lets text after an empty root pass. */
function checkEnd(xml: string, rootName: string): void {
  const start = xml.lastIndexOf("<");
  const last = xml.slice(start).trimEnd();
  const isEndTag =
    last.startsWith(`</${rootName}`) && last.slice(rootName.length + 2).trim() === ">";
  const before = xml.slice(0, start).trim();
  const isWhole = last.endsWith("/>") && (before === "" || before.endsWith("?>"));
  if (!isEndTag && !isWhole) throw new S3Error("MalformedXML");
}

function hasMore(text: string, part: string, max: number): boolean {
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    count += 1;
    if (count > max) return true;
  }
  return false;
}

/** One node of the parser's ordered tree: `{ name: [nodes], ":@": attributes }`, or `{ "#text": string }`. */
function toElement(name: string, attributes: unknown, nodes: unknown): XmlElement {
  if (!Array.isArray(nodes)) throw new S3Error("MalformedXML");
  checkNamespace(attributes);
  let text = "";
  const children: XmlElement[] = [];
  for (const node of nodes as readonly Readonly<Record<string, unknown>>[]) {
    const tag = Object.keys(node).find((key) => key !== ATTRIBUTES) ?? "";
    if (tag === TEXT) text += decodeEntities(String(node[tag]));
    else if (tag === CDATA) text += cdataText(node[tag]);
    else children.push(toElement(tag, node[ATTRIBUTES], node[tag]));
  }
  return { name, text, children };
}

function cdataText(nodes: unknown): string {
  if (!Array.isArray(nodes)) return "";
  return (nodes as readonly Readonly<Record<string, unknown>>[])
    .map((node) => node[TEXT])
    .filter((text) => typeof text === "string")
    .join("");
}

function checkNamespace(attributes: unknown): void {
  if (typeof attributes !== "object" || attributes === null || !("xmlns" in attributes)) return;
  const namespace = String(attributes.xmlns);
  if (namespace !== S3_NAMESPACE && namespace !== S3_NAMESPACE.slice(0, -1)) {
    throw new S3Error("MalformedXML");
  }
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["apos", "'"],
  ["gt", ">"],
  ["lt", "<"],
  ["quot", '"'],
]);
const REFERENCE = /&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|([^;&]{0,32}));|&/g;

function decodeEntities(text: string): string {
  // A parser turns CR LF and a bare CR into LF; a CR that is meant comes as a reference.
  const lines = text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
  if (!lines.includes("&")) return lines;
  return lines.replaceAll(REFERENCE, (_all, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return fromCodePoint(Number.parseInt(decimal, 10));
    const char = ENTITIES.get(name ?? "");
    if (char === undefined) throw new S3Error("MalformedXML");
    return char;
  });
}

/**
 * The character of a numeric reference. S3 takes references to control characters, which is how clients delete keys
 * that hold them; NUL, surrogates and what lies beyond Unicode is no character.
 */
function fromCodePoint(point: number): string {
  if (point === 0 || point > 0x10_ff_ff || (point >= 0xd800 && point <= 0xdfff)) {
    throw new S3Error("MalformedXML");
  }
  return String.fromCodePoint(point);
}
