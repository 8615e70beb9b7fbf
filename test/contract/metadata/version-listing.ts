// Pages of versions: order, roll-up, and where the next page begins.

import { expect, test } from "vitest";
import type { ListVersionsQuery, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import {
  deleteKeys,
  deleteVersion,
  givenBucket,
  givenVersioned,
  listedVersions,
  objectInput,
  shownVersion,
  versionsQuery,
  type GivenStore,
} from "./inputs.ts";

/** Some keys with two versions each, one of them deleted, one only marked as deleted. */
async function givenWorld(store: MetadataStore): Promise<number> {
  const bucketId = await givenVersioned(store);
  for (const etag of ["1", "2"]) {
    for (const key of ["a", "b/x", "b/y", "c", "\uffff", "\u{1f600}"]) {
      await store.putObject(objectInput(bucketId, key, { etag }));
    }
  }
  await deleteKeys(store, bucketId, ["b/y", "ghost"]);
  return bucketId;
}

const ALL = [
  ["a* 2", "a 1"],
  ["b/x* 2", "b/x 1", "b/y* -", "b/y 2", "b/y 1"],
  ["c* 2", "c 1", "ghost* -"],
  ["\uffff* 2", "\uffff 1", "\u{1f600}* 2", "\u{1f600} 1"],
] as const;

/** All pages of a listing, as clients ask for them. */
async function paged(
  store: MetadataStore,
  query: ListVersionsQuery,
): Promise<readonly (readonly string[])[]> {
  const pages: string[][] = [];
  let markers: Pick<ListVersionsQuery, "keyMarker" | "versionIdMarker"> = query;
  for (;;) {
    const { entries, isTruncated } = await store.listVersions({ ...query, ...markers });
    pages.push(entries.map(shownVersion));
    const last = entries.at(-1);
    if (!isTruncated || last === undefined) return pages;
    markers =
      last.kind === "prefix"
        ? { keyMarker: last.prefix, versionIdMarker: undefined }
        : { keyMarker: last.object.key, versionIdMarker: last.versionId };
  }
}

export function versionListingTests(given: GivenStore): void {
  test.each([1, 2, 3, 5, 1_000])("versions come in order, in pages of %i", async (limit) => {
    const store = given();
    const bucketId = await givenWorld(store);
    const pages = await paged(store, versionsQuery(bucketId, { limit }));
    expect(pages.flat()).toEqual(ALL.flat());
    for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit);
  });

  test.each([1, 2, 1_000])(
    "a common prefix stands for all versions below it, in pages of %i",
    async (limit) => {
      const store = given();
      const bucketId = await givenWorld(store);
      const query = versionsQuery(bucketId, { limit, delimiter: "/" });
      const rolled = [...ALL[0], "[b/]", ...ALL[2], ...ALL[3]];
      expect((await paged(store, query)).flat()).toEqual(rolled);
      const below = { ...query, prefix: "b/" };
      expect((await paged(store, below)).flat()).toEqual(ALL[1]);
    },
  );

  test("a listing begins behind its key marker, or among the versions of it", async () => {
    const store = given();
    const bucketId = await givenWorld(store);
    const query = versionsQuery(bucketId, { prefix: "b/" });
    const { entries } = await store.listVersions(query);
    const idOf = (index: number) => {
      const entry = entries[index];
      return entry === undefined || entry.kind === "prefix" ? "" : entry.versionId;
    };
    const from = (keyMarker: string, versionIdMarker?: string) =>
      listedVersions(store, { ...query, keyMarker, versionIdMarker });
    expect(await from("b/x")).toEqual(ALL[1].slice(2));
    expect(await from("b/x", idOf(0))).toEqual(ALL[1].slice(1));
    expect(await from("b/y", idOf(3))).toEqual(ALL[1].slice(4));
    expect(await from("b/y", idOf(4))).toEqual([]);
    expect(await from("a")).toEqual(ALL[1]);
    expect(await from("z", idOf(0))).toEqual([]);
    // A version that is gone is remembered by its id.
    await deleteVersion(store, bucketId, { key: "b/y", versionId: idOf(3) });
    expect(await from("b/y", idOf(3))).toEqual(["b/y 1"]);
    expect(await from("b/y", "unknown")).toEqual(["b/y* -", "b/y 1"]);
    // Hidden in a common prefix, the marker's own versions are hidden too.
    const rolled = { ...versionsQuery(bucketId), delimiter: "/", keyMarker: "b/" };
    expect((await listedVersions(store, rolled))[0]).toBe("c* 2");
  });

  test("a page may end in the version null, whether it is the latest or not", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "key", { etag: "null" }));
    const query = { ...versionsQuery(bucketId), keyMarker: "key", versionIdMarker: "null" };
    expect(await listedVersions(store, query)).toEqual([]);
    await store.setVersioning(bucketId, "enabled");
    await store.putObject(objectInput(bucketId, "key", { etag: "2" }));
    expect(await listedVersions(store, query)).toEqual([]);
    await store.setVersioning(bucketId, "suspended");
    await store.putObject(objectInput(bucketId, "key", { etag: "null" }));
    expect(await listedVersions(store, query)).toEqual(["key 2"]);
    await deleteVersion(store, bucketId, { key: "key", versionId: "null" });
    // Gone, it is not known where it was: shown again is better than passed over.
    expect(await listedVersions(store, query)).toEqual(["key* 2"]);
  });

  test("what a version lists is what it is", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const checksum = { algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAAAA==" } as const;
    const put = await store.putObject(objectInput(bucketId, "key", { checksum }));
    const [deleted] = await deleteKeys(store, bucketId, ["key"]);
    const { key, sizeBytes, etag, modifiedAt, ownerId, storageClass } = put;
    const shown = { checksumAlgorithm: "CRC32", checksumType: "FULL_OBJECT" };
    const object = { key, sizeBytes, etag, modifiedAt, ownerId, storageClass, ...shown };
    const none = { sizeBytes: 0, etag: "", storageClass: "", modifiedAt: 5_000, ownerId };
    const noChecksum = { checksumAlgorithm: undefined, checksumType: undefined };
    expect((await store.listVersions(versionsQuery(bucketId))).entries).toEqual([
      {
        kind: "delete-marker",
        isLatest: true,
        versionId: deleted?.kind === "deleted" ? deleted.versionId : "",
        object: { key, ...none, ...noChecksum },
      },
      { kind: "object", isLatest: false, versionId: put.versionId, object },
    ]);
  });
}
