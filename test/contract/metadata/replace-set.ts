// Naming a copy of a set in the place of the set: in versions, in parts, where the set is shared, and where somebody was first.

import { expect, test } from "vitest";
import {
  deleteKeys,
  givenBucket,
  inPack,
  inSet,
  objectInput,
  partInput,
  setId,
  shardSet,
  trashedIds,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

const NEW_CUT = { dataShards: 2, parityShards: 1, layoutVersion: 2 };

const copyIn = (number: number, change = {}) =>
  ({ kind: "set", set: shardSet(number, change) }) as const;

export function replaceSetTests(given: GivenStore): void {
  test("a version names the copy, and nothing else of it changes", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.setVersioning(bucketId, "enabled");
    const older = await store.putObject(objectInput(bucketId, "key", { content: inSet(1) }));
    const newer = await store.putObject(objectInput(bucketId, "key", { content: inSet(2) }));
    const bucket = await store.findBucketById(bucketId);
    for (const [object, number] of [
      [older, 1],
      [newer, 2],
    ] as const) {
      const { versionId } = object;
      const to = copyIn(number + 10, NEW_CUT);
      const name = { bucketId, key: "key", detail: [object.sequence] };
      expect(await store.replaceSet({ ...name, from: setId(number), to })).toBe(true);
      expect(await store.findVersion({ bucketId, key: "key", versionId })).toEqual({
        kind: "object",
        isLatest: number === 2,
        object: { ...object, content: to },
      });
      expect(await store.replaceSet({ ...name, from: setId(number), to: copyIn(30) })).toBe(false);
    }
    expect(await store.findBucketById(bucketId)).toEqual(bucket);
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect((await store.listSets(undefined, 9)).map(({ id }) => id)).toEqual([11, 12].map(setId));
  });

  test("parts of an upload in progress and of a completed one name copies", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const first = await store.putPart(partInput(upload, 1, { content: inSet(1) }));
    const name = { bucketId, key: "key", detail: [manifestId, 1] };
    const to = copyIn(11, NEW_CUT);
    expect(await store.replaceSet({ ...name, detail: [manifestId, 2], from: setId(1), to })).toBe(
      false,
    );
    expect(await store.replaceSet({ ...name, key: "other", from: setId(1), to })).toBe(false);
    expect(await store.replaceSet({ ...name, from: setId(1), to })).toBe(true);
    expect(await store.findPart(manifestId, 1)).toEqual({ ...first, content: to });

    const { etag, sizeBytes, partId, uploadedAt: completedAt } = first;
    const { uploadId } = upload;
    const completed = { bucketId, key: "key", uploadId, etag, sizeBytes, completedAt };
    await store.completeUpload({
      ...completed,
      parts: [{ number: 1, partId }],
      checksum: undefined,
    });
    const again = { ...name, from: setId(11), to: copyIn(21) };
    expect(await store.replaceSet(again)).toBe(true);
    expect((await store.findPartAt(manifestId, 0))?.content).toEqual(copyIn(21));
    await deleteKeys(store, bucketId, ["key"]);
    expect(await store.replaceSet({ ...again, from: setId(21), to: copyIn(31) })).toBe(false);
    expect(await trashedIds(store)).toEqual([1, 11, 21].map(setId));
  });

  test("a shared set is let go of by one after the other, who may share the copy", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const source = await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    const shared = (id: number, { key, sequence }: typeof source) =>
      ({ kind: "share", setId: setId(id), source: { bucketId, key, sequence } }) as const;
    const content = shared(1, source);
    const copy = await store.putObject(objectInput(bucketId, "b", { content }));
    const a = { bucketId, key: "a", detail: [source.sequence], from: setId(1) };
    const b = { bucketId, key: "b", detail: [copy.sequence], from: setId(1) };
    expect(await store.replaceSet({ ...a, to: copyIn(2) })).toBe(true);
    expect(await trashedIds(store)).toEqual([]);
    const gone = store.replaceSet({ ...b, to: shared(3, source) });
    await expect(gone).rejects.toMatchObject({ code: "NoSuchKey" });
    expect(await store.findObject(bucketId, "b")).toEqual(copy);
    expect(await store.replaceSet({ ...b, to: shared(2, source) })).toBe(true);
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await deleteKeys(store, bucketId, ["a"]);
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await deleteKeys(store, bucketId, ["b"]);
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
  });

  test("what lies in a pack, or was replaced meanwhile, is left alone", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const packed = await store.putObject(objectInput(bucketId, "a", { content: inPack(1, 64) }));
    const name = { bucketId, key: "a", detail: [packed.sequence] };
    expect(await store.replaceSet({ ...name, from: setId(1), to: copyIn(2) })).toBe(false);
    const before = await store.putObject(objectInput(bucketId, "a", { content: inSet(3) }));
    await store.putObject(objectInput(bucketId, "a", { content: inSet(4) }));
    const late = { bucketId, key: "a", detail: [before.sequence], from: setId(3), to: copyIn(5) };
    expect(await store.replaceSet(late)).toBe(false);
    expect((await store.findObject(bucketId, "a"))?.content).toEqual(inSet(4));
    expect(await store.findNamedSets([2, 5].map(setId))).toEqual(new Set());
  });
}
