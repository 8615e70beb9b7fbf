// The answers that operations give most: an XML document, or headers alone.

import type { S3Response } from "./operation.ts";
import { renderXml } from "./xml/render.ts";
import type { XmlElements } from "./xml/render.ts";

export interface ResponseOptions {
  readonly status?: number;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A document whose root has S3's namespace. */
export function xmlResponse(
  root: string,
  content: XmlElements | string,
  options: ResponseOptions = {},
): S3Response {
  return {
    status: options.status ?? 200,
    headers: { "content-type": "application/xml", ...options.headers },
    body: renderXml(root, content),
  };
}

export function emptyResponse(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): S3Response {
  return { status, headers, body: undefined };
}

/** Where spreading many small objects into one would cost more than all else that an answer does. */
export function addHeaders(
  to: Record<string, string>,
  headers: Readonly<Record<string, string>>,
): void {
  for (const name in headers) to[name] = headers[name] ?? "";
}
