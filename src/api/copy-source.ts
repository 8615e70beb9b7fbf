// The source of a copy, from the `x-amz-copy-source` header: which object, and which of its bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#AmazonS3-CopyObject-request-header-CopySource
//
// Decoded exactly once, and the result is never normalised: "..", "//" and "%2F" in a key are that key. "+" is a space
// here, as in a query string and unlike in a path; clients that mean a plus sign send "%2B".

import { S3Error } from "../core/s3-error.ts";
import { invalidArgument } from "./params.ts";

export interface CopySource {
  readonly bucketName: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

/** Bytes of the source, both ends inclusive, as the header says them. */
export interface CopyRange {
  readonly first: number;
  readonly last: number;
}

const HEADER = "x-amz-copy-source";
const RANGE_HEADER = "x-amz-copy-source-range";
const VERSION = "?versionId=";
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const RANGE = /^bytes=(\d{1,16})-(\d{1,16})$/;

/** @throws S3Error InvalidArgument unless it is `[/]bucket/key[?versionId=id]`, percent-encoded UTF-8. */
export function parseCopySource(headers: ReadonlyMap<string, string>): CopySource {
  const header = headers.get(HEADER) ?? "";
  const versionAt = header.lastIndexOf(VERSION);
  const path = decodeOnce(versionAt === -1 ? header : header.slice(0, versionAt), header);
  const target = path.startsWith("/") ? path.slice(1) : path;
  const slash = target.indexOf("/");
  if (slash <= 0 || slash === target.length - 1) throw invalidSource(header);
  return {
    bucketName: target.slice(0, slash),
    key: target.slice(slash + 1),
    versionId:
      versionAt === -1 ? undefined : decodeOnce(header.slice(versionAt + VERSION.length), header),
  };
}

/** @throws S3Error InvalidArgument for any form but `bytes=first-last`. */
export function parseCopyRange(headers: ReadonlyMap<string, string>): CopyRange | undefined {
  const header = headers.get(RANGE_HEADER);
  if (header === undefined) return undefined;
  const match = RANGE.exec(header);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (!(first <= last)) {
    throw invalidArgument(
      RANGE_HEADER,
      header,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  }
  return { first, last };
}

/** @throws S3Error InvalidRange when the source has not all of these bytes. */
export function checkCopyRange(range: CopyRange, sourceBytes: number): void {
  if (range.last < sourceBytes) return;
  throw new S3Error("InvalidRange", {
    message: `Range specified is not valid for source object of size: ${sourceBytes}`,
    detail: {
      ActualObjectSize: String(sourceBytes),
      RangeRequested: `bytes=${range.first}-${range.last}`,
    },
  });
}

/** Headers arrive as Latin-1, so that raw UTF-8 in them is bytes again before the decoding. */
function decodeOnce(text: string, header: string): string {
  if (BAD_ESCAPE.test(text)) throw invalidSource(header);
  const bytes = Buffer.from(
    text
      .replaceAll("+", " ")
      .replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    "latin1",
  );
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalidSource(header);
  }
}

function invalidSource(header: string): S3Error {
  return invalidArgument(
    HEADER,
    header,
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
  );
}
