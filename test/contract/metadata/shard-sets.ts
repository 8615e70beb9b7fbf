// Shard sets: sharing, the trash, what is missing.

import { expect, test } from "vitest";
import type { NewContent } from "../../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import {
  deleteKeys,
  givenBucket,
  inSet,
  objectInput,
  partInput,
  setId,
  shardSet,
  trashedIds,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

function shareOf(bucketId: number, source: ObjectRecord): NewContent {
  if (source.content.kind !== "set") throw new Error("only sets are shared");
  const { key, sequence, content } = source;
  return { kind: "share", setId: content.set.id, source: { bucketId, key, sequence } };
}

export function shardSetTests(given: GivenStore): void {
  test("a set goes to the trash when its object is replaced or deleted", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const geometry = { dataShards: 2, parityShards: 1, layoutVersion: 7 };
    await store.putObject(objectInput(bucketId, "a", { content: inSet(1, geometry) }));
    await store.putObject(objectInput(bucketId, "b", { content: inSet(2) }));
    expect(await store.listTrash(10)).toEqual([]);
    await store.putObject(objectInput(bucketId, "a", { content: inSet(3) }));
    await deleteKeys(store, bucketId, ["b"]);
    const trashedAt = expect.any(Number) as number;
    const first = { setId: setId(1), layoutVersion: 7, shardCount: 3, trashedAt };
    const second = { setId: setId(2), layoutVersion: 1, shardCount: 6, trashedAt };
    expect(await store.listTrash(10)).toEqual([first, second]);
    expect(await store.listTrash(1)).toEqual([first]);
    expect(await store.listTrash(10, setId(1))).toEqual([second]);
    expect(await store.listTrash(10, setId(2))).toEqual([]);
    expect(await store.listTrash(10, setId(99))).toEqual([first, second]);
    await store.dropTrash([setId(1), setId(99)]);
    expect(await store.listTrash(10)).toEqual([second]);
  });

  test("a shared set goes to the trash with its last reference", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const otherId = await givenBucket(store, "other");
    const source = await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const content = shareOf(bucketId, source);
    const copy = await store.putObject(objectInput(otherId, "copy", { content }));
    expect(copy.content).toEqual({ kind: "set", set: shardSet(1) });
    expect(await store.findObject(otherId, "copy")).toEqual(copy);
    const upload = uploadInput(otherId, "upload");
    await store.createUpload(upload);
    await store.putPart(partInput(upload, 1, { content }));
    await store.putPart(partInput(upload, 2, { content }));

    await deleteKeys(store, bucketId, ["a"]);
    expect(await trashedIds(store)).toEqual([]);
    await store.abortUpload(otherId, "upload", upload.uploadId);
    expect(await trashedIds(store)).toEqual([]);
    await deleteKeys(store, otherId, ["copy"]);
    expect(await trashedIds(store)).toEqual([setId(1)]);
  });

  test("an upload that shares one set several times lets go of it once", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const source = await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const upload = uploadInput(bucketId, "upload");
    await store.createUpload(upload);
    const content = shareOf(bucketId, source);
    for (const number of [1, 2, 3]) await store.putPart(partInput(upload, number, { content }));
    await store.putPart(partInput(upload, 4, { content: inSet(4) }));
    await deleteKeys(store, bucketId, ["a"]);
    await store.abortUpload(bucketId, "upload", upload.uploadId);
    expect(await trashedIds(store)).toEqual([setId(1), setId(4)]);
  });

  test("a copy onto itself keeps its set", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const source = await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const content = shareOf(bucketId, source);
    const copy = await store.putObject(objectInput(bucketId, "a", { content, etag: "new" }));
    expect(copy.sequence).toBeGreaterThan(source.sequence);
    expect(await store.findObject(bucketId, "a")).toEqual(copy);
    expect(await trashedIds(store)).toEqual([]);
    await deleteKeys(store, bucketId, ["a"]);
    expect(await trashedIds(store)).toEqual([setId(1)]);
  });

  test("sharing what is no longer that version is refused, and changes nothing", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const source = await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const content = shareOf(bucketId, source);
    const target = await store.putObject(objectInput(bucketId, "target", { content: inSet(2) }));
    await store.putObject(objectInput(bucketId, "a", { content: inSet(3) }));
    const upload = uploadInput(bucketId, "upload");
    const { manifestId } = await store.createUpload(upload);

    const refusal = { name: "S3Error", code: "NoSuchKey" };
    const put = store.putObject(objectInput(bucketId, "target", { content }));
    await expect(put).rejects.toMatchObject(refusal);
    const part = store.putPart(partInput(upload, 1, { content }));
    await expect(part).rejects.toMatchObject(refusal);

    expect(await store.findObject(bucketId, "target")).toEqual(target);
    expect((await store.listParts(manifestId, 0, 9)).parts).toEqual([]);
    expect(await trashedIds(store)).toEqual([setId(1)]);
  });

  test("a set that exists is not written again", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const again = store.putObject(objectInput(bucketId, "b", { content: inSet(1) }));
    await expect(again).rejects.not.toMatchObject({ name: "S3Error" });
    expect(await store.findObject(bucketId, "b")).toBeUndefined();
  });

  test("missing shards are noted once each, wherever the set is shown", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const content = inSet(1, { missing: [5] });
    const object = await store.putObject(objectInput(bucketId, "a", { content }));
    expect(object.content).toEqual({ kind: "set", set: shardSet(1, { missing: [5] }) });
    const upload = uploadInput(bucketId, "upload");
    const { manifestId } = await store.createUpload(upload);
    await store.putPart(partInput(upload, 1, { content: shareOf(bucketId, object) }));

    await store.noteMissing(setId(1), [3, 5, 0]);
    await store.noteMissing(setId(404), [1]);

    const noted = { kind: "set", set: shardSet(1, { missing: [0, 3, 5] }) };
    expect((await store.findObject(bucketId, "a"))?.content).toEqual(noted);
    expect((await store.findPart(manifestId, 1))?.content).toEqual(noted);
  });

  test("notes of shards that are found again are taken away, unless others came meanwhile", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "a", { content: inSet(1, { missing: [3, 5] }) }));
    const missing = async () => {
      const content = (await store.findObject(bucketId, "a"))?.content;
      return content?.kind === "set" ? content.set.missing : undefined;
    };
    await store.noteFound(setId(1), { noted: [5], found: [5] });
    await store.noteFound(setId(404), { noted: [5], found: [5] });
    expect(await missing()).toEqual([3, 5]);
    await store.noteFound(setId(1), { noted: [3, 5], found: [5, 0] });
    expect(await missing()).toEqual([3]);
    expect(await store.listDegradedSets(undefined, 10)).toHaveLength(1);
    await store.noteFound(setId(1), { noted: [3], found: [3] });
    expect(await missing()).toEqual([]);
    expect(await store.listDegradedSets(undefined, 10)).toEqual([]);
  });
}
