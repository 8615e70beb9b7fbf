// The check of a row: of all its values, in their order and of their types; of columns that came later once they are set.

import { expect, test } from "vitest";
import {
  isIntact,
  isIntactLater,
  laterCheck,
  rowCheck,
  type RowValue,
} from "../../../src/metadata/sqlite/row-check.ts";

test("a text that has become a blob, byte for byte the same, is damaged", () => {
  const stored = rowCheck([1, "etag"]);
  expect(isIntact(stored, [1, "etag"])).toBe(true);
  // As the driver gives it, whatever the column was declared as.
  const blob = Buffer.from("etag") as unknown as RowValue;
  expect(isIntact(stored, [1, blob])).toBe(false);
});

test("a value that is not found by its column's name, one letter of which has changed, is not null", () => {
  const stored = rowCheck([1, null, "etag"]);
  const missing = undefined as unknown as RowValue;
  expect(isIntact(stored, [1, null, "etag"])).toBe(true);
  expect(isIntact(stored, [1, missing, "etag"])).toBe(false);
  const counts = { unchecked: 1, checked: 2 };
  expect(isIntactLater(rowCheck([1, "a"]), [1, "a", missing], counts)).toBe(false);
  expect(isIntactLater(null, [1, missing], counts)).toBe(false);
});

test("columns that came later count once one of them is set", () => {
  const old = [1, "a", null];
  const counts = { unchecked: 2, checked: 3 };
  expect(laterCheck([...old, null, null], counts)).toBe(rowCheck(old));
  expect(laterCheck([...old, null, "b"], counts)).toBe(rowCheck([...old, null, "b"]));
  expect(laterCheck([...old, 0, null], counts)).toBe(rowCheck([...old, 0, null]));
  expect(isIntactLater(rowCheck(old), [...old, null, null], counts)).toBe(true);
  expect(isIntactLater(rowCheck(old), [...old, null, "b"], counts)).toBe(false);
});

test("a row without a check has nothing in the columns that came with checks", () => {
  const counts = { unchecked: 2, checked: 3 };
  expect(isIntactLater(null, [1, "a", null, null], counts)).toBe(true);
  expect(isIntactLater(null, [1, "a", 4_079_163_485, null], counts)).toBe(false);
  expect(isIntactLater(null, [1, "a", null, "b"], counts)).toBe(false);
});
