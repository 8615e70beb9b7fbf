// Work that may outlast a client's patience (copies of gigabytes): after a while the answer begins with 200, the XML
// declaration and white space, as S3 does it; the document, or the error's document, follows when it is known.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

import type { ServerResponse } from "node:http";
import type { S3Error } from "../core/s3-error.ts";
import type { S3Response } from "./operation.ts";
import { errorResponse, toS3Error } from "./render-error.ts";
import type { ErrorPlace } from "./render-error.ts";
import { XML_DECLARATION } from "./xml/render.ts";

export interface LongAnswerOptions {
  readonly common: Readonly<Record<string, string>>;
  readonly place: ErrorPlace;
  /** Told of an error that came after the answer had begun. */
  readonly onError: (error: S3Error) => void;
  /** How long a client is left without any answer, in milliseconds. */
  readonly patienceMs?: number;
  readonly spaceEveryMs?: number;
}

const PATIENCE_MS = 10_000;
const SPACE_EVERY_MS = 5_000;

/**
 * Waits for the work. Resolves to its response when that came in time, and to the size in bytes of what was sent here
 * otherwise. Rejects with the work's error only while nothing has been sent.
 */
export async function awaitLongWork(
  out: ServerResponse,
  work: Promise<S3Response>,
  options: LongAnswerOptions,
): Promise<S3Response | number> {
  let spaces: NodeJS.Timeout | undefined;
  const patience = setTimeout(() => {
    out.writeHead(200, { ...options.common, "content-type": "application/xml" });
    out.write(Buffer.from(XML_DECLARATION));
    spaces = setInterval(() => out.write(Buffer.from(" ")), options.spaceEveryMs ?? SPACE_EVERY_MS);
  }, options.patienceMs ?? PATIENCE_MS);
  let response: S3Response;
  try {
    response = await work;
  } catch (error) {
    if (!out.headersSent) throw error;
    const known = toS3Error(error);
    options.onError(known);
    response = errorResponse(known, options.place);
  } finally {
    clearTimeout(patience);
    clearInterval(spaces);
  }
  if (!out.headersSent) return response;
  const document = typeof response.body === "string" ? response.body : "";
  const rest = Buffer.from(document.slice(XML_DECLARATION.length));
  out.write(rest);
  return rest.byteLength;
}
