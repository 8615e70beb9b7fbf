// A process gets the kernel; where that cannot be had, or is wrong, the library serves.

import { expect, test } from "vitest";
import { openErasureCodec } from "../../../src/erasure/open-codec.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";

const geometry = { dataShards: 4, parityShards: 2, unitBytes: 64 * 1024 };

test("an engine without vectors, or a kernel that is wrong, leaves the library, whatever was opened before", () => {
  openErasureCodec(geometry);
  const without = openErasureCodec(geometry, () => {
    throw new Error("no vectors");
  });
  expect(without.codec).toBe(createReedSolomonCodec());
  expect(without.refusal).toMatchObject({ message: "no vectors" });

  const wrong = openErasureCodec(geometry, () => ({
    encode: (stripe) => void stripe.fill(1),
    reconstruct: () => undefined,
  }));
  expect(wrong.codec).toBe(createReedSolomonCodec());
  expect(wrong.refusal).toMatchObject({ message: expect.stringContaining("parity") as string });
});

test("this engine has vectors: the kernel is used, one for all", () => {
  const { codec, refusal } = openErasureCodec(geometry);
  expect(refusal).toBeUndefined();
  expect(codec).not.toBe(createReedSolomonCodec());
  expect(openErasureCodec({ ...geometry, dataShards: 2 }).codec).toBe(codec);
});
