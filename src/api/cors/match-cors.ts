// Which rule of a bucket lets a page of another origin see an answer, and the headers that tell its browser so. The
// first rule that matches decides. Wildcards are compared by hand: a pattern is data of a stranger.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html

import type { Headers } from "../headers.ts";
import { isSendable } from "../headers.ts";
import type { CorsRule } from "./cors-document.ts";

/** What a browser asks. */
export interface CorsQuestion {
  readonly origin: string;
  /** Of the request that is, or, in a preflight, that is to be. */
  readonly method: string;
  /** Names of headers that are to be sent; lower-case. */
  readonly headers: readonly string[];
}

export interface CorsMatch {
  readonly rule: CorsRule;
  /** Whether the rule is open to every origin. */
  readonly isOpen: boolean;
}

/** Answers differ by these, and caches must know. */
export const CORS_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/** More names than any real request has; what is beyond would only cost time. */
const ASKED_HEADERS_MAX = 200;

/** Undefined without an Origin. A header `Access-Control-Request-Method` names the method, also where it is no preflight. */
export function readCorsQuestion(method: string, headers: Headers): CorsQuestion | undefined {
  const origin = headers.get("origin");
  if (origin === undefined || origin === "") return undefined;
  return {
    origin,
    method: headers.get("access-control-request-method") ?? method,
    headers: askedHeaders(headers.get("access-control-request-headers") ?? ""),
  };
}

export function findCorsRule(
  rules: readonly CorsRule[],
  question: CorsQuestion,
): CorsMatch | undefined {
  if (question.headers.length > ASKED_HEADERS_MAX) return undefined;
  for (const rule of rules) {
    if (!rule.allowedMethods.includes(question.method)) continue;
    const pattern = rule.allowedOrigins.find((origin) => matchesOne(origin, question.origin));
    if (pattern === undefined || !allowsHeaders(rule, question.headers)) continue;
    return { rule, isOpen: pattern === "*" };
  }
  return undefined;
}

/** What an answer carries that the rule lets through. */
export function corsHeaders(
  { rule, isOpen }: CorsMatch,
  question: CorsQuestion,
): Record<string, string> {
  const exposed = rule.exposeHeaders.join(", ");
  const asked = question.headers.join(", ");
  return {
    "access-control-allow-origin": isOpen ? "*" : question.origin,
    "access-control-allow-methods": rule.allowedMethods.join(", "),
    ...(asked === "" ? {} : { "access-control-allow-headers": asked }),
    ...(exposed === "" || !isSendable(exposed) ? {} : { "access-control-expose-headers": exposed }),
    ...(rule.maxAgeSeconds === undefined
      ? {}
      : { "access-control-max-age": String(rule.maxAgeSeconds) }),
    ...(isOpen ? {} : { "access-control-allow-credentials": "true" }),
  };
}

function allowsHeaders(rule: CorsRule, asked: readonly string[]): boolean {
  if (asked.length === 0) return true;
  const patterns = rule.allowedHeaders.map((header) => header.toLowerCase());
  return asked.every((name) => patterns.some((pattern) => matchesOne(pattern, name)));
}

/** Whether the text is the pattern, whose one `*` stands for any text, also none. */
function matchesOne(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === text;
  return (
    text.length >= pattern.length - 1 &&
    text.startsWith(pattern.slice(0, star)) &&
    text.endsWith(pattern.slice(star + 1))
  );
}

function askedHeaders(list: string): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}
