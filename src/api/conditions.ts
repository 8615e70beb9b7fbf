// Conditional requests: reads (`If-Match` and its three companions), the source of a copy, and conditional writes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html

import { S3Error } from "../core/s3-error.ts";
import type { WriteCondition } from "../store/records.ts";
import { parseEtag, parseHttpDate } from "./headers.ts";
import type { Headers } from "./headers.ts";

/** What conditions are tried on. */
export interface ConditionSubject {
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

interface Verdicts {
  readonly match: boolean | undefined;
  readonly noneMatch: boolean | undefined;
  readonly modified: boolean | undefined;
  readonly unmodified: boolean | undefined;
}

/**
 * Tries a GET's or HEAD's conditions on the object: `If-Match` outweighs `If-Unmodified-Since`, and `If-None-Match`
 * outweighs `If-Modified-Since`.
 * @throws S3Error PreconditionFailed
 */
export function tryReadConditions(
  headers: Headers,
  object: ConditionSubject,
): "not-modified" | "proceed" {
  const verdicts = judge(headers, "", object);
  refuseUnmatched(verdicts, "");
  const isFresh = verdicts.noneMatch ?? verdicts.modified ?? true;
  return isFresh ? "proceed" : "not-modified";
}

/** Tries `x-amz-copy-source-if-*` on the source of a copy. @throws S3Error PreconditionFailed */
export function checkCopyConditions(headers: Headers, source: ConditionSubject): void {
  const prefix = "x-amz-copy-source-";
  const verdicts = judge(headers, prefix, source);
  refuseUnmatched(verdicts, prefix);
  if (verdicts.noneMatch === false) throw failed(`${prefix}If-None-Match`);
  if (verdicts.noneMatch === undefined && verdicts.modified === false) {
    throw failed(`${prefix}If-Modified-Since`);
  }
}

/**
 * The conditions of a write; undefined without any.
 * Differs from AWS: S3 takes only `*` in the `If-None-Match` of a write; an ETag works here as it does for reads.
 */
export function readWriteCondition(headers: Headers): WriteCondition | undefined {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ifMatch: ifMatch === undefined ? undefined : parseEtag(ifMatch),
    ifNoneMatch: ifNoneMatch === undefined ? undefined : parseEtag(ifNoneMatch),
  };
}

/** Whether who is refused, or not, learns of the object more than that there is one: that takes the permission to read it. */
export function asksForContent(condition: WriteCondition | undefined): boolean {
  const { ifMatch, ifNoneMatch = "*" } = condition ?? {};
  return ifMatch !== undefined || ifNoneMatch !== "*";
}

function judge(headers: Headers, prefix: string, object: ConditionSubject): Verdicts {
  const match = headers.get(`${prefix}if-match`);
  const noneMatch = headers.get(`${prefix}if-none-match`);
  const modifiedSince = parseHttpDate(headers.get(`${prefix}if-modified-since`) ?? "");
  const unmodifiedSince = parseHttpDate(headers.get(`${prefix}if-unmodified-since`) ?? "");
  // Dates in headers have whole seconds.
  const modifiedAt = Math.floor(object.modifiedAt / 1000) * 1000;
  return {
    match: match === undefined ? undefined : listsEtag(match, object.etag),
    noneMatch: noneMatch === undefined ? undefined : !listsEtag(noneMatch, object.etag),
    modified: modifiedSince === undefined ? undefined : modifiedAt > modifiedSince,
    unmodified: unmodifiedSince === undefined ? undefined : modifiedAt <= unmodifiedSince,
  };
}

function refuseUnmatched(verdicts: Verdicts, prefix: string): void {
  if (verdicts.match === false) throw failed(`${prefix}If-Match`);
  if (verdicts.match === undefined && verdicts.unmodified === false) {
    throw failed(`${prefix}If-Unmodified-Since`);
  }
}

function listsEtag(list: string, etag: string): boolean {
  return list.split(",").some((item) => item.trim() === "*" || parseEtag(item) === etag);
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { detail: { Condition: condition } });
}
