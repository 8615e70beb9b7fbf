// How long a body is, as its headers say before any of it is read.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html

import type { PayloadPlan } from "../../auth/authenticate.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { S3ErrorCode } from "../../core/s3-error.ts";

export interface BodySizeRule {
  /** Largest length after decoding, in bytes. */
  readonly max: number;
  readonly tooLarge: Extract<S3ErrorCode, "EntityTooLarge" | "MaxMessageLengthExceeded">;
}

/**
 * The length after decoding; undefined where Transfer-Encoding leaves it open.
 * @throws S3Error MissingContentLength, InvalidArgument, InvalidRequest, or what `rule` says of a long one
 */
export function readBodySize(
  headers: ReadonlyMap<string, string>,
  payload: PayloadPlan,
  rule: BodySizeRule,
): number | undefined {
  const sizeBytes = payload.kind === "chunked" ? decodedSize(headers) : plainSize(headers);
  if (sizeBytes !== undefined && sizeBytes > rule.max) throw tooLarge(sizeBytes, rule);
  return sizeBytes;
}

export function tooLarge(sizeBytes: number, rule: BodySizeRule): S3Error {
  return new S3Error(rule.tooLarge, {
    detail: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(rule.max) },
  });
}

function decodedSize(headers: ReadonlyMap<string, string>): number {
  const text = headers.get("x-amz-decoded-content-length");
  if (text === undefined) throw new S3Error("MissingContentLength");
  return parseSize(text, "x-amz-decoded-content-length");
}

function plainSize(headers: ReadonlyMap<string, string>): number | undefined {
  const isOpen = headers.has("transfer-encoding");
  const text = headers.get("content-length");
  if (text === undefined && !isOpen) throw new S3Error("MissingContentLength");
  const sizeBytes = isOpen || text === undefined ? undefined : parseSize(text, "Content-Length");
  if (sizeBytes !== 0 && /aws-chunked/i.test(headers.get("content-encoding") ?? "")) {
    // Its frames would become part of the object.
    throw new S3Error("InvalidRequest", {
      message: "A body in aws-chunked encoding needs an x-amz-content-sha256 that says STREAMING-.",
    });
  }
  return sizeBytes;
}

function parseSize(text: string, name: string): number {
  const sizeBytes = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(sizeBytes)) return sizeBytes;
  throw new S3Error("InvalidArgument", {
    message: `${name} must be a number of bytes.`,
    detail: { ArgumentName: name, ArgumentValue: text },
  });
}
