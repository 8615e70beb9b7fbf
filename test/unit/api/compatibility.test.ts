// The compatibility page is generated: what is committed must be what the table of operations says today.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REQUEST_HEADERS } from "../../../scripts/s3-headers.ts";
import { readEncryption } from "../../../src/api/encryption-headers.ts";
import { refuseHeaders } from "../../../src/api/refused-headers.ts";
import { PAGE_PATH, renderCompatibilityPage } from "../../../scripts/compatibility-page.ts";
import { OPERATIONS } from "../../../src/api/operations/index.ts";

test("docs/S3_COMPATIBILITY.md is what `npm run docs` writes", () => {
  expect(readFileSync(PAGE_PATH, "utf8")).toBe(renderCompatibilityPage());
});

test("every operation stands in the table once, each with a route of its own", () => {
  const names = OPERATIONS.map(({ name }) => name);
  const routes = OPERATIONS.map(({ route }) =>
    JSON.stringify([route.method, route.target, route.query, route.headers]),
  );
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(routes).size).toBe(routes.length);
  expect(names.length).toBeGreaterThan(100);
});

const REFUSED = REQUEST_HEADERS.filter(({ status }) => status === "no").map(({ name }) => name);

test.each(REFUSED)("%s is refused as not implemented, as the page says", (pattern) => {
  const name = pattern.replace("*", "");
  const isOfKms = name.startsWith("x-amz-server-side-encryption-");
  const headers = new Map([
    [name, "1"],
    ...(isOfKms ? ([["x-amz-server-side-encryption", "aws:kms"]] as const) : []),
  ]);
  const kind = name.includes("if-match") ? "delete" : "write";
  const send = () => (isOfKms ? readEncryption(headers) : refuseHeaders(headers, kind));
  expect(send).toThrow(expect.objectContaining({ code: "NotImplemented" }));
});
