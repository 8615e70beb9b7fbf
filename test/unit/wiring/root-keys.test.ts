// The root keys: given, generated once and kept, and never the same twice.

import { expect, test } from "vitest";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import { generateKeys, keepRootKeys, openRootKeys } from "../../../src/wiring/root-keys.ts";

test("generated keys are kept in the metadata", async () => {
  const metadata = openMemoryMetadata();
  const first = await openRootKeys(metadata, undefined);
  expect(first.origin).toBe("generated");
  await keepRootKeys(metadata, first);
  expect(await openRootKeys(metadata, undefined)).toEqual({ ...first, origin: "kept" });
});

test("of two that start at the same moment one is refused: nobody is shown keys that do not hold", async () => {
  const metadata = openMemoryMetadata();
  const one = await openRootKeys(metadata, undefined);
  const two = await openRootKeys(metadata, undefined);
  await keepRootKeys(metadata, one);
  await expect(keepRootKeys(metadata, two)).rejects.toThrow("start again");
  expect(await openRootKeys(metadata, undefined)).toEqual({ ...one, origin: "kept" });
});

test("given keys hold while they are given, and change nothing that is kept", async () => {
  const metadata = openMemoryMetadata();
  const kept = await openRootKeys(metadata, undefined);
  await keepRootKeys(metadata, kept);
  const given = { accessKey: "operator", secretKey: "operator-secret" };
  const held = await openRootKeys(metadata, given);
  expect(held).toEqual({ ...given, origin: "given" });
  await keepRootKeys(metadata, held);
  expect(await openRootKeys(metadata, undefined)).toEqual({ ...kept, origin: "kept" });
});

test("generated keys have their form, and are all different", () => {
  const pairs = Array.from({ length: 100 }, generateKeys);
  for (const { accessKey, secretKey } of pairs) {
    expect(accessKey).toMatch(/^KTG[A-Z2-7]{17}$/);
    expect(secretKey).toMatch(/^[A-Za-z0-9_-]{40}$/);
  }
  expect(new Set(pairs.map(({ secretKey }) => secretKey)).size).toBe(100);
});
