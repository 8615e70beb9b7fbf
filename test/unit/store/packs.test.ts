// Objects of middle size lie in packs: what goes in comes out, at every edge of size and range, and the bytes of many
// objects share few files.

import { expect, test } from "vitest";
import { PACK_BYTES_MAX } from "../../../src/core/limits.ts";
import { bytesOf, givenStore, md5 } from "../../support/store-lab.ts";

const KIB = 1024;
const PACKS = { packBytesMax: PACK_BYTES_MAX };

const GEOMETRIES = [1, 2, 3, 4, 6, 12].map((driveCount) => ({ driveCount }));

test.each(GEOMETRIES)("objects of every size come back, $driveCount drives", async (options) => {
  const { put, get, store, bucket } = await givenStore({ ...options, limits: PACKS });
  const sizes = [16 * KIB + 1, 32 * KIB, 65_537, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 300_001];
  sizes.push(512 * KIB, 1024 * KIB - 1, 1024 * KIB);
  const objects = sizes.map((size, seed) => ({ key: `key-${size}`, bytes: bytesOf(size, seed) }));
  await Promise.all(objects.map(({ key, bytes }) => put(key, bytes)));
  for (const { key, bytes } of objects) {
    const found = await store.findObject(bucket, key);
    expect(found?.content.kind).toBe("packed");
    expect(found?.etag).toBe(md5(bytes));
    expect(bytes.equals(await get(key))).toBe(true);
  }
});
