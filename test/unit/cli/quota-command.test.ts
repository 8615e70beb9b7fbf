// What people type for a quota.

import { expect, test } from "vitest";
import { parseQuota } from "../../../src/cli/quota-command.ts";

test.each<[string, number | "none" | undefined]>([
  ["none", "none"],
  ["None", "none"],
  ["0", 0],
  ["1000000", 1_000_000],
  ["500b", 500],
  ["10GiB", 10 * 1024 ** 3],
  ["10 gib", 10 * 1024 ** 3],
  ["10G", 10e9],
  ["1.5TB", 1.5e12],
  ["2ki", 2_048],
  ["", undefined],
  ["-1", undefined],
  ["1e3", undefined],
  ["10 apples", undefined],
  ["10XB", undefined],
  ["999999999999999PB", undefined],
])("%j means %j", (text, bytes) => {
  expect(parseQuota(text)).toBe(bytes);
});
