// The header of an entry in a pack: what was written comes back, and nothing else passes for it.

import { expect, test } from "vitest";
import type { SetId, UploadId } from "../../../src/core/ids.ts";
import {
  findPackEntry,
  PACK_ENTRY_START_BYTES,
  peekPackEntryBytes,
  renderPackEntry,
  type PackEntry,
} from "../../../src/datanode/shard-format.ts";

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

test("a plain object costs few bytes in each shard", () => {
  expect(renderPackEntry(place, plain).length).toBeLessThan(70);
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
