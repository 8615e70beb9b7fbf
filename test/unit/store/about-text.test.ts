// What the drives say of an object beyond its bytes: nothing where all is as usual, and else what reads as it was written.

import { expect, test } from "vitest";
import type { AccountId, SetId, UploadId } from "../../../src/core/ids.ts";
import { accountIdOf } from "../../../src/config/account-id.ts";
import { findPackEntry, renderPackEntry } from "../../../src/datanode/shard-format.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { findAbout, renderAbout, type ObjectAbout } from "../../../src/store/about-text.ts";

const ROOT = accountIdOf("root");
const USUAL: ObjectAbout = {
  bucketOwnerId: ROOT,
  ownerId: ROOT,
  storageClass: "STANDARD",
  tags: [],
  acl: undefined,
  lock: { retention: undefined, legalHold: undefined },
  isVersioned: false,
};

const longTag = (_: unknown, n: number) => ({
  key: `${n}`.repeat(128),
  value: "\u4e16".repeat(256),
});

test("of an object of the root account, put plainly, there is nothing to say", () => {
  expect(renderAbout(USUAL)).toBeUndefined();
  expect(findAbout(undefined)).toEqual(USUAL);
});

test("all that is unusual comes back", () => {
  const other = "another" as AccountId;
  const about: ObjectAbout = {
    bucketOwnerId: other,
    ownerId: other,
    storageClass: "GLACIER_IR",
    tags: [{ key: "__proto__", value: "ä" }],
    acl: "<acl/>",
    lock: { retention: { mode: "COMPLIANCE", until: 5 }, legalHold: false },
    isVersioned: true,
    completed: { etag: "e-3", sizeBytes: 7, numbers: [1, 2, 3, 7, 9, 10], encryption: "{}" },
  };
  expect(findAbout(renderAbout(about))).toEqual(about);
});

test("parts in many runs, with all that clients may say, fit into the header of an entry", () => {
  const random = seededRandom(7);
  const all = Array.from({ length: 10_000 }, (_, index) => index + 1);
  const choices = [all.filter((n) => n % 2 === 1), all.filter((n) => n % 3 !== 0), all];
  for (const numbers of [...choices, all.filter(() => random.below(2) === 0)]) {
    const completed = { etag: "e-5000", sizeBytes: 1, numbers, encryption: "{}".repeat(500) };
    const tags = Array.from({ length: 10 }, longTag);
    const about = renderAbout({ ...USUAL, tags, acl: "<grant/>".repeat(2_000), completed }) ?? "";
    expect(findAbout(about)?.completed?.numbers).toEqual(numbers);
    const attributes = {
      headers: { expires: "x".repeat(8_000) },
      userMetadata: { a: "y".repeat(2_000) },
    };
    const name = { bucket: "b".repeat(63), key: "\u4e16".repeat(341), checksums: [], createdAt: 1 };
    const part = { uploadId: "u".repeat(64) as UploadId, number: 0 };
    const place = { setId: "0".repeat(32) as SetId, offset: 512 };
    const entry = { ...name, part, sizeBytes: 1, etag: "0".repeat(32), attributes, about };
    const found = findPackEntry(place, renderPackEntry(place, entry));
    expect(findAbout(found?.about)?.completed?.numbers).toEqual(numbers);
  }
});

test("text of a newer version, and what is none, are not read", () => {
  for (const text of ['{"v":3}', "", "[]", "null", "{"]) expect(findAbout(text)).toBeUndefined();
});
