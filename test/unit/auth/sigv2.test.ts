// Signature V2 beyond AWS's examples: what boto signs in its own way, what a URL must cover, and what is refused.

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { authenticate } from "../../../src/auth/authenticate.ts";
import {
  EXAMPLE_KEY,
  EXAMPLE_SECRET,
  givenRequest,
  givenSettings,
  refusalOf,
} from "./given-request.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const DATE = "Fri, 01 May 2026 12:00:00 GMT";
const EXPIRES = String(NOW / 1000 + 60);

const sign = (text: string, secret = EXAMPLE_SECRET) =>
  createHmac("sha1", secret).update(text, "latin1").digest("base64");

const authorized = (signature: string) => ({
  host: "s3.example",
  date: DATE,
  authorization: `AWS ${EXAMPLE_KEY}:${signature}`,
});

function urlFor(path: string, signed: string, query = "", method = "GET"): string {
  const signature = encodeURIComponent(sign(`${method}\n\n\n${EXPIRES}\n${signed}`));
  const more = query === "" ? "" : `&${query}`;
  return `${path}?AWSAccessKeyId=${EXAMPLE_KEY}&Expires=${EXPIRES}&Signature=${signature}${more}`;
}

const settings = givenSettings({ nowMs: NOW });
const accept = (method: string, target: string, headers: Readonly<Record<string, string>>) =>
  authenticate(givenRequest(method, target, headers), settings, undefined);
const refuse = (method: string, target: string, headers: Readonly<Record<string, string>>) =>
  refusalOf(() => accept(method, target, headers));

const HOST = { host: "s3.example" };

test("a bucket is signed with or without its slash", () => {
  for (const resource of ["/bucket", "/bucket/"]) {
    const headers = authorized(sign(`GET\n\n\n${DATE}\n${resource}`));
    expect(accept("GET", "/bucket?list-type=2", headers)).toMatchObject({ method: "header" });
  }
  const key = authorized(sign(`GET\n\n\n${DATE}\n/bucket/key/`));
  expect(refuse("GET", "/bucket/key", key).code).toBe("SignatureDoesNotMatch");
});

test("x-amz-* headers are signed as they are, trimmed outside and not inside", () => {
  const text = Buffer.from("b  cà").toString("latin1");
  const lines = `x-amz-date:Fri, 01 May 2026 12:00:00 GMT\nx-amz-meta-a:${text}\n`;
  const headers = {
    ...authorized(sign(`GET\n\n\n\n${lines}/b/k`)),
    "x-amz-date": DATE,
    "x-amz-meta-a": ` ${text}\t `,
  };
  expect(accept("GET", "/b/k", headers)).toMatchObject({ method: "header" });
  const refusal = refuse("GET", "/b/k", { ...headers, "x-amz-copy-source": "b/secret" });
  expect(refusal.code).toBe("SignatureDoesNotMatch");
});

test("a URL carries the headers that it was signed with in its query, as botocore writes them", () => {
  const signed = `PUT\n\ntext/plain\n${EXPIRES}\nx-amz-meta-m:n\n/b/k`;
  const query = `AWSAccessKeyId=${EXAMPLE_KEY}&Expires=${EXPIRES}&Signature=${encodeURIComponent(sign(signed))}`;
  const inQuery = `/b/k?${query}&x-amz-meta-m=n&content-type=text/plain`;
  expect(accept("PUT", inQuery, HOST)).toMatchObject({ method: "presigned" });
  const headers = { ...HOST, "x-amz-meta-m": "n", "content-type": "text/plain" };
  expect(accept("PUT", `/b/k?${query}`, headers)).toMatchObject({ method: "presigned" });
  const changed = { ...headers, "x-amz-meta-m": "other" };
  expect(refuse("PUT", `/b/k?${query}`, changed).code).toBe("SignatureDoesNotMatch");
});

test("a URL covers every sub-resource, those that V2 never knew as well; a secret's owner may leave the new ones out", () => {
  expect(accept("GET", urlFor("/b/k", "/b/k", "x-id=GetObject"), HOST).method).toBe("presigned");
  expect(accept("GET", urlFor("/b/k", "/b/k?versionId=v", "versionId=v"), HOST).method).toBe(
    "presigned",
  );
  for (const added of [
    "acl",
    "versionId=v",
    "uploadId=u",
    "retention",
    "attributes",
    "legal-hold",
  ]) {
    const refusal = refuse("GET", urlFor("/b/k", "/b/k", added), HOST);
    expect(refusal.code).toBe("SignatureDoesNotMatch");
  }
  const headers = authorized(sign(`GET\n\n\n${DATE}\n/b`));
  expect(accept("GET", "/b?encryption", headers).method).toBe("header");
  expect(refuse("GET", "/b?policy", headers).code).toBe("SignatureDoesNotMatch");
});

const url = urlFor("/b/k", "/b/k");

