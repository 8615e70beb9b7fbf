// The header of an entry in a pack: what was written comes back, and nothing else passes for it.

import { expect, test } from "vitest";
import { CHECKSUM_ALGORITHMS } from "../../../src/core/checksum.ts";
import type { SetId, UploadId } from "../../../src/core/ids.ts";
import { findEntryBody } from "../../../src/datanode/pack-entry-body.ts";
import {
  findPackEntry,
  PACK_ENTRY_START_BYTES,
  peekPackEntryBytes,
  renderPackEntry,
  type PackEntry,
} from "../../../src/datanode/shard-format.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const setId = "0123456789abcdef0123456789abcdef" as SetId;
const other = "0123456789abcdef0123456789abcdee" as SetId;
const place = { setId, offset: 123_456 };

const plain: PackEntry = {
  bucket: "bucket",
  key: "folder/key",
  part: undefined,
  sizeBytes: 32_768,
  etag: "900150983cd24fb0d6963f7d28e17f72",
  checksums: [],
  attributes: { headers: {}, userMetadata: {} },
  createdAt: 1_700_000_000_000,
};

const full: PackEntry = {
  ...plain,
  key: `\u0000\ud7ff\u{10ffff}"\\/${"k".repeat(900)}`,
  part: { uploadId: "an upload" as UploadId, number: 10_000 },
  sizeBytes: 1024 * 1024,
  checksums: [{ algorithm: "CRC64NVME", type: "FULL_OBJECT", value: "AAAAAAAAAAA=" }],
  attributes: {
    headers: { "content-type": "text/plain", expires: "never" },
    userMetadata: JSON.parse('{"a":"\\u00ff","__proto__":"a name like any other"}'),
  },
};

test.each([
  ["of a plain object", plain],
  ["with all that can be said", full],
])("an entry %s comes back as it was", (_name, entry) => {
  const bytes = renderPackEntry(place, entry);
  expect(peekPackEntryBytes(bytes.subarray(0, PACK_ENTRY_START_BYTES))).toBe(bytes.length);
  const found = findPackEntry(place, bytes);
  expect(found).toEqual(entry);
  expect(Object.keys(found?.attributes.userMetadata ?? {})).toEqual(
    Object.keys(entry.attributes.userMetadata),
  );
});

test("what an SDK sends by default costs few bytes in each shard", () => {
  const usual: PackEntry = {
    ...plain,
    checksums: [{ algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAAAA==" }],
    attributes: { headers: { "content-type": "application/octet-stream" }, userMetadata: {} },
  };
  expect(findPackEntry(place, renderPackEntry(place, usual))).toEqual(usual);
  expect(renderPackEntry(place, usual).length).toBeLessThan(70);
});

test("texts of any length, checksums of any kind and headers of any name come back", () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  const someText = (lengthMax: number): string =>
    Array.from({ length: random.below(lengthMax) }, () =>
      String.fromCodePoint([65, 0xe9, 0x4e2d, 0x1f600][random.below(4)] ?? 65),
    ).join("");
  const someMap = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: random.below(6) }, () => [
        names[random.below(names.length)] ?? someText(300),
        someText(200),
      ]),
    );
  for (let round = 0; round < 2_000; round += 1) {
    const values = ["AAAAAA==", "AAAAAAAAAAA=", "abc", "AAAAAA==-3", ""];
    const entry: PackEntry = {
      ...plain,
      bucket: someText(63),
      key: someText(1024),
      part:
        random.below(2) === 0
          ? undefined
          : { uploadId: `u${someText(40)}` as UploadId, number: 1 + random.below(10_000) },
      checksums: Array.from({ length: random.below(4) }, () => ({
        algorithm: CHECKSUM_ALGORITHMS[random.below(CHECKSUM_ALGORITHMS.length)] ?? "CRC32",
        type: random.below(2) === 0 ? "FULL_OBJECT" : "COMPOSITE",
        value: values[random.below(values.length)] ?? "",
      })),
      attributes: {
        headers: someMap(["content-type", "expires", "x-other"]),
        userMetadata: someMap(["a", "__proto__"]),
      },
    };
    expect(findPackEntry(place, renderPackEntry(place, entry)), `seed ${seed}`).toEqual(entry);
  }
});

test("a body of any other bytes is no entry, and never an error of the runtime", () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  const good = renderPackEntry(place, full).subarray(PACK_ENTRY_START_BYTES, -4);
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = Buffer.from(good.subarray(0, random.below(good.length + 1)));
    for (let change = random.below(4); change > 0 && bytes.length > 0; change -= 1) {
      bytes.writeUInt8(random.below(256), random.below(bytes.length));
    }
    expect(() => findEntryBody(bytes), `seed ${seed} round ${round}`).not.toThrow();
  }
  for (let length = 0; length < good.length; length += 1) {
    expect(findEntryBody(good.subarray(0, length))).toBeUndefined();
  }
});

test("F29 a flip of any bit is detected, and so is a header in a wrong place", () => {
  for (const entry of [plain, full]) {
    const good = renderPackEntry(place, entry);
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(findPackEntry(place, bad)).toBeUndefined();
    }
    expect(findPackEntry({ setId, offset: place.offset + 1 }, good)).toBeUndefined();
    expect(findPackEntry({ setId: other, offset: place.offset }, good)).toBeUndefined();
    for (let length = 0; length < good.length; length += 1) {
      expect(findPackEntry(place, good.subarray(0, length))).toBeUndefined();
    }
    expect(findPackEntry(place, Buffer.concat([good, Buffer.from([0])]))).toBeUndefined();
  }
});
