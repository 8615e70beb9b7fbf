// The compatibility page is generated: what is committed must be what the table of operations says today.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
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