test.each([
  ["another method", "PUT", url, "SignatureDoesNotMatch"],
  ["another key", "GET", url.replace("/b/k", "/b/l"), "SignatureDoesNotMatch"],
  ["a later end", "GET", url.replace(EXPIRES, String(NOW / 1000 + 61)), "SignatureDoesNotMatch"],
  ["no signature", "GET", url.replace(/&Signature=[^&]*/, ""), "AccessDenied"],
  ["two signatures", "GET", `${url}&Signature=x`, "AccessDenied"],
  [
    "an empty signature",
    "GET",
    url.replace(/Signature=[^&]*/, "Signature="),
    "SignatureDoesNotMatch",
  ],
  ["an end that is none", "GET", url.replace(EXPIRES, "tomorrow"), "AccessDenied"],
  ["an end in the past", "GET", url.replace(EXPIRES, String(NOW / 1000 - 1)), "AccessDenied"],
  ["an unknown access key", "GET", url.replace(EXAMPLE_KEY, "NOBODY"), "InvalidAccessKeyId"],
  ["two mechanisms", "GET", `${url}&X-Amz-Algorithm=AWS4-HMAC-SHA256`, "InvalidArgument"],
] as const)("a URL is refused: %s", (...example) => {
  const [, method, target, code] = example;
  expect(refuse(method, target, HOST).code).toBe(code);
});

const good = authorized(sign(`GET\n\n\n${DATE}\n/b/k`));

test.each([
  ["a wrong secret", authorized(sign(`GET\n\n\n${DATE}\n/b/k`, "wrong")), "SignatureDoesNotMatch"],
  ["a short signature", authorized("AAAA"), "SignatureDoesNotMatch"],
  ["no colon", { ...good, authorization: "AWS HAHAHA" }, "InvalidArgument"],
  ["an unknown access key", { ...good, authorization: "AWS NOBODY:AAAA" }, "InvalidAccessKeyId"],
  ["no date", { host: "s3.example", authorization: good.authorization }, "AccessDenied"],
  ["a bad date", { ...good, "x-amz-date": "Bad Date" }, "AccessDenied"],
  ["an empty date", { ...good, "x-amz-date": "" }, "AccessDenied"],
  ["before 1970", { ...good, "x-amz-date": "Tue, 07 Jul 1950 21:53:04 GMT" }, "AccessDenied"],
  ["long ago", { ...good, "x-amz-date": "Tue, 07 Jul 2010 21:53:04 GMT" }, "RequestTimeTooSkewed"],
  ["far ahead", { ...good, "x-amz-date": "Tue, 07 Jul 9999 21:53:04 GMT" }, "RequestTimeTooSkewed"],
  [
    "a chain of chunks",
    { ...good, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" },
    "SignatureDoesNotMatch",
  ],
] as const)("a header is refused: %s", (_, headers, code) => {
  expect(refuse("GET", "/b/k", headers).code).toBe(code);
});

test("a value that reads like the next parameter or header does not borrow its signature", () => {
  const part = urlFor("/b/k", "/b/k?partNumber=1&uploadId=u", "partNumber=1%26uploadId%3Du", "PUT");
  expect(refuse("PUT", part, HOST).code).toBe("InvalidRequest");
  const disposition = 'attachment; filename="a&b=c"';
  const download = urlFor(
    "/b/k",
    `/b/k?response-content-disposition=${disposition}`,
    `response-content-disposition=${encodeURIComponent(disposition)}`,
  );
  expect(accept("GET", download, HOST).method).toBe("presigned");
  const lines = `PUT\n\n\n${EXPIRES}\nx-amz-acl:private\nx-amz-meta-a:b\n/b/k`;
  const query = `AWSAccessKeyId=${EXAMPLE_KEY}&Expires=${EXPIRES}&Signature=${encodeURIComponent(sign(lines))}`;
  const joined = `/b/k?${query}&x-amz-acl=private%0Ax-amz-meta-a:b`;
  expect(refuse("PUT", joined, HOST).code).toBe("InvalidRequest");
});

test("S13: where V2 is switched off, both spellings of it are refused", () => {
  const off = givenSettings({ nowMs: NOW, sigv2: false });
  for (const request of [givenRequest("GET", url, HOST), givenRequest("GET", "/b/k", good)]) {
    expect(refusalOf(() => authenticate(request, off, undefined)).code).toBe("InvalidRequest");
  }
});

test("a header moved into a URL twice is refused: only one of the two would be signed (S31)", () => {
  const signed = "x-amz-copy-source:/b/mine\n/b/k";
  const target = urlFor("/b/k", signed, "x-amz-copy-source=/b/mine", "PUT");
  expect(accept("PUT", target, HOST)).toMatchObject({ method: "presigned" });
  const twice = target.replace(
    "&x-amz-copy-source",
    "&X-Amz-Copy-Source=/b/secret&x-amz-copy-source",
  );
  expect(refuse("PUT", twice, HOST).code).toBe("InvalidRequest");
});

test.each([
  ["a colon in a name", "x-amz-copy-source:a:b/k\n/b/k", "x-amz-copy-source%3Aa=b/k"],
  [
    "the end of a line in a name",
    "x-amz-copy-source:b/k\nx-amz-meta-a:1\n/b/k",
    "x-amz-copy-source%3Ab/k%0Ax-amz-meta-a=1",
  ],
])("a URL that was signed for a copy is none for an upload: %s", (_what, signed, query) => {
  expect(refuse("PUT", urlFor("/b/k", signed, query, "PUT"), HOST).code).toBe("InvalidRequest");
});
