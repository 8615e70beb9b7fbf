// How long the trash is kept, as it is given and shown.

import { expect, test } from "vitest";
import { TRASH_SETTINGS } from "../../../src/config/trash-settings.ts";

const { keepTrash } = TRASH_SETTINGS;
const HOUR = 3_600_000;

test.each([
  ["0", 0, "0"],
  ["90s", 90_000, "90s"],
  ["36h", 36 * HOUR, "36h"],
  ["48h", 48 * HOUR, "2d"],
  ["7d", 168 * HOUR, "7d"],
])("%s is so many milliseconds", (text, durationMs, shown) => {
  expect(keepTrash.parse(text)).toBe(durationMs);
  expect(keepTrash.show(durationMs)).toBe(shown);
});

test.each(["", "7", "1w", "-1d", "1.5h", "9999d", "d", "7dd"])("%j is refused", (text) => {
  expect(() => keepTrash.parse(text)).toThrow(/must be a number of seconds, minutes/);
});

test("nothing is kept where nothing is said", () => {
  expect(keepTrash.fallback("server")).toBe(0);
});
