// What Signature V2 signs: method, a few headers, every x-amz-* header, the resource with its sub-resources.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html

import type { WireRequest } from "../core/wire-request.ts";
import { canonicalPath } from "./percent-encoding.ts";

export interface V2Form {
  /** What stands in the place of the date: the Date header, nothing beside x-amz-date, or a URL's Expires. */
  readonly dateLine: string;
  readonly hostBucket: string | undefined;
  /** `documented` is the list of sub-resources that all signers know; `all` has the ones that came later too. */
  readonly subResources: "all" | "documented";
  /** `bucket`: botocore signs a bucket as `/name/`, and sends `/name`. */
  readonly path: "bucket" | "canonical" | "sent";
  /** botocore moves the x-amz-* headers that it signs for a URL into its query. */
  readonly areHeadersInQuery: boolean;
}

const DOCUMENTED: ReadonlySet<string> = new Set(
  `accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location
  logging metrics notification object-lock partNumber policy replication requestPayment
  response-cache-control response-content-disposition response-content-encoding
  response-content-language response-content-type response-expires restore select
  select-type storageClass tagging torrent uploadId uploads versionId versioning versions
  website`.split(/\s+/),
);

/** What the name of a header may hold. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** A signature that does not cover these would let a URL for an object become one for its settings. */
const LATER: ReadonlySet<string> = new Set(
  `abac annotation attributes encryption intelligent-tiering legal-hold
  metadataAnnotationTable metadataConfiguration metadataInventoryTable
  metadataJournalTable metadataTable ownershipControls policyStatus publicAccessBlock
  renameObject retention session`.split(/\s+/),
);

/** One byte a character, to be hashed as Latin-1. */
export function v2StringToSign(request: WireRequest, form: V2Form): string {
  const header = (name: string) =>
    request.headers.get(name) ?? (form.areHeadersInQuery ? queryHeader(request, name) : undefined);
  return [
    request.method,
    header("content-md5") ?? "",
    header("content-type") ?? "",
    form.dateLine,
    amzHeaders(request, form) + canonicalResource(request, form),
  ].join("\n");
}

/**
 * V2 joins what it signs without escaping it. A value that could be read as the next parameter or header would let one
 * signature cover two different requests: a URL for a part could write the whole object.
 */
export function isAmbiguous(request: WireRequest): boolean {
  const headers = new Set<string>();
  return request.query.some(({ name, value }) => {
    const lower = name.toLowerCase();
    if (lower.startsWith("x-amz-") || lower.startsWith("content-")) {
      // Of two headers of one name only one would be signed, and perhaps the other one read.
      if (headers.has(lower)) return true;
      headers.add(lower);
      // A colon or the end of a line in a name would let one parameter be signed as another, or as two.
      return !HEADER_NAME.test(lower) || /[\r\n]/.test(value);
    }
    const [, ...next] = value.split("&").map((part) => part.split("=", 1)[0] ?? "");
    return next.some((part) => DOCUMENTED.has(part) || LATER.has(part));
  });
}

export function hasLaterSubResource(request: WireRequest): boolean {
  return request.query.some(({ name }) => LATER.has(name));
}

function queryHeader(request: WireRequest, wanted: string): string | undefined {
  return request.query.find(({ name }) => name.toLowerCase() === wanted)?.value;
}

function amzHeaders(request: WireRequest, form: V2Form): string {
  const headers = new Map<string, string>();
  for (const { name, value } of form.areHeadersInQuery ? request.query : []) {
    const lower = name.toLowerCase();
    if (lower.startsWith("x-amz-")) headers.set(lower, Buffer.from(value).toString("latin1"));
  }
  for (const [name, value] of request.headers) {
    if (name.startsWith("x-amz-")) headers.set(name, value);
  }
  return (
    [...headers]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      // Runs of spaces inside a value are signed as they are.
      .map(([name, value]) => `${name}:${trimSpaces(value)}\n`)
      .join("")
  );
}

/** Not trim(): a byte of UTF-8 text may look like a no-break space of Latin-1. Not a pattern: runs may be long. */
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charAt(start))) start += 1;
  while (end > start && isSpace(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t";
}

function resourcePath({ rawPath }: WireRequest, form: V2Form): string {
  if (form.path === "sent") return rawPath;
  return form.path === "canonical" ? canonicalPath(rawPath) : `${rawPath}/`;
}

function canonicalResource(request: WireRequest, form: V2Form): string {
  const bucket = form.hostBucket === undefined ? "" : `/${form.hostBucket}`;
  const signed = request.query
    .filter(({ name }) => DOCUMENTED.has(name) || (form.subResources === "all" && LATER.has(name)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    // Values are signed as they mean, not as they were encoded.
    .map(({ name, value }) =>
      value === "" ? name : `${name}=${Buffer.from(value).toString("latin1")}`,
    );
  return `${bucket}${resourcePath(request, form)}${signed.length === 0 ? "" : `?${signed.join("&")}`}`;
}
