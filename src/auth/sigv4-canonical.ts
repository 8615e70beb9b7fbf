// The canonical request of Signature V4: what client and server both sign, made from the request exactly as it came.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html#canonical-request
//
// Paths are never normalised (`//`, `.` and `..` are parts of keys). Clients encode differently; each form that is
// tried means the same key and the same parameters, so that a signature never covers another request than its own.

import type { WireRequest } from "../core/wire-request.ts";
import { canonicalPath, canonicalQueryText } from "./percent-encoding.ts";

export interface CanonicalForm {
  /** `canonical` is what AWS signs; `sent` takes the encoding of path and query as the client chose it. */
  readonly encoding: "canonical" | "sent";
  /** `sent` signs the bytes of header values; `utf8` their Latin-1 text in UTF-8, as botocore does. */
  readonly headerText: "sent" | "utf8";
  /** Stands for the Host header. */
  readonly host: string;
}

export interface CanonicalSource {
  readonly request: WireRequest;
  /** Lower-case names in the order of the signature. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/** The forms worth trying, most likely first; the first is what an error answer shows. */
export function canonicalForms(source: CanonicalSource, hosts: readonly string[]): CanonicalForm[] {
  const { request } = source;
  const encodings: CanonicalForm["encoding"][] = ["canonical"];
  if (hasOwnEncoding(request)) encodings.push("sent");
  const headerTexts: CanonicalForm["headerText"][] = ["sent"];
  if (source.signedHeaders.some((name) => !isAscii(request.headers.get(name) ?? ""))) {
    headerTexts.push("utf8");
  }
  return hosts.flatMap((host) =>
    encodings.flatMap((encoding) =>
      headerTexts.map((headerText) => ({ encoding, headerText, host })),
    ),
  );
}

/** One byte a character, to be hashed as Latin-1. */
export function renderCanonicalRequest(source: CanonicalSource, form: CanonicalForm): string {
  const { request, signedHeaders, payloadHash } = source;
  const headers = signedHeaders.map((name) => `${name}:${headerValue(request, name, form)}\n`);
  return [
    request.method,
    form.encoding === "sent" ? request.rawPath : canonicalPath(request.rawPath),
    canonicalQuery(request.rawQuery, form.encoding),
    headers.join(""),
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

/** Values without outer white space, inner runs of it as one space. */
function foldHeaderValue(value: string): string {
  // Not \s: a byte of UTF-8 text may look like a no-break space of Latin-1.
  return value.replaceAll(/[ \t]+/g, " ").replaceAll(/^ | $/g, "");
}

function headerValue(request: WireRequest, name: string, form: CanonicalForm): string {
  if (name === "host") return form.host;
  const value = foldHeaderValue(request.headers.get(name) ?? "");
  return form.headerText === "utf8" ? Buffer.from(value, "utf8").toString("latin1") : value;
}

function canonicalQuery(rawQuery: string, encoding: CanonicalForm["encoding"]): string {
  return splitQuery(rawQuery)
    .filter((param) => param.name !== "X-Amz-Signature")
    .map(({ name, value }) =>
      encoding === "sent"
        ? { name, value }
        : { name: canonicalQueryText(name), value: canonicalQueryText(value) },
    )
    .toSorted((a, b) => compareText(a.name, b.name) || compareText(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join("&");
}

function hasOwnEncoding({ rawPath, rawQuery }: WireRequest): boolean {
  return (
    canonicalPath(rawPath) !== rawPath ||
    splitQuery(rawQuery).some(
      ({ name, value }) => canonicalQueryText(name) !== name || canonicalQueryText(value) !== value,
    )
  );
}

function splitQuery(rawQuery: string): { readonly name: string; readonly value: string }[] {
  if (rawQuery === "") return [];
  return rawQuery
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      return at < 0
        ? { name: pair, value: "" }
        : { name: pair.slice(0, at), value: pair.slice(at + 1) };
    });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
