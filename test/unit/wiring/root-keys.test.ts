// The root keys: given, generated once and kept, and never the same twice.

import { expect, test } from "vitest";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import { generateKeys, openRootKeys } from "../../../src/wiring/root-keys.ts";

test("generated keys are kept in the metadata", async () => {
  const metadata = openMemoryMetadata();
  const first = await openRootKeys(metadata, undefined);
  expect(first.origin).toBe("generated");
  expect(await openRootKeys(metadata, undefined)).toEqual({ ...first, origin: "kept" });
});

test("two that start at the same moment end up with the same keys", async () => {
  const metadata = openMemoryMetadata();
  const [one, two] = await Promise.all([
    openRootKeys(metadata, undefined),
    openRootKeys(metadata, undefined),
  ]);
  expect(one.secretKey).toBe(two.secretKey);
  expect([one.origin, two.origin].toSorted()).toEqual(["generated", "kept"]);
});

test("given keys hold while they are given, and change nothing that is kept", async () => {
  const metadata = openMemoryMetadata();
  const kept = await openRootKeys(metadata, undefined);
  const given = { accessKey: "operator", secretKey: "operator-secret" };
  expect(await openRootKeys(metadata, given)).toEqual({ ...given, origin: "given" });
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
