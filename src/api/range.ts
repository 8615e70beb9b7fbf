// The Range header of reads. One range of bytes; whatever else the header says is ignored and the whole object is sent,
// as S3 does with several ranges: so a request can never ask for more bytes than the object has.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

import { S3Error } from "../core/s3-error.ts";

/** Bytes from `start` to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * The bytes that a Range header asks of an object; undefined for the whole of it, without a 206.
 * @throws S3Error InvalidRange when no byte of the object is in the range.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = RANGE.exec(header?.trim() ?? "");
  if (match === null || header === undefined) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const range = first === "" ? suffix(Number(last), sizeBytes) : between(first, last, sizeBytes);
  if (range !== undefined && range.start >= range.end) {
    throw new S3Error("InvalidRange", {
      detail: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    });
  }
  return range;
}

/** The value of `Content-Range`. */
export function renderContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`;
}

function suffix(lengthBytes: number, sizeBytes: number): ByteRange {
  return { start: sizeBytes - Math.min(lengthBytes, sizeBytes), end: sizeBytes };
}

function between(first: string, last: string, sizeBytes: number): ByteRange | undefined {
  const start = Number(first);
  if (last === "") return { start, end: sizeBytes };
  // A range that ends before it begins is no range at all.
  if (Number(last) < start) return undefined;
  return { start, end: Math.min(Number(last) + 1, sizeBytes) };
}
