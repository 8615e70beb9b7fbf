// Versions of a key: what a PUT keeps and what it does away with, and what stands there once a version is gone.

import { expect, test } from "vitest";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import type { ObjectRecord, VersionRecord } from "../../../src/metadata/records.ts";
import {
  deleteKeys,
  deleteVersion,
  givenBucket,
  givenVersioned,
  inPack,
  inSet,
  inline,
  listed,
  listedVersions,
  objectInput,
  objectsQuery,
  partInput,
  setId,
  shardSet,
  trashedIds,
  uploadInput,
  versionsQuery,
  type GivenStore,
} from "./inputs.ts";

/** Puts versions of one key with these ETags, the oldest first. */
async function givenVersions(
  store: MetadataStore,
  bucketId: number,
  etags: readonly string[],
): Promise<readonly ObjectRecord[]> {
  const versions: ObjectRecord[] = [];
  for (const etag of etags) {
    versions.push(await store.putObject(objectInput(bucketId, "key", { etag })));
  }
  return versions;
}

function etagOf(version: VersionRecord | undefined): string | undefined {
  return version?.kind === "object" ? version.object.etag : version?.kind;
}

export function versionTests(given: GivenStore): void {
  test("with versioning every object that was put stays, under an id of its own", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const versions = await givenVersions(store, bucketId, ["one", "two", "three"]);
    expect(new Set(versions.map(({ versionId }) => versionId)).size).toBe(3);
    for (const [index, object] of versions.entries()) {
      expect(object.versionId).toMatch(/^[A-Za-z0-9_-]{32}$/);
      const name = { bucketId, key: "key", versionId: object.versionId };
      const isLatest = index === 2;
      expect(await store.findVersion(name)).toEqual({ kind: "object", object, isLatest });
      const dataId = object.content.kind === "inline" ? object.content.dataId : 0;
      expect(await store.readInline(dataId)).toHaveLength(5);
    }
    expect(await store.findObject(bucketId, "key")).toEqual(versions[2]);
    expect(await listed(store, objectsQuery(bucketId))).toEqual(["key"]);
    const query = versionsQuery(bucketId);
    expect(await listedVersions(store, query)).toEqual(["key* three", "key two", "key one"]);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 1, objectBytes: 15 });
  });

  test("ids that are not of a version of that key find nothing", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const [one] = await givenVersions(store, bucketId, ["one"]);
    const other = await store.putObject(objectInput(bucketId, "other"));
    const id = one?.versionId ?? "";
    const near = (id.startsWith("A") ? "B" : "A") + id.slice(1);
    for (const versionId of [other.versionId, near, "null", "", "x", "~".repeat(32)]) {
      expect(await store.findVersion({ bucketId, key: "key", versionId })).toBeUndefined();
    }
    const absent = { bucketId, key: "absent", versionId: undefined };
    expect(await store.findVersion(absent)).toBeUndefined();
    expect(await store.findVersion({ bucketId: 404, key: "key", versionId: id })).toBeUndefined();
  });

  test("what was there before versioning is the version null, and stays", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const before = await store.putObject(objectInput(bucketId, "key", { content: inSet(1) }));
    await store.setVersioning(bucketId, "enabled");
    await givenVersions(store, bucketId, ["two"]);
    const found = await store.findVersion({ bucketId, key: "key", versionId: "null" });
    expect(found).toEqual({ kind: "object", object: before, isLatest: false });
    expect(await trashedIds(store)).toEqual([]);
    expect((await store.findBucketById(bucketId))?.versioning).toBe("enabled");
  });

  test("while versioning is suspended a PUT replaces the version null, wherever it stands", async () => {
    const store = given();
    const bucketId = await givenVersioned(store, "suspended");
    const put = (etag: string, number: number) =>
      store.putObject(objectInput(bucketId, "key", { etag, content: inSet(number) }));
    expect((await put("null 1", 1)).versionId).toBe("null");
    await put("null 2", 2);
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await store.setVersioning(bucketId, "enabled");
    await put("kept", 3);
    const query = versionsQuery(bucketId);
    expect(await listedVersions(store, query)).toEqual(["key* kept", "key null 2"]);
    await store.setVersioning(bucketId, "suspended");
    await put("null 3", 4);
    expect(await listedVersions(store, query)).toEqual(["key* null 3", "key kept"]);
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 1, objectBytes: 10 });
  });

  test("of concurrent writers each makes a version, and one is the latest", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const puts = Array.from({ length: 20 }, (_, index) =>
      store.putObject(objectInput(bucketId, "key", { etag: `e${index}` })),
    );
    const versions = (await Promise.all(puts)).toSorted((a, b) => b.sequence - a.sequence);
    const page = await store.listVersions(versionsQuery(bucketId));
    const ids = page.entries.map((entry) => (entry.kind === "prefix" ? "" : entry.versionId));
    expect(ids).toEqual(versions.map(({ versionId }) => versionId));
  });

  test("the next newest version comes back when the latest is removed", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const [one, two, three] = await givenVersions(store, bucketId, ["one", "two", "three"]);
    const remove = (object: ObjectRecord | undefined) =>
      deleteVersion(store, bucketId, { key: "key", versionId: object?.versionId ?? "" });
    const done = { kind: "deleted", wasThere: true, isDeleteMarker: false } as const;
    expect(await remove(three)).toEqual({ ...done, versionId: three?.versionId });
    expect(await store.findObject(bucketId, "key")).toEqual(two);
    expect(await remove(one)).toEqual({ ...done, versionId: one?.versionId });
    expect(await store.findObject(bucketId, "key")).toEqual(two);
    const again = { ...done, wasThere: false, versionId: one?.versionId };
    expect(await remove(one)).toEqual(again);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 1, objectBytes: 5 });
    await expect(store.deleteBucket(bucketId)).rejects.toMatchObject({ code: "BucketNotEmpty" });
    await remove(two);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 0, objectBytes: 0 });
    await store.deleteBucket(bucketId);
  });

  test("conditions of a PUT see a delete marker as no object", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    await givenVersions(store, bucketId, ["one"]);
    await deleteKeys(store, bucketId, ["key"]);
    const put = (condition: { ifMatch?: string; ifNoneMatch?: string }) =>
      store.putObject(objectInput(bucketId, "key", { etag: "two", condition }));
    await expect(put({ ifMatch: "*" })).rejects.toMatchObject({ code: "NoSuchKey" });
    await put({ ifNoneMatch: "*" });
    await expect(put({ ifNoneMatch: "*" })).rejects.toMatchObject({ code: "PreconditionFailed" });
    expect(await listedVersions(store, versionsQuery(bucketId))).toEqual([
      "key* two",
      "key -",
      "key one",
    ]);
  });

  test("a completed upload is a version, and its parts go with it", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const { partId } = await store.putPart(partInput(upload, 1, { content: inSet(1) }));
    const { key, uploadId } = upload;
    const parts = [{ number: 1, partId }];
    const rest = { sizeBytes: 10, etag: "whole", completedAt: 9, checksum: undefined };
    const object = await store.completeUpload({ bucketId, key, uploadId, parts, ...rest });
    const { versionId, sequence } = object;
    expect(versionId).toHaveLength(32);
    await givenVersions(store, bucketId, ["later"]);

    const name = { bucketId, key, versionId };
    expect(await store.findVersion(name)).toEqual({ kind: "object", object, isLatest: false });
    expect((await store.listParts(manifestId, 0, 9)).parts).toHaveLength(1);
    const found = await store.findUpload(bucketId, key, uploadId);
    expect(found?.completed).toEqual({ etag: "whole", sequence, versionId });
    await deleteVersion(store, bucketId, { key, versionId });
    expect(await trashedIds(store)).toEqual([setId(1)]);
    expect(await store.findUpload(bucketId, key, uploadId)).toBeUndefined();
    expect(etagOf(await store.findVersion({ ...name, versionId: undefined }))).toBe("later");
  });

  test("the set of an older version is shared by a copy, also by one over its own key", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const first = await store.putObject(objectInput(bucketId, "key", { content: inSet(1) }));
    await store.putObject(objectInput(bucketId, "key", { content: inSet(2) }));
    const source = { bucketId, key: "key", sequence: first.sequence };
    const content = { kind: "share", setId: setId(1), source } as const;
    const copy = await store.putObject(objectInput(bucketId, "key", { content }));
    expect(copy.content).toEqual({ kind: "set", set: shardSet(1) });
    await deleteVersion(store, bucketId, { key: "key", versionId: first.versionId });
    expect(await trashedIds(store)).toEqual([]);
    await deleteVersion(store, bucketId, { key: "key", versionId: copy.versionId });
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await expect(
      store.putObject(objectInput(bucketId, "other", { content })),
    ).rejects.toMatchObject({ code: "NoSuchKey" });
  });

  test("tags and access control lists are those of one version", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const [one, two] = await givenVersions(store, bucketId, ["one", "two"]);
    const tags = [{ key: "k", value: "v" }];
    const older = { bucketId, key: "key", versionId: one?.versionId };
    const latest = { bucketId, key: "key", versionId: undefined };
    await store.putObjectTags(older, tags);
    await store.putObjectAcl(latest, "an acl");
    expect(await store.findVersion(older)).toMatchObject({ object: { ...one, tags } });
    expect(await store.findVersion(latest)).toMatchObject({ object: { ...two, acl: "an acl" } });
    await store.putObjectAcl(latest, undefined);
    expect(await store.findObject(bucketId, "key")).toEqual(two);

    const [deleted] = await deleteKeys(store, bucketId, ["key"]);
    const versionId = deleted?.kind === "deleted" ? deleted.versionId : undefined;
    for (const [name, code] of [
      [latest, "NoSuchKey"],
      [{ ...latest, versionId }, "MethodNotAllowed"],
      [{ ...latest, versionId: "null" }, "NoSuchVersion"],
      [{ ...latest, bucketId: 404 }, "NoSuchBucket"],
    ] as const) {
      await expect(store.putObjectTags(name, tags)).rejects.toMatchObject({ code });
      await expect(store.putObjectAcl(name, "acl")).rejects.toMatchObject({ code });
    }
  });

  test("tags and lists are not given to another version than the one that was seen", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const first = await store.putObject(objectInput(bucketId, "key"));
    const name = { bucketId, key: "key", versionId: first.versionId };
    const seen = { ...name, sequence: first.sequence };
    await store.putObjectAcl(seen, "an acl");
    expect(await store.findObject(bucketId, "key")).toMatchObject({ acl: "an acl" });
    const second = await store.putObject(objectInput(bucketId, "key"));
    expect(second.versionId).toBe(first.versionId);
    const refused = { code: "ServiceUnavailable" };
    await expect(store.putObjectAcl(seen, "an acl")).rejects.toMatchObject(refused);
    await expect(store.putObjectTags(seen, [])).rejects.toMatchObject(refused);
    expect(await store.findObject(bucketId, "key")).toEqual(second);
  });

  test("shards found missing show in older versions too", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const { versionId } = await store.putObject(
      objectInput(bucketId, "key", { content: inSet(1) }),
    );
    await givenVersions(store, bucketId, ["two"]);
    await store.noteMissing(setId(1), [3]);
    const found = await store.findVersion({ bucketId, key: "key", versionId });
    expect(found).toMatchObject({ object: { content: { set: { missing: [3] } } } });
  });

  test("packed bytes of an older version are found by their place, and moved", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const change = { sizeBytes: 30, content: inPack(1, 16) };
    const first = await store.putObject(objectInput(bucketId, "key", change));
    const latest = await store.putObject(
      objectInput(bucketId, "key", { ...change, content: inPack(1, 64) }),
    );
    const from = { setId: setId(1), offset: 16 };
    expect(await store.findPacked(bucketId, "key", from)).toEqual(first);
    expect(await store.findPacked(bucketId, "key", { ...from, offset: 64 })).toEqual(latest);
    expect(await store.findPacked(bucketId, "key", { ...from, offset: 17 })).toBeUndefined();
    expect(await store.findPacked(bucketId, "other", from)).toBeUndefined();

    const move = { bucketId, key: "key", part: undefined, from, to: inSet(2) };
    expect(await store.movePacked(move)).toBe(true);
    expect(await store.movePacked(move)).toBe(false);
    const name = { bucketId, key: "key", versionId: first.versionId };
    expect(await store.findVersion(name)).toMatchObject({
      isLatest: false,
      object: { sequence: first.sequence, content: { kind: "set", set: shardSet(2) } },
    });
    expect(await store.listSparsePacks(0, undefined, 9)).toEqual([]);
    expect(await store.sealPack(setId(1), 100)).toBe("kept");
    expect(await store.listSparsePacks(0, undefined, 9)).toMatchObject([
      { liveBytes: 30, referenceCount: 1 },
    ]);
  });

  test("the walk shows versions and delete markers, the oldest of a key first", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    await givenVersions(store, bucketId, ["one", "two"]);
    await deleteKeys(store, bucketId, ["key"]);
    await store.putObject(objectInput(bucketId, "after", { content: inline("x") }));
    for (const limit of [1, 2, 1_000]) {
      const shown: string[] = [];
      let after: Parameters<MetadataStore["walk"]>[0]["after"];
      for (;;) {
        const page = await store.walk({ bucketId: undefined, prefix: "", after, limit });
        if (page.length === 0) break;
        shown.push(...page.map(({ kind, position, etag }) => `${kind} ${position.key} ${etag}`));
        after = page.at(-1)?.position;
      }
      expect(shown).toEqual([
        "object after etag-1",
        "object key one",
        "object key two",
        "delete-marker key ",
      ]);
    }
  });

  test("a reset takes every version, and what they name goes to the trash", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    for (const number of [1, 2]) {
      await store.putObject(objectInput(bucketId, "key", { content: inSet(number) }));
    }
    await deleteKeys(store, bucketId, ["key"]);
    await store.reset();
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    const all = { bucketId: undefined, prefix: "", after: undefined, limit: 9 };
    expect(await store.walk(all)).toEqual([]);
  });
}
