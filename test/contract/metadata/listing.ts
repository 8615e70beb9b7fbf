// Listings of objects: order, prefix, delimiter, where pages begin and end.

import { expect, test } from "vitest";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { compareUtf8 } from "../../../src/util/utf8-order.ts";
import {
  OWNER,
  givenBucket,
  listed,
  objectInput,
  objectsQuery,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

const LAST_POINT = "\u{10ffff}";

async function givenKeys(store: MetadataStore, keys: readonly string[]): Promise<number> {
  const bucketId = await givenBucket(store);
  await Promise.all(keys.map((key) => store.putObject(objectInput(bucketId, key))));
  return bucketId;
}

/** Keys as they are, common prefixes in brackets. */
function rolledUp(keys: readonly string[], prefix: string, delimiter: string): readonly string[] {
  const shown = new Set<string>();
  for (const key of keys.toSorted(compareUtf8)) {
    if (!key.startsWith(prefix)) continue;
    const at = key.indexOf(delimiter, prefix.length);
    shown.add(at < 0 ? key : `[${key.slice(0, at + delimiter.length)}]`);
  }
  return [...shown];
}

export function listingTests(given: GivenStore): void {
  test("a listing shows what is known of each object", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const checksum = { algorithm: "SHA256", type: "COMPOSITE", value: "abc-2" } as const;
    await store.putObject(objectInput(bucketId, "a"));
    await store.putObject(objectInput(bucketId, "b", { checksum, sizeBytes: 7, etag: "e" }));
    const page = await store.listObjects(objectsQuery(bucketId));
    const shared = { modifiedAt: 2_000, ownerId: OWNER, storageClass: "STANDARD" };
    const none = { checksumAlgorithm: undefined, checksumType: undefined };
    const some = { checksumAlgorithm: "SHA256", checksumType: "COMPOSITE" };
    expect(page).toEqual({
      entries: [
        { kind: "object", object: { key: "a", sizeBytes: 5, etag: "etag-1", ...shared, ...none } },
        { kind: "object", object: { key: "b", sizeBytes: 7, etag: "e", ...shared, ...some } },
      ],
      isTruncated: false,
    });
  });

  test("keys are in the order of their UTF-8 bytes", async () => {
    const store = given();
    const inOrder = [
      "\u0000",
      " ",
      "A",
      "__proto__",
      "a",
      "a\u0000",
      "a\u0000b",
      "a ",
      "a/",
      "a//b",
      "aa",
      "z",
      "\u007f",
      "\u0080",
      "é",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "😀",
      "😀\u{10ffff}",
      LAST_POINT,
      LAST_POINT + LAST_POINT,
    ];
    const bucketId = await givenKeys(store, inOrder.toReversed());
    expect(await listed(store, objectsQuery(bucketId))).toEqual(inOrder);
    for (const [index, after] of inOrder.entries()) {
      const query = objectsQuery(bucketId, { after });
      expect(await listed(store, query)).toEqual(inOrder.slice(index + 1));
      const prefixed = inOrder.filter((key) => key.startsWith(after));
      expect(await listed(store, objectsQuery(bucketId, { prefix: after }))).toEqual(prefixed);
    }
  });

  test("wildcards of SQL mean nothing in a prefix", async () => {
    const store = given();
    const bucketId = await givenKeys(store, ["a%b", "a*b", "a_b", "axb", "a[x]", "A%b"]);
    expect(await listed(store, objectsQuery(bucketId, { prefix: "a%" }))).toEqual(["a%b"]);
    expect(await listed(store, objectsQuery(bucketId, { prefix: "a_" }))).toEqual(["a_b"]);
    expect(await listed(store, objectsQuery(bucketId, { prefix: "a*" }))).toEqual(["a*b"]);
    expect(await listed(store, objectsQuery(bucketId, { prefix: "a[" }))).toEqual(["a[x]"]);
  });

  test("a delimiter rolls keys up, among the keys in their order", async () => {
    const store = given();
    const keys = ["a", "a/", "a/b", "a/c/d", "a//b", "ab", "b/x", "b/y", "c"];
    const bucketId = await givenKeys(store, keys);
    const list = (change: object) => listed(store, objectsQuery(bucketId, change));
    expect(await list({ delimiter: "/" })).toEqual(["a", "[a/]", "ab", "[b/]", "c"]);
    expect(await list({ delimiter: "/", prefix: "a" })).toEqual(["a", "[a/]", "ab"]);
    expect(await list({ delimiter: "/", prefix: "a/" })).toEqual(["a/", "[a//]", "a/b", "[a/c/]"]);
    expect(await list({ delimiter: "/", prefix: "x" })).toEqual([]);
    expect(await list({ delimiter: "b" })).toEqual([
      "a",
      "a/",
      "[a//b]",
      "[a/b]",
      "a/c/d",
      "[ab]",
      "[b]",
      "c",
    ]);
  });

  test("a delimiter may have several characters, and be of any kind", async () => {
    const store = given();
    const bucketId = await givenKeys(store, ["a--b", "a--c", "a-b", "x😀y", "x😀z", "x\u0000y"]);
    const list = (change: object) => listed(store, objectsQuery(bucketId, change));
    expect(await list({ delimiter: "--" })).toEqual(["[a--]", "a-b", "x\u0000y", "x😀y", "x😀z"]);
    expect(await list({ delimiter: "--", prefix: "a-" })).toEqual(["a--b", "a--c", "a-b"]);
    expect(await list({ delimiter: "😀" })).toEqual(["a--b", "a--c", "a-b", "x\u0000y", "[x😀]"]);
    expect(await list({ delimiter: "\u0000", prefix: "x" })).toEqual(["[x\u0000]", "x😀y", "x😀z"]);
  });

  const seed = Date.now() % 1_000_000;
  test(`random keys are rolled up as a plain calculation does it (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const pick = (from: readonly string[]): string => from[random.below(from.length)] ?? "";
    const pieces = ["a", "b", "/", "//", "\u0000", "é", "\u{1f600}", "%", LAST_POINT, "\uffff"];
    const some = (most: number): string =>
      Array.from({ length: random.below(most + 1) }, () => pick(pieces)).join("");
    const keys = [...new Set(Array.from({ length: 120 }, () => `a${some(5)}`))];
    const store = given();
    const bucketId = await givenKeys(store, keys);
    for (let round = 0; round < 60; round += 1) {
      const prefix = pick(["", "a", `a${some(2)}`]);
      const delimiter = pick(["/", "/", "a", "é", "//", "\u{1f600}", LAST_POINT, "\u0000"]);
      const expected = rolledUp(keys, prefix, delimiter);
      const limit = 1 + random.below(expected.length + 1);
      const query = objectsQuery(bucketId, { prefix, delimiter, limit });
      const shown = await listed(store, query);
      expect(shown, JSON.stringify(query)).toEqual(expected.slice(0, limit));
      const last = shown.at(-1);
      if (last === undefined) continue;
      // A common prefix is its own marker.
      const after = last.startsWith("[") ? last.slice(1, -1) : last;
      const rest = await listed(store, objectsQuery(bucketId, { prefix, delimiter, after }));
      expect(rest, JSON.stringify({ ...query, after })).toEqual(expected.slice(limit));
    }
  });

  test("a page begins after a key, or after all that a common prefix hides", async () => {
    const store = given();
    const bucketId = await givenKeys(store, ["a", "a/", "a/b", "a/c", "b", "b/x/y", "b/z"]);
    const list = (change: object) => listed(store, objectsQuery(bucketId, change));
    expect(await list({ after: "a/" })).toEqual(["a/b", "a/c", "b", "b/x/y", "b/z"]);
    expect(await list({ delimiter: "/", after: "a/" })).toEqual(["b", "[b/]"]);
    expect(await list({ delimiter: "/", after: "a" })).toEqual(["[a/]", "b", "[b/]"]);
    expect(await list({ delimiter: "/", after: "a/b" })).toEqual(["[a/]", "b", "[b/]"]);
    expect(await list({ delimiter: "/", after: "a/c" })).toEqual(["b", "[b/]"]);
    expect(await list({ delimiter: "/", after: "b/x/" })).toEqual(["[b/]"]);
    expect(await list({ delimiter: "/", prefix: "b/", after: "b/x/" })).toEqual(["b/z"]);
    expect(await list({ delimiter: "/", prefix: "b/", after: "a" })).toEqual(["[b/x/]", "b/z"]);
    expect(await list({ delimiter: "/", prefix: "b/", after: "b/" })).toEqual(["[b/x/]", "b/z"]);
    expect(await list({ prefix: "a", after: "b" })).toEqual([]);
    expect(await list({ prefix: "b", after: "a/zzz" })).toEqual(["b", "b/x/y", "b/z"]);
    expect(await list({ after: LAST_POINT })).toEqual([]);
  });

  test("a prefix without a successor still has an end", async () => {
    const store = given();
    const bucketId = await givenKeys(store, [
      "a",
      LAST_POINT,
      `${LAST_POINT}/a`,
      `${LAST_POINT}/b`,
    ]);
    const list = (change: object) => listed(store, objectsQuery(bucketId, change));
    expect(await list({ prefix: LAST_POINT, delimiter: "/" })).toEqual([
      LAST_POINT,
      `[${LAST_POINT}/]`,
    ]);
    expect(await list({ delimiter: LAST_POINT })).toEqual(["a", `[${LAST_POINT}]`]);
    expect(await list({ delimiter: LAST_POINT, after: LAST_POINT })).toEqual([]);
  });

  test.each([1, 2, 3, 7])("pages of %i show every entry once", async (limit) => {
    const store = given();
    const keys = [
      "a",
      "a/1",
      "a/2",
      "b",
      "c/1",
      "c/2/3",
      "c/4",
      "d😀e",
      "e",
      "é/1",
      "😀/1",
      "😀/2",
    ];
    const bucketId = await givenKeys(store, keys);
    for (const delimiter of ["", "/"]) {
      const whole = await listed(store, objectsQuery(bucketId, { delimiter }));
      const seen: string[] = [];
      let after: string | undefined;
      for (let more = true; more;) {
        const query = objectsQuery(bucketId, { delimiter, after, limit });
        const page = await store.listObjects(query);
        seen.push(...(await listed(store, query)));
        const last = page.entries.at(-1);
        after = last?.kind === "prefix" ? last.prefix : last?.object.key;
        more = page.isTruncated;
        expect(page.entries.length).toBe(more ? limit : page.entries.length);
      }
      expect(seen).toEqual(whole);
    }
  });

  test("a page that ends with the last entry is not truncated", async () => {
    const store = given();
    const bucketId = await givenKeys(store, ["a/1", "a/2", "b"]);
    const truncated = async (change: object) =>
      (await store.listObjects(objectsQuery(bucketId, change))).isTruncated;
    expect(await truncated({ limit: 3 })).toBe(false);
    expect(await truncated({ limit: 2 })).toBe(true);
    expect(await truncated({ limit: 2, delimiter: "/" })).toBe(false);
    expect(await truncated({ limit: 1, delimiter: "/" })).toBe(true);
    expect(await truncated({ limit: 1, delimiter: "/", prefix: "a" })).toBe(false);
  });

  test("an empty bucket, an unknown one and uploads in progress show nothing", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.createUpload(uploadInput(bucketId, "key"));
    const nothing = { entries: [], isTruncated: false };
    expect(await store.listObjects(objectsQuery(bucketId))).toEqual(nothing);
    expect(await store.listObjects(objectsQuery(404))).toEqual(nothing);
  });
}
