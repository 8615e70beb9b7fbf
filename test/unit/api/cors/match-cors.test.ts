// CORS rules: which are taken at all, and which origin, method and headers they let through.

import { expect, test } from "vitest";
import { parseCorsConfiguration } from "../../../../src/api/cors/cors-document.ts";
import {
  corsHeaders,
  findCorsRule,
  readCorsQuestion,
} from "../../../../src/api/cors/match-cors.ts";

const rule = (inner: string) => `<CORSRule>${inner}</CORSRule>`;
const parse = (...rules: string[]) =>
  parseCorsConfiguration(`<CORSConfiguration>${rules.join("")}</CORSConfiguration>`);
const simple = (origin: string, method = "GET", more = "") =>
  rule(`<AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>${method}</AllowedMethod>${more}`);

function ask(xml: readonly string[], headers: Readonly<Record<string, string>>, method = "GET") {
  const question = readCorsQuestion(method, new Map(Object.entries(headers)));
  if (question === undefined) return undefined;
  const match = findCorsRule(parse(...xml), question);
  return match && corsHeaders(match, question);
}

test.each([
  ["*suffix", "foo.suffix", true],
  ["*suffix", "foo.suffix.get", false],
  ["start*end", "startend", true],
  ["start*end", "start12end", true],
  ["start*end", "0start12end", false],
  ["aba*aba", "aba", false],
  ["prefix*", "prefix", true],
  ["prefix*", "bla.prefix", false],
  ["https://a.example", "https://a.example", true],
  ["https://a.example", "https://A.example", false],
  ["https://*.example", "https://.example", true],
  ["*", "null", true],
])("the origin %s and %s", (pattern, origin, isAllowed) => {
  const found = ask([simple(pattern)], { origin });
  const right = isAllowed ? (pattern === "*" ? "*" : origin) : undefined;
  expect(found?.["access-control-allow-origin"]).toBe(right);
  expect(found?.["access-control-allow-credentials"]).toBe(
    isAllowed && pattern !== "*" ? "true" : undefined,
  );
});

test("the first rule that fits origin, method and headers decides", () => {
  const rules = [
    simple("https://a", "PUT", "<ExposeHeader>ETag</ExposeHeader>"),
    simple(
      "https://a",
      "GET",
      "<AllowedHeader>x-amz-*</AllowedHeader><MaxAgeSeconds>60</MaxAgeSeconds>",
    ),
    simple(
      "https://a",
      "GET",
      "<AllowedHeader>*</AllowedHeader><ExposeHeader>a</ExposeHeader><ExposeHeader>b</ExposeHeader>",
    ),
  ];
  const origin = "https://a";
  expect(ask(rules, { origin }, "PUT")).toMatchObject({ "access-control-expose-headers": "ETag" });
  const asked = { origin, "access-control-request-headers": "X-Amz-Date, x-AMZ-acl" };
  expect(ask(rules, asked)).toMatchObject({
    "access-control-max-age": "60",
    "access-control-allow-headers": "x-amz-date, x-amz-acl",
    "access-control-allow-methods": "GET",
  });
  const other = { origin, "access-control-request-headers": "authorization" };
  expect(ask(rules, other)).toMatchObject({ "access-control-expose-headers": "a, b" });
  expect(ask(rules, { origin }, "HEAD")).toBeUndefined();
  expect(ask(rules, {})).toBeUndefined();
  expect(ask(rules, { origin, "access-control-request-method": "PUT" })).toMatchObject({
    "access-control-allow-methods": "PUT",
  });
  expect(ask([simple("*")], { origin, "access-control-request-headers": "x" })).toBeUndefined();
});

test("a hundred wildcards cost nothing", () => {
  const rules = Array.from({ length: 100 }, (_, at) => simple(`https://*${"a".repeat(500)}${at}`));
  const parsed = parse(...rules);
  const origin = `https://${"a".repeat(4_000)}`;
  const question = readCorsQuestion("GET", new Map([["origin", origin]]));
  expect(question && findCorsRule(parsed, question)).toBeUndefined();
});

test("a whole rule is read in order", () => {
  const [only] = parse(
    rule(
      "<ID>one</ID><AllowedOrigin>a</AllowedOrigin><AllowedOrigin>b*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds>",
    ),
  );
  expect(only).toEqual({
    id: "one",
    allowedOrigins: ["a", "b*"],
    allowedMethods: ["GET", "PUT"],
    allowedHeaders: ["*"],
    exposeHeaders: ["ETag"],
    maxAgeSeconds: 3_000,
  });
});

test.each([
  ["no rule", [], "MalformedXML"],
  ["no origin", [rule("<AllowedMethod>GET</AllowedMethod>")], "MalformedXML"],
  ["no method", [rule("<AllowedOrigin>a</AllowedOrigin>")], "MalformedXML"],
  ["an empty origin", [simple("")], "MalformedXML"],
  ["an unknown element", [simple("a", "GET", "<Foo/>")], "MalformedXML"],
  [
    "an age that is none",
    [simple("a", "GET", "<MaxAgeSeconds>-1</MaxAgeSeconds>")],
    "MalformedXML",
  ],
  ["another method", [simple("a", "PATCH")], "InvalidRequest"],
  ["a method in lower case", [simple("a", "get")], "InvalidRequest"],
  ["two wildcards in an origin", [simple("*a*")], "InvalidRequest"],
  [
    "two wildcards in a header",
    [simple("a", "GET", "<AllowedHeader>*-*</AllowedHeader>")],
    "InvalidRequest",
  ],
  [
    "a wildcard in what is exposed",
    [simple("a", "GET", "<ExposeHeader>*</ExposeHeader>")],
    "InvalidRequest",
  ],
  ["a long ID", [simple("a", "GET", `<ID>${"x".repeat(256)}</ID>`)], "InvalidRequest"],
  ["101 rules", Array.from({ length: 101 }, () => simple("a")), "InvalidRequest"],
  ["64 KB", [simple("a".repeat(65_536))], "MaxMessageLengthExceeded"],
])("%s is refused", (_what, rules, code) => {
  expect(() => parse(...rules)).toThrow(expect.objectContaining({ code }));
});
