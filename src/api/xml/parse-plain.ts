// The documents that clients send: elements and text, and nothing else of XML. Those are taken apart in one pass, which
// costs a small part of what a parser of all XML takes for a thousand keys. Whatever else stands in a document, or is
// wrong with it, is not judged here: then there is no answer, and the parser of all XML has the word.

import { S3_NAMESPACE } from "./render.ts";
import type { XmlElement } from "./xml-element.ts";

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: OpenElement[];
}

const DECLARATION = /^<\?xml version="1\.0"(?: encoding="[Uu][Tt][Ff]-8")?\?>/;
const SPACE = /^[\t\n\r ]*$/;
/** As S3 names its elements; so no name is one that every object has. */
const NAME = /^[A-Z][A-Za-z0-9]*$/;
const NAMESPACES = [` xmlns="${S3_NAMESPACE}"`, ` xmlns="${S3_NAMESPACE.slice(0, -1)}"`];
/** Fewer than the other parser takes. */
const DEPTH_MAX = 10;

/**
 * The root element; undefined where this is no well-formed document of such parts alone.
 * @param decode Makes what is meant of each piece of text. @throws what it throws
 */
export function parsePlain(xml: string, decode: (text: string) => string): XmlElement | undefined {
  if (xml.includes("]]>")) return undefined;
  const top: OpenElement = { name: "", text: "", children: [] };
  const open = [top];
  let parent = top;
  let at = DECLARATION.exec(xml)?.[0].length ?? 0;
  for (let start = xml.indexOf("<", at); start !== -1; start = xml.indexOf("<", at)) {
    if (start > at) {
      const text = xml.slice(at, start);
      // Around the root there is white space, and no reference to any.
      parent.text += parent === top ? text : decode(text);
    }
    const end = xml.indexOf(">", start);
    const tag = xml.slice(start + 1, end);
    at = end + 1;
    if (end === -1) return undefined;
    if (tag.startsWith("/")) {
      if (open.length === 1 || tag.slice(1) !== parent.name) return undefined;
      open.pop();
    } else {
      const name = open.length === 1 ? nameOfRoot(tag) : tag;
      if (!NAME.test(name) || open.length > DEPTH_MAX) return undefined;
      const child: OpenElement = { name, text: "", children: [] };
      parent.children.push(child);
      open.push(child);
    }
    parent = open.at(-1) ?? top;
  }
  const isWhole = open.length === 1 && SPACE.test(top.text + xml.slice(at));
  return isWhole && top.children.length === 1 ? top.children[0] : undefined;
}

/** Without the namespace, which is the only attribute that is taken. */
function nameOfRoot(tag: string): string {
  const namespace = NAMESPACES.find((each) => tag.endsWith(each)) ?? "";
  return tag.slice(0, tag.length - namespace.length);
}
