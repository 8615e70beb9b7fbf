// Memory that is given back is gone at once, but only where nobody else can have a part of it.

import { expect, test } from "vitest";
import { giveBack } from "../../../src/util/give-back.ts";

const LARGE = 64 * 1024;

test("all that a buffer held is free at once", () => {
  const bytes = Buffer.allocUnsafeSlow(LARGE);
  giveBack(bytes);
  expect(bytes.length).toBe(0);
  expect(bytes.buffer.byteLength).toBe(0);
});

test("again does nothing", () => {
  const bytes = new Uint8Array(LARGE);
  giveBack(bytes);
  giveBack(bytes);
  expect(bytes.length).toBe(0);
});

test("a part of a larger buffer stays", () => {
  const whole = Buffer.alloc(2 * LARGE, 7);
  giveBack(whole.subarray(0, LARGE));
  giveBack(whole.subarray(LARGE));
  expect(whole.every((byte) => byte === 7)).toBe(true);
  expect(whole).toHaveLength(2 * LARGE);
});

test("small ones, which may lie in memory that others share, stay", () => {
  const bytes = new Uint8Array(1024).fill(7);
  giveBack(bytes);
  expect(bytes).toHaveLength(1024);
});
