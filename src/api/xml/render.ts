// XML answers, as text. Elements keep the order in which they are given; undefined leaves one out; an array repeats
// one. Whatever keys and metadata hold, the result is well-formed XML 1.0.
//
// Differs from AWS: a character that XML 1.0 cannot hold at all is written as U+FFFD. S3 writes a reference such as
// `&#x1;`, which no conforming parser takes. Clients that have such keys ask for `encoding-type=url`.

export type XmlValue =
  | Date
  | XmlElements
  | boolean
  | number
  | string
  | readonly XmlValue[]
  | undefined;

/**
 * Elements by name. A name that begins with "@" is an attribute of the element around it; one that begins with "#"
 * stands for XML that is rendered already.
 */
export interface XmlElements {
  readonly [name: string]: XmlValue;
}

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
export const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document with S3's namespace on its root. */
export function renderXml(root: string, content: XmlElements | string): string {
  const inner = typeof content === "string" ? escapeXml(content) : renderElements(content);
  return `${XML_DECLARATION}<${root} xmlns="${S3_NAMESPACE}">${inner}</${root}>`;
}

/** A whole document without a namespace: errors have none. */
export function renderPlainXml(root: string, content: XmlElements): string {
  return `${XML_DECLARATION}<${root}>${renderElements(content)}</${root}>`;
}

/** A time as S3 writes it in XML: `2026-11-21T13:55:28.000Z`. */
export function xmlDate(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/**
 * A key or prefix for `encoding-type=url`: as in a URL, with "/" kept and a space as "+".
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function urlEncodeKey(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%2F", "/")
    .replaceAll("%20", "+")
    .replaceAll(/[!'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function renderElements(elements: XmlElements): string {
  let text = "";
  for (const name of Object.keys(elements)) {
    const value = elements[name];
    if (name.startsWith("#")) text += typeof value === "string" ? value : "";
    else if (!name.startsWith("@")) text += renderElement(name, value);
  }
  return text;
}

function renderElement(name: string, value: XmlValue): string {
  if (value === undefined) return "";
  if (typeof value === "string") {
    return value === "" ? `<${name}/>` : `<${name}>${escapeXml(value)}</${name}>`;
  }
  if (typeof value !== "object") return `<${name}>${String(value)}</${name}>`;
  if (isList(value)) return value.map((item) => renderElement(name, item)).join("");
  if (value instanceof Date) return `<${name}>${value.toISOString()}</${name}>`;
  const inner = renderElements(value);
  const attributes = renderAttributes(value);
  return inner === "" ? `<${name}${attributes}/>` : `<${name}${attributes}>${inner}</${name}>`;
}

/** Array.isArray does not narrow a readonly array. */
function isList(value: object): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function renderAttributes(elements: XmlElements): string {
  let text = "";
  for (const name of Object.keys(elements)) {
    const value = elements[name];
    if (name.startsWith("@") && typeof value === "string") {
      text += ` ${name.slice(1)}="${escapeXml(value)}"`;
    }
  }
  return text;
}

// White space but the blank goes as references: parsers turn CR into LF, and many trim. ">" is for the sake of "]]>".
// The second half is whatever XML 1.0 has no place for.
const SPECIAL = /[&<>"\t\n\r]|[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const SPECIALS = new RegExp(SPECIAL.source, "gu");

/** Text for the inside of an element or of a double-quoted attribute. */
export function escapeXml(text: string): string {
  return SPECIAL.test(text) ? text.replaceAll(SPECIALS, escapeChar) : text;
}

function escapeChar(char: string): string {
  switch (char) {
    case "&":
      return "&amp;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case '"':
      return "&quot;";
    case "\t":
    case "\n":
    case "\r":
      return `&#${char.charCodeAt(0)};`;
    default:
      return "\uFFFD";
  }
}
