// What the drives say of an object beyond its bytes: nothing where all is as usual, and else what reads as it was written.

import { expect, test } from "vitest";
import type { AccountId } from "../../../src/core/ids.ts";
import { accountIdOf } from "../../../src/config/account-id.ts";
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

test("every other one of ten thousand parts fits into the header of an entry", () => {
  const numbers = Array.from({ length: 5_000 }, (_, index) => index * 2 + 1);
  const completed = { etag: "e-5000", sizeBytes: 1, numbers, encryption: undefined };
  const text = renderAbout({ ...USUAL, completed }) ?? "";
  expect(text.length).toBeLessThan(32 * 1024);
  expect(findAbout(text)?.completed?.numbers).toEqual(numbers);
});

test("text of a newer version, and what is none, are not read", () => {
  for (const text of ['{"v":2}', "", "[]", "null", "{"]) expect(findAbout(text)).toBeUndefined();
});
