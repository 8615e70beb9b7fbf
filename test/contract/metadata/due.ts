// What lifecycles find: by age, oldest first, page by page; and the progress of background work.

import { expect, test } from "vitest";
import type { DueEntry, DueQuery, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import {
  MARKER,
  deleteKeys,
  deleteRequest,
  deleteVersion,
  givenBucket,
  givenVersioned,
  objectInput,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

/** All that is due, in pages of one and in one page: both must be the same. */
async function due(
  store: MetadataStore,
  bucketId: number,
  kind: DueQuery["kind"],
  before = 1_000_000,
): Promise<readonly DueEntry[]> {
  const query: DueQuery = { bucketId, kind, before, after: undefined, limit: 1 };
  const entries: DueEntry[] = [];
  for (;;) {
    const after = entries.at(-1);
    const [entry] = await store.listDue({ ...query, after });
    if (entry === undefined) break;
    entries.push(entry);
  }
  expect(await store.listDue({ ...query, limit: 1_000 })).toEqual(entries);
  return entries;
}

function shown({ at, key, newerNoncurrent }: DueEntry): string {
  return `${at} ${key} ${newerNoncurrent}`;
}

export function dueTests(given: GivenStore): void {
  test("live objects are due by when they were written, in the order of that", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const otherId = await givenBucket(store, "other");
    for (const [key, modifiedAt] of [
      ["late", 30],
      ["early", 10],
      ["alike-2", 20],
      ["alike-1", 20],
    ] as const) {
      const tags = [{ key: "k", value: key }];
      await store.putObject(objectInput(bucketId, key, { modifiedAt, tags }));
    }
    await store.putObject(objectInput(otherId, "elsewhere", { modifiedAt: 1 }));
    const entries = await due(store, bucketId, "current");
    expect(entries.map(({ key }) => key)).toEqual(["early", "alike-2", "alike-1", "late"]);
    expect(entries[0]).toEqual({
      at: 10,
      sequence: expect.any(Number),
      key: "early",
      versionId: "null",
      uploadId: undefined,
      sizeBytes: 5,
      tags: [{ key: "k", value: "early" }],
      newerNoncurrent: 0,
    });
    expect((await due(store, bucketId, "current", 20)).map(({ key }) => key)).toEqual(["early"]);
    await store.putObject(objectInput(bucketId, "early", { modifiedAt: 40 }));
    await deleteKeys(store, bucketId, ["late"]);
    const left = await due(store, bucketId, "current");
    expect(left.map(({ key }) => key)).toEqual(["alike-2", "alike-1", "early"]);
    expect(await due(store, bucketId, "noncurrent")).toEqual([]);
    expect(await due(store, bucketId, "marker")).toEqual([]);
  });

  test("older versions are due by when they were followed, and know how many are newer", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const versions = [];
    for (const modifiedAt of [10, 20, 30]) {
      versions.push(await store.putObject(objectInput(bucketId, "key", { modifiedAt })));
    }
    await store.putObject(objectInput(bucketId, "other", { modifiedAt: 25 }));
    await deleteKeys(store, bucketId, ["key"]);
    await store.putObject(objectInput(bucketId, "key", { modifiedAt: 6_000 }));
    const noncurrent = async () => (await due(store, bucketId, "noncurrent")).map(shown);
    // Each is dated with its successor: the delete marker among them.
    expect(await noncurrent()).toEqual([
      "20 key 3",
      "30 key 2",
      `${MARKER.now} key 1`,
      "6000 key 0",
    ]);
    const [first, second] = versions;
    await deleteVersion(store, bucketId, { key: "key", versionId: second?.versionId ?? "" });
    expect(await noncurrent()).toEqual(["20 key 2", `${MARKER.now} key 1`, "6000 key 0"]);
    const [oldest] = await due(store, bucketId, "noncurrent");
    expect(oldest).toMatchObject({ sequence: first?.sequence, versionId: first?.versionId });
    expect((await due(store, bucketId, "current")).map(shown)).toEqual([
      "25 other 0",
      "6000 key 0",
    ]);
  });

  test("what is newer is counted no further than any rule asks", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    for (let at = 0; at < 104; at += 1) {
      await store.putObject(objectInput(bucketId, "key", { modifiedAt: at }));
    }
    const entries = await store.listDue({
      bucketId,
      kind: "noncurrent",
      before: 5,
      after: undefined,
      limit: 9,
    });
    expect(entries.map(({ newerNoncurrent }) => newerNoncurrent)).toEqual([100, 100, 100, 99]);
  });

  test("a delete marker is due once it is all that is left of its key", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const object = await store.putObject(objectInput(bucketId, "key"));
    await deleteKeys(store, bucketId, ["key", "ghost"]);
    const markers = async () => (await due(store, bucketId, "marker")).map(({ key }) => key);
    expect(await markers()).toEqual(["ghost"]);
    await deleteVersion(store, bucketId, { key: "key", versionId: object.versionId });
    expect(await markers()).toEqual(["key", "ghost"]);
    // Nor is one that something follows, until that is gone.
    const later = await store.putObject(objectInput(bucketId, "ghost"));
    expect(await markers()).toEqual(["key"]);
    await deleteVersion(store, bucketId, { key: "ghost", versionId: later.versionId });
    expect(await markers()).toEqual(["key", "ghost"]);
    // Of two markers neither is alone; the older one is, once it is.
    const [second] = await deleteKeys(store, bucketId, ["key"]);
    expect(await markers()).toEqual(["ghost"]);
    const versionId = second?.kind === "deleted" ? (second.versionId ?? "") : "";
    await deleteVersion(store, bucketId, { key: "key", versionId });
    expect(await markers()).toEqual(["key", "ghost"]);
    const [entry] = await due(store, bucketId, "marker");
    expect(entry).toMatchObject({ at: MARKER.now, sizeBytes: 0, tags: [] });
    const condition = { ifSequence: entry?.sequence };
    const gone = deleteRequest("key", { versionId: entry?.versionId, condition });
    expect(await store.deleteObjects(bucketId, [gone], MARKER)).toMatchObject([
      { kind: "deleted", isDeleteMarker: true },
    ]);
    expect(await markers()).toEqual(["ghost"]);
  });

  test("a marker of a bucket whose versioning is suspended is due like any other", async () => {
    const store = given();
    const bucketId = await givenVersioned(store, "suspended");
    await store.putObject(objectInput(bucketId, "key"));
    await deleteKeys(store, bucketId, ["key", "key"]);
    expect(await due(store, bucketId, "marker")).toMatchObject([{ key: "key", versionId: "null" }]);
    await store.putObject(objectInput(bucketId, "key"));
    expect(await due(store, bucketId, "marker")).toEqual([]);
    expect(await due(store, bucketId, "noncurrent")).toEqual([]);
  });

  test("uploads in progress are due by when they began", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const [id, initiatedAt] of [
      ["second", 20],
      ["first", 10],
      ["gone", 5],
    ] as const) {
      await store.createUpload(uploadInput(bucketId, "key", { id, initiatedAt }));
    }
    const gone = uploadInput(bucketId, "key", { id: "gone" });
    await store.abortUpload(bucketId, "key", gone.uploadId);
    const entries = await due(store, bucketId, "upload");
    expect(entries.map(({ uploadId }) => uploadId)).toEqual(["first", "second"]);
    expect(entries[0]).toMatchObject({ at: 10, versionId: undefined, newerNoncurrent: 0 });
  });

  test("progress is kept by job, until it is removed or everything is", async () => {
    const store = given();
    expect(await store.findProgress("job")).toBeUndefined();
    await store.putProgress("job", "one");
    await store.putProgress("other", "2");
    await store.putProgress("job", "two");
    expect(await store.findProgress("job")).toBe("two");
    await store.putProgress("job", undefined);
    expect(await store.findProgress("job")).toBeUndefined();
    await store.reset();
    expect(await store.findProgress("other")).toBeUndefined();
  });

  test("what has changed since it was seen stays: its place among the versions, or its tags", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const tags = [{ key: "k", value: "v" }];
    const object = await store.putObject(objectInput(bucketId, "key", { modifiedAt: 10, tags }));
    const [marked] = await deleteKeys(store, bucketId, ["key"]);
    const [entry] = await due(store, bucketId, "noncurrent");
    const { versionId, sequence } = object;
    const seen = { ifSequence: sequence, ifNoncurrentSince: entry?.at, ifTags: entry?.tags };
    const remove = (condition: typeof seen) =>
      deleteVersion(store, bucketId, { key: "key", versionId, condition });
    expect(await remove({ ...seen, ifNoncurrentSince: 11 })).toEqual({ kind: "changed" });
    expect(await remove({ ...seen, ifTags: [] })).toEqual({ kind: "changed" });
    expect(await remove({ ...seen, ifTags: [{ key: "k", value: "w" }] })).toEqual({
      kind: "changed",
    });
    // Without its marker it is the latest again.
    const marker = marked?.kind === "deleted" ? (marked.versionId ?? "") : "";
    await deleteVersion(store, bucketId, { key: "key", versionId: marker });
    expect(await remove(seen)).toEqual({ kind: "changed" });
    await deleteKeys(store, bucketId, ["key"]);
    expect(await remove(seen)).toMatchObject({ kind: "deleted", wasThere: true });
  });

  test("buckets are found by the documents that they have", async () => {
    const store = given();
    const ids = [];
    for (const name of ["one", "two", "three"]) ids.push(await givenBucket(store, name));
    const [first = 0, second = 0, third = 0] = ids;
    await store.putBucketConfig(first, "rules", "1");
    await store.putBucketConfig(second, "other", "2");
    await store.putBucketConfig(third, "rules", "3");
    const found = async (after: number, limit: number) =>
      (await store.listConfigured("rules", after, limit)).map(({ name }) => name);
    expect(await found(0, 10)).toEqual(["one", "three"]);
    expect(await found(0, 1)).toEqual(["one"]);
    expect(await found(first, 10)).toEqual(["three"]);
    await store.putBucketConfig(first, "rules", undefined);
    expect(await found(0, 10)).toEqual(["three"]);
  });
}
