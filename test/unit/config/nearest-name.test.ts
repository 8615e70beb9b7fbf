// What a misspelled name was probably meant to be.

import { expect, test } from "vitest";
import { nearestName, suggestion } from "../../../src/config/nearest-name.ts";

const KNOWN = ["--host", "--port", "--admin-port", "--drives", "--log-level"];

test.each([
  ["--prot", "--port"],
  ["--HOST", "--host"],
  ["--loglevel", "--log-level"],
  ["--adminport", "--admin-port"],
  ["--drive", "--drives"],
  ["--something-else", undefined],
  ["--foo", undefined],
])("%s was meant to be %s", (name, meant) => {
  expect(nearestName(name, KNOWN)).toBe(meant);
});

test("where nothing is near nothing is suggested", () => {
  expect(suggestion("--something-else", KNOWN)).toBe("");
  expect(suggestion("--prot", KNOWN)).toBe(" (did you mean --port?)");
});
