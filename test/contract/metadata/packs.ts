// Packs: sets that many objects share. What is alive in them is counted, a pack that may still grow is never trashed, and
// bytes move between packs only while they are what is named.

import { expect, test } from "vitest";
import type { Incarnation, SetId } from "../../../src/core/ids.ts";
import type { MetadataStore, MovePackedInput } from "../../../src/metadata/metadata-store.ts";
import {
  deleteKeys,
  INCARNATION,
  givenBucket,
  inPack,
  inSet,
  inline,
  objectInput,
  partInput,
  setId,
  shardSet,
  trashedIds,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

const OTHER = "00000000000000bb" as Incarnation;

/** All sealed packs with what is alive in them. */
async function packs(store: MetadataStore) {
  const found = await store.listSparsePacks(0, undefined, 100);
  return found.map(({ set, liveBytes, referenceCount }) => ({
    id: set.id,
    sizeBytes: set.sizeBytes,
    liveBytes,
    referenceCount,
  }));
}

function otherSet(number: number): SetId {
  return setId(number).replace(INCARNATION, OTHER) as SetId;
}

export function packTests(given: GivenStore): void {
  test("objects and parts share a pack, each at its place", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const first = objectInput(bucketId, "a", { sizeBytes: 30, content: inPack(1, 0) });
    const object = await store.putObject(first);
    const set = shardSet(1, { sizeBytes: 0 });
    expect(object.content).toEqual({ kind: "packed", set, offset: 0 });
    expect(await store.findObject(bucketId, "a")).toEqual(object);

    const upload = uploadInput(bucketId, "upload");
    const { manifestId } = await store.createUpload(upload);
    const content = inPack(1, 4_096);
    const part = await store.putPart(partInput(upload, 1, { sizeBytes: 20, content }));
    expect(part.content).toEqual({ kind: "packed", set, offset: 4_096 });
    expect((await store.listParts(manifestId, 0, 9)).parts).toEqual([part]);

    expect(await store.sealPack(setId(1), 60)).toBe("kept");
    expect(await packs(store)).toEqual([
      { id: setId(1), sizeBytes: 60, liveBytes: 50, referenceCount: 2 },
    ]);
    const sealed = shardSet(1, { sizeBytes: 60 });
    const found = await store.findObject(bucketId, "a");
    expect(found?.content).toEqual({ kind: "packed", set: sealed, offset: 0 });
  });

  test("what every write into a pack missed is missing from the pack", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const early = inPack(1, 0, { missing: [5] });
    await store.putObject(objectInput(bucketId, "a", { content: early }));
    const late = inPack(1, 8, { missing: [2, 5] });
    const object = await store.putObject(objectInput(bucketId, "b", { content: late }));
    const set = shardSet(1, { sizeBytes: 0, missing: [2, 5] });
    expect(object.content).toEqual({ kind: "packed", set, offset: 8 });
    const found = await store.findObject(bucketId, "a");
    expect(found?.content).toEqual({ kind: "packed", set, offset: 0 });
  });

  test("a commit into a sealed pack counts: its bytes were durable before", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "a", { sizeBytes: 5, content: inPack(1, 0) }));
    expect(await store.sealPack(setId(1), 12)).toBe("kept");
    await store.putObject(objectInput(bucketId, "b", { sizeBytes: 7, content: inPack(1, 8) }));
    expect(await store.sealPack(setId(1), 99)).toBe("kept");
    const expected = { id: setId(1), sizeBytes: 12, liveBytes: 12, referenceCount: 2 };
    expect(await packs(store)).toEqual([expected]);
  });

  test("a pack goes to the trash when it is sealed and nothing refers to it", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const [key, pack] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      await store.putObject(objectInput(bucketId, key, { content: inPack(pack, 0) }));
    }
    await deleteKeys(store, bucketId, ["a"]);
    expect(await trashedIds(store)).toEqual([]);
    expect(await store.sealPack(setId(1), 5)).toBe("trashed");
    expect(await store.sealPack(setId(1), 5)).toBe("trashed");
    expect(await store.sealPack(setId(2), 5)).toBe("kept");
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await store.putObject(objectInput(bucketId, "b"));
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect(await store.sealPack(setId(3), 5)).toBe("unknown");

    const late = store.putObject(objectInput(bucketId, "c", { content: inPack(1, 0) }));
    await expect(late).rejects.toThrow("trash");
    expect(await store.findObject(bucketId, "c")).toBeUndefined();
  });

  test("a set of one object is no pack, nor is a pack with another geometry the same", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "set", { content: inSet(1) }));
    await store.putObject(objectInput(bucketId, "pack", { content: inPack(2, 0) }));
    await expect(store.sealPack(setId(1), 1)).rejects.toThrow("no pack");
    for (const content of [inPack(1, 0), inPack(2, 9, { dataShards: 3 }), inSet(2)]) {
      const put = store.putObject(objectInput(bucketId, "new", { content }));
      await expect(put).rejects.not.toMatchObject({ name: "S3Error" });
    }
    expect(await store.findObject(bucketId, "new")).toBeUndefined();
  });

  test("a pack of a process that has ended takes no more", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.beginIncarnation({ incarnation: INCARNATION, startedAt: 1 });
    await store.putObject(objectInput(bucketId, "a", { content: inPack(1, 0) }));
    await store.endIncarnation(INCARNATION, 2);
    const put = store.putObject(objectInput(bucketId, "b", { content: inPack(1, 8) }));
    await expect(put).rejects.toThrow("has ended");
  });

  test("the end of a process seals the packs that it left open, and no others", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const incarnation of [INCARNATION, OTHER]) {
      await store.beginIncarnation({ incarnation, startedAt: 1 });
    }
    const contents = [
      inPack(1, 0),
      inPack(2, 0, { id: otherSet(2) }),
      inPack(3, 0, { id: otherSet(3) }),
    ];
    for (const [index, content] of contents.entries()) {
      await store.putObject(objectInput(bucketId, `key-${index}`, { content }));
    }
    await deleteKeys(store, bucketId, ["key-0", "key-1"]);

    await store.endIncarnation(OTHER, 9);
    await store.endIncarnation(OTHER, 10);

    expect((await store.listProcesses()).map(({ endedAt }) => endedAt)).toEqual([undefined, 9]);
    expect(await trashedIds(store)).toEqual([otherSet(2)]);
    expect(await packs(store)).toEqual([
      { id: otherSet(3), sizeBytes: 5, liveBytes: 5, referenceCount: 1 },
    ]);
    expect(await store.sealPack(otherSet(3), 8)).toBe("kept");
    expect(await store.sealPack(setId(1), 5)).toBe("trashed");
  });

  test("who holds the cluster ends the others and seals their packs", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const incarnation of [INCARNATION, OTHER]) {
      await store.beginIncarnation({ incarnation, startedAt: 1 });
    }
    const contents = [
      inPack(1, 0),
      inPack(2, 0, { id: otherSet(2) }),
      inPack(3, 0, { id: otherSet(3) }),
    ];
    for (const [index, content] of contents.entries()) {
      await store.putObject(objectInput(bucketId, `key-${index}`, { content }));
    }
    await deleteKeys(store, bucketId, ["key-0", "key-1"]);

    await store.endOtherIncarnations(INCARNATION, 9);

    expect(await store.listProcesses()).toEqual([
      { incarnation: INCARNATION, startedAt: 1, endedAt: undefined },
      { incarnation: OTHER, startedAt: 1, endedAt: 9 },
    ]);
    expect(await trashedIds(store)).toEqual([otherSet(2)]);
    // How much of it is dead is not known.
    expect(await packs(store)).toEqual([
      { id: otherSet(3), sizeBytes: 5, liveBytes: 5, referenceCount: 1 },
    ]);
    await store.endOtherIncarnations(INCARNATION, 10);
    expect((await store.listProcesses())[1]?.endedAt).toBe(9);
    expect(await store.sealPack(setId(1), 5)).toBe("trashed");
  });

  test("a completed upload lets go of packed parts with their bytes", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "a", { sizeBytes: 1, content: inPack(1, 0) }));
    const upload = uploadInput(bucketId, "upload");
    await store.createUpload(upload);
    const parts = [];
    for (const [number, pack] of [1, 1, 2, 3].entries()) {
      const change = { sizeBytes: 10 + number, content: inPack(pack, 100 * (number + 1)) };
      const { partId } = await store.putPart(partInput(upload, number + 1, change));
      if (number !== 1) parts.push({ number: number + 1, partId });
    }
    for (const pack of [1, 2]) await store.sealPack(setId(pack), 100);
    const { uploadId, key } = upload;
    const completion = { bucketId, key, uploadId, parts, etag: "e", completedAt: 1 };
    await store.completeUpload({ ...completion, sizeBytes: 35, checksum: undefined });
    expect(await packs(store)).toMatchObject([
      { id: setId(1), liveBytes: 11, referenceCount: 2 },
      { id: setId(2), liveBytes: 12, referenceCount: 1 },
    ]);

    await deleteKeys(store, bucketId, ["upload"]);

    // The third pack is still open.
    expect(await trashedIds(store)).toEqual([setId(2)]);
    expect(await packs(store)).toMatchObject([{ id: setId(1), liveBytes: 1, referenceCount: 1 }]);
    expect(await store.sealPack(setId(3), 100)).toBe("trashed");
  });

  test("a reset leaves the rows of packs that may still grow", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const pack of [1, 2]) {
      await store.putObject(objectInput(bucketId, `key-${pack}`, { content: inPack(pack, 0) }));
    }
    await store.sealPack(setId(1), 5);
    await store.reset();
    expect(await trashedIds(store)).toEqual([setId(1)]);
    expect(await store.findNamedSets([setId(2)])).toEqual(new Set([setId(2)]));

    const again = await givenBucket(store);
    await store.putObject(objectInput(again, "new", { sizeBytes: 7, content: inPack(2, 8) }));
    expect(await store.sealPack(setId(2), 20)).toBe("kept");
    expect(await packs(store)).toEqual([
      { id: setId(2), sizeBytes: 20, liveBytes: 7, referenceCount: 1 },
    ]);
  });

  test("packed bytes are not shared", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const source = await store.putObject(objectInput(bucketId, "a", { content: inPack(1, 0) }));
    const from = { bucketId, key: "a", sequence: source.sequence };
    const content = { kind: "share", setId: setId(1), source: from } as const;
    const put = store.putObject(objectInput(bucketId, "copy", { content }));
    await expect(put).rejects.toMatchObject({ name: "S3Error", code: "NoSuchKey" });
  });

  test("sparse packs are those with enough dead bytes, by id and in pages", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const pack of [1, 2, 3, 4]) {
      const change = { sizeBytes: 10 * pack, content: inPack(pack, 0) };
      await store.putObject(objectInput(bucketId, `key-${pack}`, change));
      if (pack < 4) await store.sealPack(setId(pack), 100);
    }
    const idsOf = async (share: number, after: SetId | undefined, limit: number) =>
      (await store.listSparsePacks(share, after, limit)).map(({ set }) => set.id);
    expect(await idsOf(0, undefined, 9)).toEqual([setId(1), setId(2), setId(3)]);
    expect(await idsOf(0.8, undefined, 9)).toEqual([setId(1), setId(2)]);
    expect(await idsOf(0.81, undefined, 9)).toEqual([setId(1)]);
    expect(await idsOf(0, setId(1), 1)).toEqual([setId(2)]);
    expect(await idsOf(0, setId(3), 9)).toEqual([]);
  });

  test("bytes of an object are moved while they are what it names", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const input = objectInput(bucketId, "a", { sizeBytes: 30, content: inPack(1, 16) });
    const object = await store.putObject(input);
    await store.sealPack(setId(1), 100);
    const from = { setId: setId(1), offset: 16 };
    const move: MovePackedInput = { bucketId, key: "a", part: undefined, from, to: inPack(2, 64) };

    for (const change of [
      { key: "b" },
      { bucketId: 404 },
      { from: { setId: setId(1), offset: 17 } },
      { from: { setId: setId(3), offset: 16 } },
    ]) {
      expect(await store.movePacked({ ...move, ...change })).toBe(false);
    }
    expect(await store.sealPack(setId(2), 100)).toBe("unknown");
    expect(await store.movePacked(move)).toBe(true);
    expect(await store.movePacked(move)).toBe(false);

    const set = shardSet(2, { sizeBytes: 0 });
    expect(await store.findObject(bucketId, "a")).toEqual({
      ...object,
      content: { kind: "packed", set, offset: 64 },
    });
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await store.putObjectTags({ bucketId, key: "a", versionId: undefined }, [
      { key: "k", value: "v" },
    ]);

    const back = { ...move, from: { setId: setId(2), offset: 64 }, to: inSet(3) };
    expect(await store.movePacked(back)).toBe(true);
    const moved = await store.findObject(bucketId, "a");
    expect(moved).toMatchObject({ sequence: object.sequence, tags: [{ key: "k", value: "v" }] });
    expect(moved?.content).toEqual({ kind: "set", set: shardSet(3) });
    expect(await store.sealPack(setId(2), 100)).toBe("trashed");
  });

  test("bytes of parts are moved, of uploads in progress and of completed ones", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "upload");
    const { manifestId } = await store.createUpload(upload);
    const first = { sizeBytes: 30, content: inPack(1, 16) };
    const part = await store.putPart(partInput(upload, 1, first));
    const { uploadId, key } = upload;
    const named = { bucketId, key, part: { uploadId, number: 1 } };
    const from = { setId: setId(1), offset: 16 };

    const missed = { ...named, part: { uploadId, number: 2 }, from, to: inPack(2, 64) };
    expect(await store.movePacked(missed)).toBe(false);
    expect(await store.movePacked({ ...named, from, to: inPack(2, 64) })).toBe(true);
    const set = shardSet(2, { sizeBytes: 0 });
    const moved = { ...part, content: { kind: "packed", set, offset: 64 } };
    expect(await store.findPart(manifestId, 1)).toEqual(moved);

    const parts = [{ number: 1, partId: part.partId }];
    const completion = { bucketId, key, uploadId, parts, etag: "e", completedAt: 1 };
    await store.completeUpload({ ...completion, sizeBytes: 30, checksum: undefined });
    const again = { ...named, from: { setId: setId(2), offset: 64 }, to: inPack(1, 640) };
    expect(await store.movePacked(again)).toBe(true);
    expect((await store.findPartAt(manifestId, 29))?.content).toMatchObject({ offset: 640 });
    expect(await store.sealPack(setId(2), 100)).toBe("trashed");
    expect(await store.sealPack(setId(1), 100)).toBe("kept");
    expect(await packs(store)).toMatchObject([{ liveBytes: 30, referenceCount: 1 }]);
  });

  test("a move that the new pack refuses changes nothing", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const input = objectInput(bucketId, "a", { content: inPack(1, 16) });
    const object = await store.putObject(input);
    await store.putObject(objectInput(bucketId, "b", { content: inSet(2) }));
    const from = { setId: setId(1), offset: 16 };
    const move = { bucketId, key: "a", part: undefined, from, to: inPack(2, 0) };
    await expect(store.movePacked(move)).rejects.not.toMatchObject({ name: "S3Error" });
    expect(await store.findObject(bucketId, "a")).toEqual(object);
    expect(await store.movePacked({ ...move, to: inline("hello") })).toBe(true);
    const moved = await store.findObject(bucketId, "a");
    if (moved?.content.kind !== "inline") throw new Error("it was moved inline");
    const bytes = await store.readInline(moved.content.dataId);
    expect(Buffer.from(bytes ?? []).toString()).toBe("hello");
  });
}
