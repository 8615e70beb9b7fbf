// Which folders a start looks at before it knows of any drive.

import { expect, test } from "vitest";
import { leadsTo } from "../../../src/wiring/drive-paths.ts";

test("one folder leads to the drives that are named as such in it, and to itself", () => {
  expect(leadsTo(["/data"], "/data/drive-3")).toBe(true);
  expect(leadsTo(["/data"], "/data")).toBe(true);
  expect(leadsTo(["/data"], "/data/other")).toBe(false);
  expect(leadsTo(["/data"], "/data/deeper/drive-3")).toBe(false);
  expect(leadsTo(["/data"], "/mnt/drive-3")).toBe(false);
});

test("several folders lead to themselves", () => {
  expect(leadsTo(["/mnt/a", "/mnt/b/"], "/mnt/b")).toBe(true);
  expect(leadsTo(["/mnt/a", "/mnt/b"], "/mnt/b/drive-1")).toBe(false);
  expect(leadsTo(["/mnt/a", "/mnt/b"], "/mnt/c")).toBe(false);
});
