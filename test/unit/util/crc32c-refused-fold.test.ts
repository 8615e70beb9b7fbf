// An engine that folds wrongly: the checksums of the on-disk format stay what they are.

import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { beforeEach, expect, test, vi } from "vitest";

// What is tried once may have been tried by the tests of another file.
beforeEach(() => void vi.resetModules());

test("a fold that gives other checksums is not used", async () => {
  const { CrcFold } = await import("../../../src/util/crc-fold.ts");
  const made = CrcFold.create("CRC32C");
  if (made === undefined) throw new Error("this engine folds");
  const rest = vi.spyOn(made, "fold").mockReturnValue(new Uint8Array(made.restBound));
  const created = vi.spyOn(CrcFold, "create").mockReturnValue(made);
  const { crc32c } = await import("../../../src/util/crc32c.ts");
  const bytes = Buffer.alloc(64 * 1024, "unit");
  expect([crc32c(bytes), crc32c(bytes, 7)]).toEqual([nativeCrc32c(bytes), nativeCrc32c(bytes, 7)]);
  // It was tried, once.
  expect([created.mock.calls.length, rest.mock.calls.length]).toEqual([1, 1]);
});

test("nor is one that works in place", async () => {
  const { InPlaceFold } = await import("../../../src/util/crc-in-place.ts");
  const made = InPlaceFold.create();
  if (made === undefined) throw new Error("this engine folds");
  const fold = vi.spyOn(made, "fold").mockReturnValue(new Uint8Array(5_376));
  const created = vi.spyOn(InPlaceFold, "create").mockReturnValue(made);
  const { allocateVector } = await import("../../../src/util/vector-memory.ts");
  const { crc32c } = await import("../../../src/util/crc32c.ts");
  const bytes = allocateVector(16 * 1024).fill(3);
  expect([crc32c(bytes), crc32c(bytes, 7)]).toEqual([nativeCrc32c(bytes), nativeCrc32c(bytes, 7)]);
  expect([created.mock.calls.length, fold.mock.calls.length]).toEqual([1, 1]);
});
