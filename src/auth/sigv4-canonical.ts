// The canonical request of Signature V4: what client and server both sign, made from the request exactly as it came.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html#canonical-request
//
// Paths are never normalised (`//`, `.` and `..` are parts of keys). Clients encode differently; each form that is
// tried means the same key and the same parameters, so that a signature never covers another request than its own.

import type { WireRequest } from "../core/wire-request.ts";
import { canonicalPath, canonicalQueryText, isCanonicalQuery } from "./percent-encoding.ts";

export interface CanonicalSource {
  readonly request: WireRequest;
  /** Lower-case names in the order of the signature. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/** Path and query as one of the two sides encodes them. */
interface Target {
  readonly path: string;
  readonly query: string;
}

type HeaderText = "sent" | "utf8";

/**
 * The canonical requests that a client may have signed for this request, the one that AWS documents first: with each of
 * `hosts` in the place of the Host header, then with header values of Latin-1 in UTF-8 (as botocore signs them and does
 * not send them), then with path and query encoded as they were sent. One byte a character, to be hashed as Latin-1.
 */
export function* canonicalRequests(
  source: CanonicalSource,
  hosts: readonly string[],
): Generator<string, void, undefined> {
  const canonical = canonicalTarget(source.request);
  yield* withHosts(source, hosts, canonical);
  const sent = sentTarget(source.request);
  if (sent.path !== canonical.path || sent.query !== canonical.query) {
    yield* withHosts(source, hosts, sent);
  }
}

function* withHosts(
  source: CanonicalSource,
  hosts: readonly string[],
  target: Target,
): Generator<string, void, undefined> {
  const { request, signedHeaders, payloadHash } = source;
  const isPlain = signedHeaders.every((name) => isAscii(request.headers.get(name) ?? ""));
  const texts: readonly HeaderText[] = isPlain ? ["sent"] : ["sent", "utf8"];
  for (const text of texts) {
    for (const host of hosts) {
      const headers = signedHeaders.map((name) =>
        name === "host" ? `host:${host}\n` : `${name}:${headerValue(request, name, text)}\n`,
      );
      const names = signedHeaders.join(";");
      yield `${request.method}\n${target.path}\n${target.query}\n${headers.join("")}\n${names}\n${payloadHash}`;
    }
  }
}

const FOLDABLE = /^ | $|\t| {2}/;

/** Values without outer white space, inner runs of it as one space. */
function foldHeaderValue(value: string): string {
  if (!FOLDABLE.test(value)) return value;
  // Not \s: a byte of UTF-8 text may look like a no-break space of Latin-1.
  return value.replaceAll(/[ \t]+/g, " ").replaceAll(/^ | $/g, "");
}

function headerValue(request: WireRequest, name: string, text: HeaderText): string {
  const value = foldHeaderValue(request.headers.get(name) ?? "");
  return text === "utf8" ? Buffer.from(value, "utf8").toString("latin1") : value;
}

function canonicalTarget({ rawPath, rawQuery }: WireRequest): Target {
  const path = canonicalPath(rawPath);
  const query = canonicalAsSent(rawQuery);
  if (query !== undefined) return { path, query };
  const params = splitQuery(rawQuery).map(({ name, value }) => ({
    name: canonicalQueryText(name),
    value: canonicalQueryText(value),
  }));
  return { path, query: joinSorted(params) };
}

/** A query that is sorted and encoded as it is to be signed, as signers send it mostly; undefined for any other. */
function canonicalAsSent(rawQuery: string): string | undefined {
  if (rawQuery === "" || !isCanonicalQuery(rawQuery)) return undefined;
  const kept: string[] = [];
  let before = "";
  for (const pair of rawQuery.split("&")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    // No parameter, or one that is not all there, or is there twice: the order is not this simple.
    if (at <= 0 || pair.includes("=", at + 1)) return undefined;
    if (name === SIGNATURE) continue;
    if (name <= before) return undefined;
    before = name;
    kept.push(pair);
  }
  return kept.join("&");
}

function sentTarget({ rawPath, rawQuery }: WireRequest): Target {
  return { path: rawPath, query: joinSorted(splitQuery(rawQuery)) };
}

/** Not signed itself. */
const SIGNATURE = "X-Amz-Signature";

interface Param {
  readonly name: string;
  readonly value: string;
}

function joinSorted(params: readonly Param[]): string {
  return params
    .filter(({ name }) => name !== SIGNATURE)
    .toSorted((a, b) => compareText(a.name, b.name) || compareText(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join("&");
}

function splitQuery(rawQuery: string): Param[] {
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
