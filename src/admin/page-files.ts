// The files of the web page (src/console): a closed list, read once each. Anyone who reaches the port may have them, for
// there is nothing in them but the page. Its scripts and styles come from here alone, and nothing else may frame it.

import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import type { WireRequest } from "../core/wire-request.ts";
import { codeRoot } from "../util/code-root.ts";
import { AdminError } from "./admin-error.ts";

interface PageFile {
  readonly name: string;
  readonly contentType: string;
}

const FILES: ReadonlyMap<string, PageFile> = new Map([
  ["/", { name: "index.html", contentType: "text/html; charset=utf-8" }],
  ["/console/main.js", { name: "main.js", contentType: "text/javascript; charset=utf-8" }],
  ["/console/style.css", { name: "style.css", contentType: "text/css; charset=utf-8" }],
  ["/console/icon.svg", { name: "icon.svg", contentType: "image/svg+xml" }],
]);

/** Scripts from this server alone, none within the page, and no text ever made into markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const contents = new Map<string, Promise<Buffer>>();

/** Undefined for a request that is for none of them. */
export function findPageFile({ method, rawPath }: WireRequest): PageFile | undefined {
  const file = FILES.get(rawPath);
  if (file === undefined || method === "GET") return file;
  throw new AdminError(405, "MethodNotAllowed", `${rawPath} takes GET only`);
}

/** @throws AdminError where the page was not built. */
export async function sendPageFile(
  { name, contentType }: PageFile,
  out: ServerResponse,
): Promise<void> {
  const bytes = await readOnce(name);
  out.setHeader("content-security-policy", POLICY);
  out.setHeader("cross-origin-opener-policy", "same-origin");
  out.writeHead(200, { "content-type": contentType, "content-length": bytes.length });
  out.end(bytes);
}

async function readOnce(name: string): Promise<Buffer> {
  const reading = contents.get(name) ?? readFile(new URL(name, folder()));
  contents.set(name, reading);
  try {
    return await reading;
  } catch (error) {
    contents.delete(name);
    throw new AdminError(404, "NotFound", "the page was not built", { cause: error });
  }
}

/** Where the build puts it: also for code that runs from its source. */
function folder(): URL {
  const root = codeRoot(import.meta.url);
  return new URL("console/", import.meta.url.endsWith(".ts") ? new URL("../dist/", root) : root);
}
