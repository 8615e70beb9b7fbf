// The headers of GET and HEAD, from what is stored of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseSyntax

import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectRecord } from "../store/records.ts";
import { encodeWords } from "./encoded-word.ts";
import { isSendable, renderHttpDate } from "./headers.ts";
import { addHeaders } from "./response.ts";
import { NULL_VERSION } from "./version-id.ts";

const STANDARD = "STANDARD";
/** A name of user metadata that can stand in a header. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** Everything but the length, the range and the checksum, which depend on what is asked of the object. */
export function objectHeaders(bucket: BucketView, object: ObjectRecord): Record<string, string> {
  const { headers: system, userMetadata } = object.attributes;
  const headers: Record<string, string> = { "accept-ranges": "bytes" };
  addHeaders(headers, system);
  addUserMetadata(headers, userMetadata);
  addHeaders(headers, validatorHeaders(object));
  if (bucket.versioning !== "off") headers["x-amz-version-id"] = object.versionId;
  if (object.storageClass !== STANDARD) headers["x-amz-storage-class"] = object.storageClass;
  return headers;
}

/** What a 304 says again, so that caches can renew what they hold. */
export function notModifiedHeaders(
  bucket: BucketView,
  object: ObjectRecord,
): Record<string, string> {
  const { "cache-control": cacheControl, expires } = object.attributes.headers;
  return {
    ...validatorHeaders(object),
    ...versionHeaders(bucket, object),
    ...(cacheControl === undefined ? {} : { "cache-control": cacheControl }),
    ...(expires === undefined ? {} : { expires }),
  };
}

/** Shown where the bucket has, or had, versioning. */
export function versionHeaders(
  bucket: BucketView,
  object: Pick<ObjectRecord, "versionId">,
): Record<string, string> {
  return bucket.versioning === "off" ? {} : { "x-amz-version-id": object.versionId };
}

/** Of a version that was just made: S3 does not name the null version then. */
export function newVersionHeaders(object: Pick<ObjectRecord, "versionId">): Record<string, string> {
  return object.versionId === NULL_VERSION ? {} : { "x-amz-version-id": object.versionId };
}

function validatorHeaders(object: ObjectRecord): Record<string, string> {
  return {
    etag: `"${object.etag}"`,
    "last-modified": renderHttpDate(object.modifiedAt),
  };
}

/** Whatever is stored, a GET must not fail on it: what no header can carry is counted instead of sent. */
function addUserMetadata(
  headers: Record<string, string>,
  metadata: Readonly<Record<string, string>>,
): void {
  let missing = 0;
  for (const name in metadata) {
    const value = metadata[name] ?? "";
    if (TOKEN.test(name) && isSendable(value)) headers[`x-amz-meta-${name}`] = shown(value);
    else missing += 1;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = String(missing);
}

const ODD = /[\u0080-\u00FF]/;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Values are kept as the bytes that came. UTF-8 among them goes back encoded, as no header carries it safely; bytes that are
 * not UTF-8 go back as they are.
 * Differs from AWS: encoded words that a client sends are kept as such, not decoded and encoded anew.
 */
function shown(value: string): string {
  if (!ODD.test(value)) return value;
  try {
    return encodeWords(UTF8.decode(Buffer.from(value, "latin1")));
  } catch {
    return value;
  }
}
