// ListObjectVersions as clients meet it: the order of keys and versions, pages that end anywhere and lose nothing, rolled-up
// prefixes, and what is refused.

import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type {
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { byUtf8, ODD_KEYS, refusal } from "../support/s3-server.ts";
import { startVersioned } from "../support/versioned-bucket.ts";
import type { VersionedLab } from "../support/versioned-bucket.ts";

type Query = Partial<ListObjectVersionsCommandInput>;

function list({ client, bucket: Bucket }: VersionedLab, query: Query = {}) {
  return client.send(new ListObjectVersionsCommand({ Bucket, ...query }));
}

function ids(entries: readonly { readonly VersionId?: string | undefined }[]) {
  return entries.map(({ VersionId }) => VersionId);
}

/** All pages of a listing, each of at most `MaxKeys` entries. */
async function listAll(lab: VersionedLab, query: Query, MaxKeys: number) {
  const pages: ListObjectVersionsCommandOutput[] = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await list(lab, { ...query, MaxKeys, KeyMarker, VersionIdMarker });
    pages.push(page);
    const { Versions = [], DeleteMarkers = [], CommonPrefixes = [] } = page;
    expect(Versions.length + DeleteMarkers.length + CommonPrefixes.length).toBeLessThanOrEqual(
      MaxKeys,
    );
    // What is encoded in the answer is not encoded in the parameter.
    const isEncoded = query.EncodingType === "url";
    KeyMarker =
      isEncoded && page.NextKeyMarker ? decodeURIComponent(page.NextKeyMarker) : page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
    expect(page.IsTruncated).toBe(KeyMarker !== undefined);
  } while (KeyMarker !== undefined);
  return {
    versions: pages.flatMap((page) => page.Versions ?? []),
    markers: pages.flatMap((page) => page.DeleteMarkers ?? []),
    prefixes: pages.flatMap((page) => page.CommonPrefixes ?? []),
  };
}

/** Three keys: two versions and a marker of each; of "c" a version on top. */
async function givenVersions(lab: VersionedLab): Promise<void> {
  for (const key of ["a", "b/1", "b/2", "c"]) {
    await lab.put(key, "1");
    await lab.put(key, "22");
    await lab.remove(key);
  }
  await lab.put("c", "333");
}

test("versions come by key, the newest first, each with its own facts", async () => {
  const lab = await startVersioned("Enabled");
  await givenVersions(lab);
  const { Versions = [], DeleteMarkers = [] } = await list(lab);
  expect(Versions.map(({ Key, Size }) => `${Key} ${Size}`)).toEqual([
    "a 2",
    "a 1",
    "b/1 2",
    "b/1 1",
    "b/2 2",
    "b/2 1",
    "c 3",
    "c 2",
    "c 1",
  ]);
  const latest = Versions.filter((version) => version.IsLatest === true);
  expect(latest.map(({ Key }) => Key)).toEqual(["c"]);
  expect(DeleteMarkers.map(({ Key, IsLatest }) => [Key, IsLatest])).toEqual([
    ["a", true],
    ["b/1", true],
    ["b/2", true],
    ["c", false],
  ]);
  expect(Versions[0]).toMatchObject({
    ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    StorageClass: "STANDARD",
  });
  expect(DeleteMarkers[0]?.LastModified).toBeInstanceOf(Date);
  expect(DeleteMarkers[0]?.Owner?.ID).toBe(Versions[0]?.Owner?.ID);
});

test.each([1, 2, 3, 5, 100])("pages of %i hold every version and marker once", async (size) => {
  const lab = await startVersioned("Enabled");
  await givenVersions(lab);
  const whole = await list(lab);
  const { versions, markers } = await listAll(lab, {}, size);
  expect(ids(versions)).toEqual(ids(whole.Versions ?? []));
  expect(ids(markers)).toEqual(ids(whole.DeleteMarkers ?? []));
});

test.each([1, 2, 100])("prefixes are rolled up once on pages of %i", async (size) => {
  const lab = await startVersioned("Enabled");
  await givenVersions(lab);
  const { versions, markers, prefixes } = await listAll(lab, { Delimiter: "/" }, size);
  expect(prefixes).toEqual([{ Prefix: "b/" }]);
  expect(versions).toHaveLength(5);
  expect(markers).toHaveLength(2);
  const below = await listAll(lab, { Delimiter: "/", Prefix: "b/" }, size);
  expect(below.versions.map(({ Key }) => Key)).toEqual(["b/1", "b/1", "b/2", "b/2"]);
});

test("keys that are odd are listed as they are, and encoded where that is asked for", async () => {
  const lab = await startVersioned("Enabled");
  for (const key of ODD_KEYS) await lab.put(key, "body");
  const { versions } = await listAll(lab, { EncodingType: "url" }, 4);
  const keys = versions.map(({ Key = "" }) => decodeURIComponent(Key));
  expect(keys).toEqual(ODD_KEYS.toSorted(byUtf8));
});

test("the null version stands where its age puts it", async () => {
  const lab = await startVersioned();
  await lab.put("key", "first");
  await lab.setVersioning("Enabled");
  const id = await lab.put("key", "second");
  expect(await lab.listed()).toEqual([`*key ${id}`, "key null"]);
  const page = await list(lab, { KeyMarker: "key", VersionIdMarker: id });
  expect(page.Versions?.map(({ VersionId }) => VersionId)).toEqual(["null"]);
  expect((await list(lab, { KeyMarker: "key", VersionIdMarker: "null" })).Versions).toBeUndefined();
  expect((await list(lab, { KeyMarker: "key" })).Versions).toBeUndefined();
});

test.each([
  ["a version marker without its key", { VersionIdMarker: "x".repeat(32) }],
  ["a version marker that is none", { KeyMarker: "a", VersionIdMarker: "x" }],
  ["pages below zero", { MaxKeys: -1 }],
])("%s is refused", async (_given, query) => {
  const lab = await startVersioned("Enabled");
  expect(await refusal(list(lab, query))).toEqual({ code: "InvalidArgument", status: 400 });
});

test("no entries at all may be asked for", async () => {
  const lab = await startVersioned("Enabled");
  await lab.put("key", "body");
  expect(await list(lab, { MaxKeys: 0 })).toMatchObject({ IsTruncated: false, MaxKeys: 0 });
});
