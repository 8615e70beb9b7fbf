// Object lock between records and the wire: what a request says of retention and legal hold, and what answers say.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { GivenLock, LockMode, Retention } from "../store/records.ts";
import { findAnnouncedAlgorithm } from "./checksum-headers.ts";
import type { Headers } from "./headers.ts";
import { invalidArgument } from "./params.ts";
import { xmlDate } from "./xml/render.ts";

const MODE = "x-amz-object-lock-mode";
const UNTIL = "x-amz-object-lock-retain-until-date";
const HOLD = "x-amz-object-lock-legal-hold";
const BYPASS = "x-amz-bypass-governance-retention";

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** What the headers of a request that makes an object ask for. @throws S3Error InvalidArgument */
export function readLockHeaders(headers: Headers): GivenLock {
  return { retention: readRetentionHeaders(headers), legalHold: readHoldHeader(headers) };
}

function readRetentionHeaders(headers: Headers): Retention | undefined {
  const mode = headers.get(MODE);
  const until = headers.get(UNTIL);
  if (mode === undefined && until === undefined) return undefined;
  if (mode === undefined || until === undefined) {
    const message = `${UNTIL} and ${MODE} must both be supplied`;
    throw mode === undefined
      ? invalidArgument(MODE, "", message)
      : invalidArgument(UNTIL, "", message);
  }
  if (!isLockMode(mode)) throw invalidArgument(MODE, mode, "Unknown wormMode directive.");
  const untilMs = parseIsoTime(until);
  if (untilMs === undefined) {
    const message = "The retain until date must be provided in ISO 8601 format";
    throw invalidArgument(UNTIL, until, message);
  }
  return { mode, until: untilMs };
}

function readHoldHeader(headers: Headers): boolean | undefined {
  const hold = headers.get(HOLD);
  if (hold === undefined) return undefined;
  if (hold === "ON" || hold === "OFF") return hold === "ON";
  throw invalidArgument(HOLD, hold, "Legal Hold must be either of 'ON' or 'OFF'");
}

export function isLockMode(text: string): text is LockMode {
  return text === "COMPLIANCE" || text === "GOVERNANCE";
}

/** A time of ISO 8601 with its zone, in milliseconds since 1970; undefined for anything else. */
export function parseIsoTime(text: string): number | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** @throws S3Error InvalidArgument unless the retention ends after `now`. */
export function requireFuture(retention: Retention | undefined, now: number): void {
  if (retention === undefined || retention.until > now) return;
  const message = "The retain until date must be in the future!";
  throw invalidArgument(UNTIL, xmlDate(retention.until), message);
}

/** @throws S3Error InvalidRequest for a bucket that has no object lock. */
export function requireLock(bucket: BucketView): void {
  if (bucket.lock !== undefined) return;
  throw new S3Error("InvalidRequest", {
    message: "Bucket is missing Object Lock Configuration",
    detail: { BucketName: bucket.name },
  });
}

/** Tries what a request gives a new object, before its bytes are read. @throws S3Error InvalidRequest, InvalidArgument */
export function checkGivenLock(bucket: BucketView, lock: GivenLock, now: number): void {
  if (lock.retention === undefined && lock.legalHold === undefined) return;
  requireLock(bucket);
  requireFuture(lock.retention, now);
}

/**
 * Bytes that nobody may take back later must be known to be the right ones.
 * @throws S3Error InvalidRequest for bytes that are to be locked and come without a digest.
 */
export function requireLockDigest(
  bucket: BucketView,
  lock: GivenLock,
  { headers, what }: { readonly headers: Headers; readonly what: "Object" | "Part" },
): void {
  if (bucket.lock === undefined) return;
  const isLocked =
    lock.retention !== undefined ||
    lock.legalHold !== undefined ||
    bucket.lock.defaultRetention !== undefined;
  if (!isLocked) return;
  if (headers.has("content-md5") || findAnnouncedAlgorithm(headers) !== undefined) return;
  throw new S3Error("InvalidRequest", {
    message: `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${what} requests with Object Lock parameters`,
  });
}

/** Whether the request asks to pass over a retention in governance mode. What it asks for needs a permission. */
export function asksForBypass(headers: Headers): boolean {
  return headers.get(BYPASS)?.trim().toLowerCase() === "true";
}

export function retentionHeaders({ mode, until }: Retention): Record<string, string> {
  return { [MODE]: mode, [UNTIL]: xmlDate(until) };
}

export function legalHoldHeaders(isOn: boolean): Record<string, string> {
  return { [HOLD]: isOn ? "ON" : "OFF" };
}
