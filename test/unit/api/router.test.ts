// Routing: every operation of the table is found by its own request, and nothing is taken for its plain neighbour.

import { expect, test } from "vitest";
import type { Operation, Target } from "../../../src/api/operation.ts";
import { OPERATIONS } from "../../../src/api/operations/index.ts";
import { matchOperation } from "../../../src/api/router.ts";

function match(method: string, target: Target, query: string[], headers: string[] = []) {
  const params = query.map((text) => {
    const [name = "", value = ""] = text.split("=");
    return { name, value };
  });
  return matchOperation(
    {
      method,
      rawPath: "/",
      rawQuery: "",
      query: params,
      headers: new Map(headers.map((name) => [name, "x"])),
      rawHeaders: [],
    },
    target,
  ).name;
}

test.each(OPERATIONS.map((operation: Operation) => [operation.name, operation.route] as const))(
  "%s is found by its route, whatever else the query says",
  (name, route) => {
    const query = ["x-id=Other", "__proto__=1", ...(route.query ?? [])];
    expect(match(route.method, route.target, query, [...(route.headers ?? [])])).toBe(name);
  },
);

test.each<[string, Target, string[], string]>([
  ["GET", "bucket", ["prefix=a", "delimiter=/"], "ListObjects"],
  ["GET", "bucket", ["list-type=2", "prefix=a"], "ListObjectsV2"],
  ["GET", "bucket", ["list-type=1"], "ListObjects"],
  ["GET", "object", ["partNumber=1", "versionId=null"], "GetObject"],
  ["GET", "bucket", ["inventory", "id=1"], "GetBucketInventoryConfiguration"],
  ["GET", "bucket", ["inventory"], "ListBucketInventoryConfigurations"],
])("%s on a %s with %j is %s", (method, target, query, name) => {
  expect(match(method, target, query)).toBe(name);
});

test.each([
  ["GET", "list-type=2"],
  ["GET", "versioning"],
  ["POST", "delete"],
  ["PUT", "policy"],
])("%s /?%s without a bucket is no request for the list of buckets", (method, query) => {
  expect(() => match(method, "service", [query])).toThrow(/of a bucket, and names none\.$/);
});

const atHost = (host: string, method: string) => () =>
  matchOperation(
    {
      method,
      rawPath: "/",
      rawQuery: "",
      query: method === "GET" ? [{ name: "list-type", value: "2" }] : [],
      headers: new Map([["host", host]]),
      rawHeaders: [],
    },
    "service",
  );

test("a bucket in the name of a host below an unknown domain: the refusal says what to set", () => {
  for (const method of ["GET", "PUT"]) {
    expect(atHost("uploads.minio:9000", method)).toThrow(
      /If the host's name, uploads\.minio, is that of a bucket, .*: --domain minio \(KINTSUGI_DOMAIN\)\.$/,
    );
    for (const host of [
      "127.0.0.1:9000",
      "[::1]:9000",
      "localhost",
      "s3.example.org",
      "a\u00e9.b",
    ]) {
      expect(atHost(host, method), host).not.toThrow(/--domain/);
    }
  }
});

test("a copy is told from an upload by its header", () => {
  expect(match("PUT", "object", [], ["x-amz-copy-source"])).toBe("CopyObject");
  expect(match("PUT", "object", ["partNumber=1", "uploadId=u"], ["x-amz-copy-source"])).toBe(
    "UploadPartCopy",
  );
});

test.each<[string, Target, string[], string]>([
  ["PROPFIND", "bucket", [], "GET"],
  ["TRACE", "object", [], "PUT"],
  ["POST", "object", [], "GET"],
  ["DELETE", "bucket", ["acl"], "GET, PUT"],
  ["HEAD", "object", ["tagging"], "GET, PUT, DELETE"],
  ["DELETE", "object", ["retention"], "GET, PUT"],
])(
  "%s on a %s with %j is MethodNotAllowed and says what is allowed (S81)",
  (method, target, query, allow) => {
    expect(() => match(method, target, query)).toThrow(
      expect.objectContaining({
        code: "MethodNotAllowed",
        detail: expect.objectContaining({ Method: method, Allow: expect.stringContaining(allow) }),
      }),
    );
  },
);
