// The fields of a form as the headers of the PUT that the form stands for, so that what holds for a PUT (metadata, tags,
// ACL, encryption, retention, checksums) holds for a form by the same code. Headers of the POST itself say nothing about
// the object: no policy has judged them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html

import type { Headers } from "../headers.ts";
import { parseTagging } from "../tags.ts";

/** Fields that are a header of another name. */
const RENAMED: ReadonlyMap<string, string> = new Map([["acl", "x-amz-acl"]]);

const KEPT_FIELDS: ReadonlySet<string> = new Set([
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "content-type",
  "expires",
  "x-amz-request-payer",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-storage-class",
  "x-amz-website-redirect-location",
]);
const KEPT_PREFIXES = [
  "x-amz-checksum-",
  "x-amz-grant-",
  "x-amz-meta-",
  "x-amz-object-lock-",
  "x-amz-server-side-encryption",
];

/** Of the POST, for the conditions of bucket policies. None of them describes an object. */
const KEPT_HEADERS = [
  "host",
  "origin",
  "referer",
  "user-agent",
  "x-amz-expected-bucket-owner",
] as const;

/** @throws S3Error MalformedXML, InvalidTag for the field `tagging` */
export function formHeaders(fields: ReadonlyMap<string, string>, sent: Headers): Headers {
  const headers = new Map<string, string>();
  for (const name of KEPT_HEADERS) {
    const value = sent.get(name);
    if (value !== undefined) headers.set(name, value);
  }
  for (const [field, value] of fields) {
    const name = RENAMED.get(field) ?? field;
    if (isKept(field)) headers.set(asHeaderText(name), asHeaderText(value));
  }
  const tagging = fields.get("tagging");
  if (tagging !== undefined) headers.set("x-amz-tagging", taggingHeader(tagging));
  // How long the file is only its end tells.
  headers.set("transfer-encoding", "chunked");
  return headers;
}

function isKept(field: string): boolean {
  return (
    RENAMED.has(field) ||
    KEPT_FIELDS.has(field) ||
    KEPT_PREFIXES.some((prefix) => field.startsWith(prefix))
  );
}

/** One character a byte, as headers come from the wire. */
function asHeaderText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function taggingHeader(xml: string): string {
  return parseTagging(xml, "object")
    .map(({ key, value }) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join("&");
}
