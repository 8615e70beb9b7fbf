// What request headers say of an object: system metadata, user metadata, storage class, ETags and dates. Values are
// kept as they were sent, byte for byte as Latin-1, so that a client reads back what it wrote, whatever it encoded.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html

import { USER_METADATA_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import { STORAGE_CLASSES } from "../core/storage-class.ts";
import type { QueryParam } from "../core/wire-request.ts";
import type { ObjectAttributes } from "../store/records.ts";
import { storedContentEncoding } from "./body/stored-content-encoding.ts";
import { findText, invalidArgument } from "./params.ts";

export type Headers = ReadonlyMap<string, string>;

const SYSTEM_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-language",
  "expires",
  "x-amz-website-redirect-location",
] as const;
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
const USER_PREFIX = "x-amz-meta-";

/** What may stand in a header of an answer: Node refuses anything else, so it must never be stored. */
const SENDABLE = /^[\t\u0020-\u007E\u0080-\u00FF]*$/;

/**
 * The metadata that a PUT, a CreateMultipartUpload or a replacing copy gives an object.
 * @throws S3Error InvalidArgument, InvalidRedirectLocation, MetadataTooLarge
 */
export function readAttributes(headers: Headers): ObjectAttributes {
  return { headers: readSystemMetadata(headers), userMetadata: readUserMetadata(headers) };
}

/** An object without a prototype: a header named `__proto__` is a name like any other. */
function emptyRecord(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

export function isSendable(value: string): boolean {
  return SENDABLE.test(value);
}

/** Of an object that has nothing but a type: most have the same as the one before them. */
let latestPlain: Readonly<Record<string, string>> = Object.freeze(emptyRecord());

function readSystemMetadata(headers: Headers): Readonly<Record<string, string>> {
  // An empty Content-Type is the same as none, as with S3.
  const contentType = headers.get("content-type") || DEFAULT_CONTENT_TYPE;
  const isPlain =
    !headers.has("content-encoding") && !SYSTEM_HEADERS.some((name) => headers.has(name));
  if (isPlain && latestPlain["content-type"] === contentType) return latestPlain;
  const system = emptyRecord();
  system["content-type"] = contentType;
  for (const name of SYSTEM_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== "") system[name] = value;
  }
  const encoding = storedContentEncoding(headers.get("content-encoding"));
  if (encoding !== undefined) system["content-encoding"] = encoding;
  for (const [name, value] of Object.entries(system)) checkSendable(name, value);
  checkRedirect(system["x-amz-website-redirect-location"]);
  if (isPlain) latestPlain = Object.freeze(system);
  return system;
}

function checkRedirect(location: string | undefined): void {
  if (location === undefined || /^(?:\/|https?:\/\/)/.test(location)) return;
  throw new S3Error("InvalidRedirectLocation");
}

function readUserMetadata(headers: Headers): Readonly<Record<string, string>> {
  const metadata = emptyRecord();
  let sizeBytes = 0;
  for (const [header, value] of headers) {
    if (!header.startsWith(USER_PREFIX)) continue;
    const name = header.slice(USER_PREFIX.length);
    if (name === "") throw invalidArgument(header, value, "The name of a metadata header is empty");
    checkSendable(header, value);
    metadata[name] = value;
    sizeBytes += name.length + value.length;
  }
  if (sizeBytes > USER_METADATA_BYTES_MAX) {
    throw new S3Error("MetadataTooLarge", {
      detail: { Size: String(sizeBytes), MaxSizeAllowed: String(USER_METADATA_BYTES_MAX) },
    });
  }
  return metadata;
}

function checkSendable(name: string, value: string): void {
  if (!isSendable(value)) {
    throw invalidArgument(name, "", `The value of ${name} cannot be sent in a header`);
  }
}

/** `x-amz-storage-class`, STANDARD without one. @throws S3Error InvalidStorageClass */
export function readStorageClass(headers: Headers): string {
  const name = headers.get("x-amz-storage-class") ?? "STANDARD";
  if (!STORAGE_CLASSES.has(name)) {
    throw new S3Error("InvalidStorageClass", { detail: { StorageClassRequested: name } });
  }
  return name;
}

/** An ETag as clients spell it, quoted or not, weak or not, without its quotes. */
export function parseEtag(text: string): string {
  const bare = text.trim().replace(/^W\//, "");
  return bare.length >= 2 && bare.startsWith('"') && bare.endsWith('"') ? bare.slice(1, -1) : bare;
}

/** The three forms of a date in HTTP, in milliseconds since 1970; undefined for anything else. */
export function parseHttpDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  // Only asctime has no zone; it means UTC, which Date.parse would not guess.
  const timeMs = Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** A time in whole seconds, as `Last-Modified` and `Date` carry it. */
export function renderHttpDate(timeMs: number): string {
  const day = Math.floor(timeMs / DAY_MS);
  // Most dates of a second, and of many seconds, are of the same day.
  if (day !== latestDay.day) {
    latestDay = { day, text: new Date(timeMs).toUTCString().slice(0, -TIME_LENGTH) };
  }
  const seconds = Math.floor(timeMs / 1000) - day * DAY_SECONDS;
  const hour = Math.floor(seconds / 3600);
  const minute = Math.floor(seconds / 60) % 60;
  return `${latestDay.text}${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(seconds % 60)} GMT`;
}

const DAY_SECONDS = 24 * 60 * 60;
const DAY_MS = DAY_SECONDS * 1000;
const TIME_LENGTH = "00:00:00 GMT".length;
/** The text of a day, up to its time. */
let latestDay = { day: Number.NaN, text: "" };

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}

const OVERRIDE_PREFIX = "response-";
const OVERRIDES = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
] as const;

/**
 * Headers that the query asks to replace (`response-content-type=...`), by their own names.
 * @throws S3Error InvalidArgument for a value that no header can carry.
 */
export function readResponseOverrides(
  query: readonly QueryParam[],
): Readonly<Record<string, string>> {
  const overrides = emptyRecord();
  if (!query.some(({ name }) => name.startsWith(OVERRIDE_PREFIX))) return overrides;
  for (const name of OVERRIDES) {
    const value = findText(query, OVERRIDE_PREFIX + name);
    if (value === undefined || value === "") continue;
    // The query is UTF-8; a header is Latin-1: the bytes go out as they came in.
    const bytes = Buffer.from(value, "utf8").toString("latin1");
    if (!isSendable(bytes)) {
      throw invalidArgument(OVERRIDE_PREFIX + name, value, "Header value cannot be represented.");
    }
    overrides[name] = bytes;
  }
  return overrides;
}
