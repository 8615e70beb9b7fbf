// What a GET or HEAD answers with: the whole object, a range, a part, or word that nothing changed. Everything but
// the bytes is decided here, so that HEAD cannot differ from GET.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

import { PART_NUMBER_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { CustomerKey } from "../store/encryption/encryption-request.ts";
import type { ObjectRecord, PartRecord } from "../store/records.ts";
import { checksumHeaders, partChecksumHeaders } from "./checksum-headers.ts";
import { tryReadConditions } from "./conditions.ts";
import { encryptionHeaders, readCustomerKey } from "./encryption-headers.ts";
import { parseEtag, parseHttpDate, readResponseOverrides } from "./headers.ts";
import type { Headers } from "./headers.ts";
import { notModifiedHeaders, objectHeaders } from "./object-headers.ts";
import type { S3Request } from "./operation.ts";
import { findText, intParam } from "./params.ts";
import { parseRange, renderContentRange } from "./range.ts";
import { refuseHeaders } from "./refused-headers.ts";
import { addHeaders } from "./response.ts";
import { versionIdParam } from "./version-id.ts";

export interface ReadInput {
  readonly headers: Headers;
  readonly versionId: string | undefined;
  /** 0 where none is asked for. */
  readonly partNumber: number;
  readonly range: string | undefined;
  readonly overrides: Readonly<Record<string, string>>;
  readonly isChecksumWanted: boolean;
  /** With which the object is to be opened. */
  readonly customerKey: CustomerKey | undefined;
}

export interface ReadPlan {
  readonly status: 200 | 206 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface ReadSubject {
  readonly bucket: BucketView;
  readonly object: ObjectRecord;
  /** As `guardedHeaders`. */
  readonly guarded: Readonly<Record<string, string>>;
  /** Asked for multipart objects alone. */
  readonly findPart: (number: number) => Promise<PartRecord | undefined>;
}

/** The bytes that are asked for, and the headers that come with just those. */
interface Selection {
  readonly status: 200 | 206;
  readonly start: number;
  readonly end: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws S3Error InvalidArgument, InvalidRequest */
export function parseRead({ headers, query }: S3Request): ReadInput {
  refuseHeaders(headers, "read");
  const range = headers.get("range");
  if (range !== undefined && findText(query, "partNumber") !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Cannot specify both Range header and partNumber query parameter",
    });
  }
  return {
    headers,
    versionId: versionIdParam(query),
    partNumber: intParam(query, "partNumber", { min: 1, max: PART_NUMBER_MAX, fallback: 0 }),
    range,
    overrides: readResponseOverrides(query),
    isChecksumWanted: headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED",
    customerKey: readCustomerKey(headers),
  };
}

/** @throws S3Error PreconditionFailed, InvalidRange, InvalidPartNumber */
export async function planRead(subject: ReadSubject, input: ReadInput): Promise<ReadPlan> {
  const { bucket, object } = subject;
  if (tryReadConditions(input.headers, object) === "not-modified") {
    return { status: 304, headers: notModifiedHeaders(bucket, object), start: 0, end: 0 };
  }
  const selection =
    input.partNumber > 0 ? await selectPart(subject, input) : selectRange(object, input);
  const { status, start, end } = selection;
  const headers = objectHeaders(bucket, object);
  // One after the other: to put them together at once costs several times as much.
  addHeaders(headers, encryptionHeaders(object.encryption, input.customerKey));
  addHeaders(headers, subject.guarded);
  addHeaders(headers, input.overrides);
  addHeaders(headers, selection.headers);
  headers["content-length"] = String(end - start);
  return { status, headers, start, end };
}

function selectRange(object: ObjectRecord, input: ReadInput): Selection {
  const sizeBytes = object.sizeBytes;
  const range = isRangeCurrent(input.headers, object)
    ? parseRange(input.range, sizeBytes)
    : undefined;
  const { start, end } = range ?? { start: 0, end: sizeBytes };
  // A checksum of all bytes beside some of them would look to a client like damage.
  const isWhole = start === 0 && end === sizeBytes;
  const headers: Record<string, string> = {};
  if (range !== undefined) headers["content-range"] = renderContentRange(range, sizeBytes);
  if (input.isChecksumWanted && isWhole) addHeaders(headers, checksumHeaders(object.checksum));
  return { status: range === undefined ? 200 : 206, start, end, headers };
}

/** With `If-Range` a download goes on only in the very object in which it began. */
function isRangeCurrent(headers: Headers, object: ObjectRecord): boolean {
  const condition = headers.get("if-range");
  if (condition === undefined) return true;
  const timeMs = parseHttpDate(condition);
  if (timeMs !== undefined) return Math.floor(object.modifiedAt / 1000) * 1000 === timeMs;
  return !condition.startsWith("W/") && parseEtag(condition) === object.etag;
}

/** A part of a multipart object; any other object is its own first part. */
async function selectPart(subject: ReadSubject, input: ReadInput): Promise<Selection> {
  const { object } = subject;
  if (object.content.kind !== "manifest") {
    if (input.partNumber !== 1) throw unsatisfiable(input.partNumber, 1);
    return partial({ start: 0, end: object.sizeBytes }, object.sizeBytes, {
      ...(input.isChecksumWanted ? checksumHeaders(object.checksum) : {}),
    });
  }
  const { partCount } = object.content;
  const part = await subject.findPart(input.partNumber);
  if (part?.startOffset === undefined) throw unsatisfiable(input.partNumber, partCount);
  const start = part.startOffset;
  return partial({ start, end: start + part.sizeBytes }, object.sizeBytes, {
    "x-amz-mp-parts-count": String(partCount),
    ...(input.isChecksumWanted ? partChecksum(object, part) : {}),
  });
}

/** A part's own value, which clients compare with its bytes, beside the type of the object's. */
function partChecksum(object: ObjectRecord, part: PartRecord): Readonly<Record<string, string>> {
  const type = object.checksum?.type;
  const headers = partChecksumHeaders(part.checksums, object.checksum?.algorithm);
  return type === undefined ? headers : { ...headers, "x-amz-checksum-type": type };
}

/** No `Content-Range` can say "no bytes", so that an empty part goes without. */
function partial(
  range: { readonly start: number; readonly end: number },
  sizeBytes: number,
  headers: Readonly<Record<string, string>>,
): Selection {
  const contentRange =
    range.end > range.start ? { "content-range": renderContentRange(range, sizeBytes) } : {};
  return { status: 206, ...range, headers: { ...headers, ...contentRange } };
}

function unsatisfiable(partNumber: number, partCount: number): S3Error {
  return new S3Error("InvalidPartNumber", {
    detail: { PartNumberRequested: String(partNumber), ActualPartCount: String(partCount) },
  });
}
