// Where sets lie by the version that they name: where another layout has taken its place, there.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { resolveLayouts } from "../../../src/store/layout/resolve-layouts.ts";
import { makeLayout } from "../../../src/store/placement.ts";

const layoutOf = (version: number, retiredInto?: number) => ({
  ...makeLayout(version, ["a" as DriveId]),
  retiredInto,
});

test("a layout that was retired, and one that was retired into it, are where the last one says", () => {
  const [first, second, third, fourth] = [layoutOf(1, 2), layoutOf(2, 3), layoutOf(3), layoutOf(4)];
  const resolved = resolveLayouts([first, second, third, fourth]);
  expect([1, 2, 3, 4].map((version) => resolved.get(version))).toEqual([
    third,
    third,
    third,
    fourth,
  ]);
});

test("where its successor is not known a layout stands for itself", () => {
  const lonely = layoutOf(1, 9);
  expect(resolveLayouts([lonely]).get(1)).toBe(lonely);
});
