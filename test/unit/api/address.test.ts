// From request target and Host to bucket and key: decoded once, never normalised (S34 to S41).

import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { resolveAddress } from "../../../src/api/address.ts";
import { readWireRequest } from "../../../src/auth/read-wire-request.ts";

const DOMAINS = ["localhost", "s3.example.com"];

function locate(rawPath: string, host = "127.0.0.1:9000") {
  const { target, bucketName, key } = resolveAddress(
    { rawPath, headers: new Map([["host", host]]) },
    DOMAINS,
  );
  return [target, bucketName, key];
}

function wire(requestTarget: string, rawHeaders: string[] = ["Host", "h"]) {
  return readWireRequest(
    { method: "GET", rawHeaders } as unknown as IncomingMessage,
    requestTarget,
  );
}

test.each([
  ["/", ["service", "", ""]],
  ["/bucket", ["bucket", "bucket", ""]],
  ["/bucket/", ["bucket", "bucket", ""]],
  ["/bucket/a//b", ["object", "bucket", "a//b"]],
  ["/bucket//", ["object", "bucket", "/"]],
  ["/bucket/../x", ["object", "bucket", "../x"]],
  ["/bucket/.", ["object", "bucket", "."]],
  ["/bucket/%2e%2e/x", ["object", "bucket", "../x"]],
  ["/bucket/%2F", ["object", "bucket", "/"]],
  ["/bucket/%252F", ["object", "bucket", "%2F"]],
  ["/bucket/a+b", ["object", "bucket", "a+b"]],
  ["/bucket/a%20b", ["object", "bucket", "a b"]],
  ["/bucket/a\\b%5c", ["object", "bucket", "a\\b\\"]],
  ["/bucket/%F0%9F%8F%BA", ["object", "bucket", "🏺"]],
  ["/bucket/\u00c3\u00a9", ["object", "bucket", "é"]],
  ["/bucket/%00", ["object", "bucket", "\0"]],
  ["/%62ucket/k", ["object", "bucket", "k"]],
])("%s is %j", (path, place) => {
  expect(locate(path)).toEqual(place);
});

test.each([
  ["bucket.localhost", "/k", ["object", "bucket", "k"]],
  ["bucket.localhost:9000", "/", ["bucket", "bucket", ""]],
  ["Bucket.LOCALHOST.", "/a/b", ["object", "bucket", "a/b"]],
  ["a.b.localhost", "/k", ["object", "a.b", "k"]],
  ["bucket.s3.example.com:443", "/other/k", ["object", "bucket", "other/k"]],
  ["localhost:9000", "/bucket/k", ["object", "bucket", "k"]],
  ["notlocalhost", "/bucket/k", ["object", "bucket", "k"]],
  ["[::1]:9000", "/bucket/k", ["object", "bucket", "k"]],
])("Host %s with %s is %j (S40)", (host, path, place) => {
  expect(locate(path, host)).toEqual(place);
});

test.each([
  "/bucket/%zz",
  "/bucket/%",
  "/bucket/%C0%AF",
  "/bucket/%ED%A0%80",
  "/bucket/%ff",
  "/%ff",
])("%s is InvalidURI (S35)", (path) => {
  expect(() => locate(path)).toThrow(expect.objectContaining({ code: "InvalidURI" }));
});

test.each([
  "..",
  "A",
  "ab",
  "a".repeat(64),
  "192.168.1.1",
  "a..b",
  "-abc",
  "abc-",
  "_kintsugi",
  "xn--abc",
  "abc-s3alias",
  "a_b",
  "",
])("the bucket name %j is InvalidBucketName (S41)", (name) => {
  expect(() => locate(`/${name}/k`)).toThrow(
    expect.objectContaining({ code: "InvalidBucketName" }),
  );
});

test.each(["abc", "a-b", "a.b", "1ab", "a".repeat(63)])("the bucket name %s is taken", (name) => {
  expect(locate(`/${name}`)).toEqual(["bucket", name, ""]);
});

test("a key has at most 1,024 bytes of UTF-8, not characters (S38)", () => {
  expect(locate(`/bucket/${"/".repeat(1024)}`)[2]).toHaveLength(1024);
  expect(locate(`/bucket/${"%C3%A9".repeat(512)}`)[2]).toHaveLength(512);
  for (const key of ["k".repeat(1025), `${"%C3%A9".repeat(512)}k`]) {
    expect(() => locate(`/bucket/${key}`)).toThrow(
      expect.objectContaining({ code: "KeyTooLongError" }),
    );
  }
});

test("the query is decoded in order, with nothing dropped (S84)", () => {
  const { rawQuery, query } = wire("/b?a=b=c&=v&&x%20y=%2B+&__proto__=1&a;b?c");
  expect(rawQuery).toBe("a=b=c&=v&&x%20y=%2B+&__proto__=1&a;b?c");
  expect(query).toEqual([
    { name: "a", value: "b=c" },
    { name: "", value: "v" },
    { name: "x y", value: "+ " },
    { name: "__proto__", value: "1" },
    { name: "a;b?c", value: "" },
  ]);
  expect(wire(`/b?${"x=1&".repeat(1001)}`).query).toHaveLength(1001);
  expect(() => wire("/b?a=%zz")).toThrow(expect.objectContaining({ code: "InvalidURI" }));
});

test("headers are kept by lower-case name, repeated ones joined, odd ones too (S83)", () => {
  const request = wire("/", ["Host", "h", "X-A", "1", "x-a", "2", "__proto__", "p"]);
  expect(Object.fromEntries(request.headers)).toMatchObject({ host: "h", "x-a": "1,2" });
  expect(request.headers.get("__proto__")).toBe("p");
  expect(request.rawHeaders).toEqual(["host", "h", "x-a", "1", "x-a", "2", "__proto__", "p"]);
});

test("an absolute target must name the host of the Host header (S40)", () => {
  expect(wire("http://H/b/k?x=1")).toMatchObject({ rawPath: "/b/k", rawQuery: "x=1" });
  expect(wire("http://h?x=1")).toMatchObject({ rawPath: "/", rawQuery: "x=1" });
  expect(() => wire("http://other/b/k")).toThrow(
    expect.objectContaining({ code: "InvalidRequest" }),
  );
  expect(() => wire("*")).toThrow(expect.objectContaining({ code: "InvalidURI" }));
});

test("a header section over 8 KiB is refused (S76)", () => {
  expect(() => wire("/", ["Host", "h", "x", "y".repeat(8180)])).toThrow(
    expect.objectContaining({ code: "RequestHeaderSectionTooLarge" }),
  );
});

test("a transfer coding other than chunked is refused before anything is done (S74)", () => {
  expect(() => wire("/", ["Host", "h", "Transfer-Encoding", "xchunked"])).toThrow(
    expect.objectContaining({ code: "BadRequest" }),
  );
});
