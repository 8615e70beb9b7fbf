// From Node's request to ours: the target split, never normalised; the query decoded with nothing dropped; every header
// kept, repeated ones joined. Nothing here trusts X-Forwarded-*.

import type { IncomingMessage } from "node:http";
import { HEADER_SECTION_BYTES_MAX } from "../core/limits.ts";
import { decodePath } from "../core/object-key.ts";
import { S3Error } from "../core/s3-error.ts";
import type { QueryParam, WireRequest } from "../core/wire-request.ts";

/** Bytes around a header's name and value: ": " and the end of the line. */
const HEADER_FRAME_BYTES = 4;

/**
 * `requestTarget` is the second word of the request line, as sent.
 * @throws S3Error BadRequest, InvalidURI, InvalidRequest, RequestHeaderSectionTooLarge
 */
export function readWireRequest(message: IncomingMessage, requestTarget: string): WireRequest {
  const { headers, rawHeaders } = readHeaders(message.rawHeaders);
  checkTransferEncoding(headers.get("transfer-encoding"));
  if (message.httpVersion === "1.1" && !headers.has("host")) {
    throw new S3Error("BadRequest", { message: "Missing required header for this request: Host" });
  }
  const { rawPath, rawQuery } = splitTarget(requestTarget, headers.get("host"));
  return {
    method: message.method ?? "",
    rawPath,
    rawQuery,
    query: parseQuery(rawQuery),
    headers,
    rawHeaders,
  };
}

/** Node hands on a request whose coding it does not know before it finds that it cannot read it. */
function checkTransferEncoding(coding: string | undefined): void {
  if (coding === undefined || coding.trim().toLowerCase() === "chunked") return;
  throw new S3Error("BadRequest", { message: "The transfer encoding is not supported." });
}

/** A Map: a header named `__proto__` is a header. */
function readHeaders(sent: readonly string[]): Pick<WireRequest, "headers" | "rawHeaders"> {
  const headers = new Map<string, string>();
  const rawHeaders: string[] = [];
  let sizeBytes = 0;
  for (let index = 0; index + 1 < sent.length; index += 2) {
    const name = (sent[index] ?? "").toLowerCase();
    const value = sent[index + 1] ?? "";
    rawHeaders.push(name, value);
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
    sizeBytes += name.length + value.length + HEADER_FRAME_BYTES;
  }
  if (sizeBytes > HEADER_SECTION_BYTES_MAX) {
    throw new S3Error("RequestHeaderSectionTooLarge", {
      detail: { MaxSizeAllowed: String(HEADER_SECTION_BYTES_MAX) },
    });
  }
  return { headers, rawHeaders };
}

interface TargetParts {
  readonly rawPath: string;
  readonly rawQuery: string;
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)/i;

function splitTarget(target: string, host: string | undefined): TargetParts {
  let path = target;
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute !== null) {
    // The host that is signed and the host that is meant must be one.
    if (absolute[1]?.toLowerCase() !== host?.toLowerCase()) {
      throw new S3Error("InvalidRequest", {
        message: "The host of the request target differs from the Host header.",
      });
    }
    path = target.slice(absolute[0].length);
    if (!path.startsWith("/")) path = `/${path}`;
  }
  if (!path.startsWith("/")) throw new S3Error("InvalidURI", { detail: { URI: target } });
  const mark = path.indexOf("?");
  if (mark === -1) return { rawPath: path, rawQuery: "" };
  return { rawPath: path.slice(0, mark), rawQuery: path.slice(mark + 1) };
}

function parseQuery(rawQuery: string): readonly QueryParam[] {
  if (rawQuery === "") return [];
  const params: QueryParam[] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const mark = pair.indexOf("=");
    const name = mark === -1 ? pair : pair.slice(0, mark);
    const value = mark === -1 ? "" : pair.slice(mark + 1);
    params.push({ name: decodeParam(name), value: decodeParam(value) });
  }
  return params;
}

const NEEDS_DECODING = /[%+\u0080-\u00FF]/;

function decodeParam(text: string): string {
  if (!NEEDS_DECODING.test(text)) return text;
  return decodePath(text.includes("+") ? text.replaceAll("+", " ") : text);
}
