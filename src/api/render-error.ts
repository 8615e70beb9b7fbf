// Every error that a client sees is made here, from an S3Error: status, headers, and S3's error document.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

import { S3Error } from "../core/s3-error.ts";
import type { S3Response } from "./operation.ts";
import { renderPlainXml } from "./xml/render.ts";

export interface ErrorPlace {
  /** The path as it was sent. */
  readonly resource: string;
  readonly requestId: string;
  readonly hostId: string;
}

/** Seconds after which a client may try again, in answers that ask it to. */
const RETRY_AFTER_SECONDS = "1";

/** What is not an S3Error is a fault of ours; nothing of it is shown. */
export function toS3Error(error: unknown): S3Error {
  return error instanceof S3Error ? error : new S3Error("InternalError", { cause: error });
}

export function errorResponse(error: S3Error, place: ErrorPlace): S3Response {
  if (error.status === 304) return { status: 304, headers: {}, body: undefined };
  const headers: Record<string, string> = { "content-type": "application/xml", ...error.headers };
  if (error.status === 503) headers["retry-after"] = RETRY_AFTER_SECONDS;
  const allow = error.code === "MethodNotAllowed" ? error.detail["Allow"] : undefined;
  if (allow !== undefined) headers["allow"] = allow;
  return { status: error.status, headers, body: renderError(error, place) };
}

export function renderError(error: S3Error, place: ErrorPlace): string {
  const { Allow: _inHeader, ...detail } = error.detail;
  return renderPlainXml("Error", {
    Code: error.code,
    Message: error.message,
    ...detail,
    Resource: place.resource,
    RequestId: place.requestId,
    HostId: place.hostId,
  });
}
