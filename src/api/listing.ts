// What the listings of a bucket share: their common parameters, the encoding of keys, and the tokens of their pages.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

import type { AccountDirectory } from "../auth/account-directory.ts";
import { PAGE_SIZE_MAX } from "../core/limits.ts";
import type { QueryParam } from "../core/wire-request.ts";
import type { ListedObject, ListedVersion, ObjectPage, ObjectSummary } from "../store/records.ts";
import { ownerElement } from "./owner.ts";
import { encodingTypeParam, findText, intParam, invalidArgument } from "./params.ts";
import { escapeXml, renderElements, urlEncodeKey, xmlDate } from "./xml/render.ts";
import type { XmlElements } from "./xml/render.ts";

export interface ListingInput {
  readonly prefix: string;
  /** Empty: no roll-up. */
  readonly delimiter: string;
  readonly encodingType: "url" | undefined;
  /** Entries of the page, 0 to PAGE_SIZE_MAX. */
  readonly limit: number;
}

export const EMPTY_PAGE: ObjectPage = { entries: [], isTruncated: false };

/** @param limitName the parameter that holds the page's size: `max-keys`, `max-uploads`. @throws S3Error InvalidArgument */
export function parseListing(query: readonly QueryParam[], limitName: string): ListingInput {
  return {
    prefix: findText(query, "prefix") ?? "",
    delimiter: findText(query, "delimiter") ?? "",
    encodingType: encodingTypeParam(query),
    limit: pageLimit(query, limitName),
  };
}

/** Asking for more than a page gets a full page. @throws S3Error InvalidArgument for a negative or odd number */
export function pageLimit(query: readonly QueryParam[], name: string): number {
  return Math.min(intParam(query, name, { min: 0, fallback: PAGE_SIZE_MAX }), PAGE_SIZE_MAX);
}

/** How the answer to a request writes keys, prefixes and markers. */
export function keyWriter(encodingType: "url" | undefined): (key: string) => string {
  // Every client decodes "%20"; some take "+" for a plus sign. A real plus sign is "%2B" by now.
  return encodingType === "url" ? (key) => urlEncodeKey(key).replaceAll("+", "%20") : (key) => key;
}

/** A time as listings show it: whole seconds, so that they agree with `Last-Modified`. */
export function listedTime(timeMs: number): string {
  return xmlDate(Math.floor(timeMs / 1000) * 1000);
}

/** The last key or prefix of a page. */
export function lastEntry(entries: readonly ListedObject[]): string | undefined {
  const last = entries.at(-1);
  if (last === undefined) return undefined;
  return last.kind === "object" ? last.object.key : last.prefix;
}

/** How a listing shows its objects. */
export interface PageStyle {
  readonly write: (key: string) => string;
  /** Knows the names of owners, where owners are shown. */
  readonly owner: AccountDirectory | undefined;
}

/**
 * The objects and `CommonPrefixes` of a page. Pages are what a server renders most of, so they are written as text at
 * once.
 */
export function renderPage(entries: readonly ListedObject[], style: PageStyle): XmlElements {
  let contents = "";
  let prefixes = "";
  let time = { second: Number.NaN, text: "" };
  for (const entry of entries) {
    if (entry.kind === "prefix") {
      prefixes += renderPrefix(entry.prefix, style);
      continue;
    }
    const { object } = entry;
    // Objects that were written together have one time.
    const second = Math.floor(object.modifiedAt / 1000);
    if (second !== time.second) time = { second, text: xmlDate(second * 1000) };
    contents += `<Contents>${renderObject(object, time.text, style)}</Contents>`;
  }
  return { "#page": contents + prefixes };
}

/** The versions, delete markers and `CommonPrefixes` of a page: versions and markers in one order, as they were listed. */
export function renderVersions(entries: readonly ListedVersion[], style: PageStyle): XmlElements {
  let contents = "";
  let prefixes = "";
  for (const entry of entries) {
    if (entry.kind === "prefix") {
      prefixes += renderPrefix(entry.prefix, style);
      continue;
    }
    const { object, versionId, isLatest } = entry;
    const id = `<VersionId>${versionId}</VersionId><IsLatest>${isLatest}</IsLatest>`;
    const time = listedTime(object.modifiedAt);
    contents +=
      entry.kind === "object"
        ? `<Version>${renderObject(object, time, style)}${id}</Version>`
        : `<DeleteMarker><Key>${escapeXml(style.write(object.key))}</Key><LastModified>${time}</LastModified>${renderOwner(object, style)}${id}</DeleteMarker>`;
  }
  return { "#page": contents + prefixes };
}

function renderPrefix(prefix: string, { write }: PageStyle): string {
  return `<CommonPrefixes><Prefix>${escapeXml(write(prefix))}</Prefix></CommonPrefixes>`;
}

function renderOwner({ ownerId }: ObjectSummary, { owner: accounts }: PageStyle): string {
  return accounts === undefined ? "" : renderElements({ Owner: ownerElement(ownerId, accounts) });
}

/** What stands inside the element of an object. */
function renderObject(object: ObjectSummary, time: string, style: PageStyle): string {
  const {
    etag,
    checksumAlgorithm: algorithm,
    checksumType: type,
    sizeBytes,
    storageClass,
  } = object;
  const checksum =
    (algorithm === undefined ? "" : `<ChecksumAlgorithm>${algorithm}</ChecksumAlgorithm>`) +
    (type === undefined ? "" : `<ChecksumType>${type}</ChecksumType>`);
  return (
    `<Key>${escapeXml(style.write(object.key))}</Key><LastModified>${time}</LastModified>` +
    `<ETag>&quot;${etag}&quot;</ETag>${checksum}<Size>${sizeBytes}</Size>` +
    `${renderOwner(object, style)}<StorageClass>${storageClass}</StorageClass>`
  );
}

/** The mark that tells our tokens from other base64; a new form of token gets another. */
const TOKEN_MARK = "1:";

/** An opaque token that continues after a key or a common prefix. */
export function continuationToken(after: string): string {
  return Buffer.from(TOKEN_MARK + after, "utf8").toString("base64url");
}

/** What a token continues after. @throws S3Error InvalidArgument for a token that was never given out */
export function parseContinuationToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  const after = text.slice(TOKEN_MARK.length);
  if (!text.startsWith(TOKEN_MARK) || after === "" || continuationToken(after) !== token) {
    throw invalidArgument(
      "continuation-token",
      token,
      "The continuation token provided is incorrect",
    );
  }
  return after;
}
