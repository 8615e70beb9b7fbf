// Large objects are written from buffers in which the codec works in place; where there are none, from ordinary ones.

import { expect, test } from "vitest";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { createSimdCodec } from "../../../src/erasure/simd-codec.ts";
import { stripeAllocator } from "../../../src/store/stripe-allocator.ts";
import { vectorMemoryOf } from "../../../src/util/vector-memory.ts";
import { bytesOf, givenStore } from "../../support/store-lab.ts";

const MIB = 1024 * 1024;
const geometry = { dataShards: 4, parityShards: 2, unitBytes: 64 * 1024 };
const WINDOW_BYTES = 4 * 6 * 64 * 1024;

test.each([2, 3, 4, 6, 12])("the kernel and the library agree about %i drives", async (drives) => {
  let inPlace = 0;
  const kernel = createSimdCodec();
  const library = createReedSolomonCodec();
  const { put, get, store } = await givenStore({
    driveCount: drives,
    wrapCodec: () => ({
      encode: (stripe, shape) => {
        if (vectorMemoryOf(stripe) !== undefined) inPlace += 1;
        const expected = Buffer.from(stripe);
        library.encode(expected, shape);
        kernel.encode(stripe, shape);
        if (!expected.equals(stripe)) throw new Error("the kernel gives other bytes");
      },
      reconstruct: (...call) => kernel.reconstruct(...call),
      allocate: (sizeBytes) => kernel.allocate?.(sizeBytes) ?? Buffer.alloc(sizeBytes),
    }),
  });
  const bodies = Array.from({ length: 4 }, (_, seed) => bytesOf(3 * MIB + 7 * seed, seed));
  await Promise.all(bodies.map((bytes, nth) => put(`key-${nth}`, bytes)));
  for (const [nth, bytes] of bodies.entries()) {
    expect((await get(`key-${nth}`)).equals(bytes)).toBe(true);
  }
  expect(inPlace).toBeGreaterThan(0);
  expect(await store.verifyObjects({})).toMatchObject({ objects: 4, belowRedundancy: 0 });
});

test("buffers of whole windows come from the codec, others do not", () => {
  const asked: number[] = [];
  const allocate = stripeAllocator(
    {
      ...createReedSolomonCodec(),
      allocate: (sizeBytes) => {
        asked.push(sizeBytes);
        return Buffer.alloc(sizeBytes);
      },
    },
    () => geometry,
  );
  for (const sizeBytes of [1024, WINDOW_BYTES, WINDOW_BYTES / 4]) {
    expect(allocate(sizeBytes).length).toBe(sizeBytes);
  }
  expect(asked).toEqual([WINDOW_BYTES]);
});

test("a codec that has no room is asked once; one without buffers of its own never", () => {
  let asked = 0;
  const full = {
    ...createReedSolomonCodec(),
    allocate: () => {
      asked += 1;
      throw new RangeError("could not allocate memory");
    },
  };
  const allocate = stripeAllocator(full, () => geometry);
  expect(allocate(WINDOW_BYTES).length).toBe(WINDOW_BYTES);
  expect(allocate(WINDOW_BYTES).length).toBe(WINDOW_BYTES);
  expect(asked).toBe(1);
  expect(stripeAllocator(createReedSolomonCodec(), () => geometry)(WINDOW_BYTES).length).toBe(
    WINDOW_BYTES,
  );
});
