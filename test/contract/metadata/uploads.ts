// Multipart uploads: parts, completing, aborting, and their listings.

import { expect, test } from "vitest";
import type { UploadId } from "../../../src/core/ids.ts";
import type {
  CompleteUploadInput,
  CreateUploadInput,
  ListUploadsQuery,
  MetadataStore,
} from "../../../src/metadata/metadata-store.ts";
import type { PartRecord } from "../../../src/metadata/records.ts";
import {
  deleteKeys,
  OWNER,
  TAKEN,
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
  uploadsQuery,
  type GivenStore,
} from "./inputs.ts";

function completion(
  upload: CreateUploadInput,
  parts: readonly PartRecord[],
  change: Partial<CompleteUploadInput> = {},
): CompleteUploadInput {
  const { bucketId, key, uploadId } = upload;
  return {
    bucketId,
    key,
    uploadId,
    parts: parts.map(({ number, partId }) => ({ number, partId })),
    sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    etag: `whole-${parts.length}`,
    completedAt: 5_000,
    checksum: undefined,
    ...change,
  };
}

/** An upload with parts of 10, 20, 30, ... bytes, each in a set of its own number. */
async function givenParts(store: MetadataStore, upload: CreateUploadInput, numbers: number[]) {
  const { manifestId } = await store.createUpload(upload);
  const parts: PartRecord[] = [];
  for (const number of numbers) {
    const change = { content: inSet(number), sizeBytes: number * 10 };
    parts.push(await store.putPart(partInput(upload, number, change)));
  }
  return { manifestId, parts };
}

export function uploadTests(given: GivenStore): void {
  test("an upload in progress is found as it was begun, under its own key alone", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const otherId = await givenBucket(store, "other");
    const input = uploadInput(bucketId, "key", {
      checksumAlgorithm: "CRC32",
      checksumType: "COMPOSITE",
      attributes: { headers: { "content-type": "a/b" }, userMetadata: { x: "y" } },
      tags: [{ key: "k", value: "v" }],
    });
    const upload = await store.createUpload(input);
    const { bucketId: _bucketId, ...said } = input;
    expect(upload).toEqual({ ...said, manifestId: expect.any(Number), completed: undefined });
    expect(await store.findUpload(bucketId, "key", input.uploadId)).toEqual(upload);
    expect(await store.findUpload(bucketId, "other", input.uploadId)).toBeUndefined();
    expect(await store.findUpload(otherId, "key", input.uploadId)).toBeUndefined();
    expect(await store.findUpload(bucketId, "key", "nope" as UploadId)).toBeUndefined();
    expect(await store.findObject(bucketId, "key")).toBeUndefined();
    await expect(store.createUpload(input)).rejects.toThrow(TAKEN);
  });

  test("parts are kept by number, and listed in pages", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const checksums = [
      { algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAA" },
      { algorithm: "SHA1", type: "COMPOSITE", value: "BBBB" },
    ] as const;
    const tenth = await store.putPart(partInput(upload, 10_000, { content: inSet(1) }));
    const second = await store.putPart(partInput(upload, 2, { checksums }));
    const first = await store.putPart(partInput(upload, 1));

    expect(tenth.content).toEqual({ kind: "set", set: shardSet(1) });
    expect(second).toEqual({
      partId: expect.any(Number),
      number: 2,
      sizeBytes: 10,
      etag: "part-2",
      uploadedAt: 4_000,
      checksums,
      content: { kind: "inline", dataId: expect.any(Number) },
      startOffset: undefined,
    });
    expect(await store.listParts(manifestId, 0, 3)).toEqual({
      parts: [first, second, tenth],
      isTruncated: false,
    });
    expect(await store.listParts(manifestId, 0, 2)).toEqual({
      parts: [first, second],
      isTruncated: true,
    });
    expect(await store.listParts(manifestId, 2, 2)).toEqual({ parts: [tenth], isTruncated: false });
    expect(await store.listParts(404, 0, 2)).toEqual({ parts: [], isTruncated: false });
    expect(await store.findPart(manifestId, 2)).toEqual(second);
    expect(await store.findPart(manifestId, 3)).toBeUndefined();
    expect(await store.findPartAt(manifestId, 0)).toBeUndefined();
  });

  test("a part that comes again replaces the first, and what held it goes", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const first = await store.putPart(partInput(upload, 1, { content: inSet(1) }));
    const second = await store.putPart(partInput(upload, 1));
    const dataId = second.content.kind === "inline" ? second.content.dataId : 0;
    expect(second.partId).not.toBe(first.partId);
    expect(await trashedIds(store)).toEqual([setId(1)]);
    const third = await store.putPart(partInput(upload, 1, { content: inSet(3), etag: "again" }));
    expect(await store.readInline(dataId)).toBeUndefined();
    expect(await store.listParts(manifestId, 0, 9)).toEqual({ parts: [third], isTruncated: false });
    const complete = store.completeUpload(completion(upload, [first]));
    await expect(complete).rejects.toMatchObject({ code: "InvalidPart" });
  });

  test("completing makes the object out of the named parts and trashes the others", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key", {
      attributes: { headers: { "content-type": "a/b" }, userMetadata: {} },
      tags: [{ key: "k", value: "v" }],
      storageClass: "GLACIER_IR",
    });
    const { manifestId, parts } = await givenParts(store, upload, [1, 2, 3, 4, 7]);
    const named = parts.filter(({ number }) => number !== 2 && number !== 7);
    const checksum = { algorithm: "CRC32C", type: "COMPOSITE", value: "AAAA-3" } as const;
    const object = await store.completeUpload(completion(upload, named, { checksum }));

    expect(object).toEqual({
      key: "key",
      versionId: "null",
      sequence: expect.any(Number),
      sizeBytes: 80,
      etag: "whole-3",
      modifiedAt: 5_000,
      ownerId: OWNER,
      storageClass: "GLACIER_IR",
      checksum,
      attributes: upload.attributes,
      tags: upload.tags,
      acl: undefined,
      encryption: undefined,
      lock: { retention: undefined, legalHold: undefined },
      content: { kind: "manifest", manifestId, partCount: 3 },
    });
    expect(await store.findObject(bucketId, "key")).toEqual(object);
    expect(await trashedIds(store)).toEqual([setId(2), setId(7)]);
    const page = await store.listParts(manifestId, 0, 10);
    expect(page.parts.map(({ number, startOffset }) => [number, startOffset])).toEqual([
      [1, 0],
      [3, 10],
      [4, 40],
    ]);
    const found = await store.findUpload(bucketId, "key", upload.uploadId);
    expect(found?.completed).toEqual({
      etag: "whole-3",
      sequence: object.sequence,
      versionId: "null",
    });
    expect(await store.findPart(manifestId, 3)).toEqual(page.parts[1]);
    const partAt = async (offset: number) => (await store.findPartAt(manifestId, offset))?.number;
    expect(await Promise.all([-1, 0, 9, 10, 39, 40, 79, 80, 9e12].map(partAt))).toEqual([
      undefined,
      1,
      1,
      3,
      3,
      4,
      4,
      undefined,
      undefined,
    ]);
  });

  test("parts without bytes hide no other part", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const parts: PartRecord[] = [];
    for (const [index, sizeBytes] of [0, 5, 0, 0, 5, 0].entries()) {
      const change = { sizeBytes, content: inline("x".repeat(sizeBytes)) };
      parts.push(await store.putPart(partInput(upload, index + 1, change)));
    }
    await store.completeUpload(completion(upload, parts));
    const partAt = async (offset: number) => (await store.findPartAt(manifestId, offset))?.number;
    expect(await Promise.all([0, 4, 5, 9, 10].map(partAt))).toEqual([2, 2, 5, 5, undefined]);
  });

  test("a completed upload takes no part, is not completed again, not aborted, not listed", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { parts } = await givenParts(store, upload, [1]);
    await store.completeUpload(completion(upload, parts));
    const refusal = { code: "NoSuchUpload", status: 404 };
    await expect(store.putPart(partInput(upload, 2))).rejects.toMatchObject(refusal);
    await expect(store.completeUpload(completion(upload, parts))).rejects.toMatchObject(refusal);
    const abort = store.abortUpload(bucketId, "key", upload.uploadId);
    await expect(abort).rejects.toMatchObject(refusal);
    expect((await store.listUploads(uploadsQuery(bucketId))).entries).toEqual([]);
    expect(await store.findObject(bucketId, "key")).toBeDefined();
  });

  test("the record of a completion is kept with its parts, listed by nobody, and goes with them", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId, parts } = await givenParts(store, upload, [1, 2]);
    const record = { content: inPack(9, 64), sizeBytes: 7, etag: "record" };
    const object = await store.completeUpload(completion(upload, parts, { record }));
    expect(object).toMatchObject({ sizeBytes: 30, content: { partCount: 2 } });
    expect((await store.listParts(manifestId, 0, 9)).parts.map(({ number }) => number)).toEqual([
      1, 2,
    ]);
    const kept = await store.findPart(manifestId, 0);
    expect(kept).toMatchObject({ sizeBytes: 7, etag: "record", startOffset: undefined });
    const partAt = async (offset: number) => (await store.findPartAt(manifestId, offset))?.number;
    expect(await Promise.all([0, 9, 10, 29, 30].map(partAt))).toEqual([1, 1, 2, 2, undefined]);
    const part = { uploadId: upload.uploadId, number: 0 };
    const move = { bucketId, key: "key", part, from: { setId: setId(9), offset: 64 } };
    expect(await store.movePacked({ ...move, to: inPack(8, 128) })).toBe(true);
    expect(await store.sealPack(setId(9), 7)).toBe("trashed");
    expect(await store.sealPack(setId(8), 7)).toBe("kept");
    await deleteKeys(store, bucketId, ["key"]);
    expect((await trashedIds(store)).toSorted()).toEqual([1, 2, 8, 9].map(setId).toSorted());
  });

  test.each<[string, (store: MetadataStore, bucketId: number) => Promise<unknown>]>([
    ["replaced", (store, bucketId) => store.putObject(objectInput(bucketId, "key"))],
    ["deleted", (store, bucketId) => deleteKeys(store, bucketId, ["key"])],
  ])("when the object is %s its manifest goes with all its parts", async (_how, act) => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await store.createUpload(upload);
    const small = await store.putPart(partInput(upload, 1));
    const large = await store.putPart(partInput(upload, 2, { content: inSet(2) }));
    await store.completeUpload(completion(upload, [small, large]));
    expect(await trashedIds(store)).toEqual([]);

    await act(store, bucketId);

    expect(await trashedIds(store)).toEqual([setId(2)]);
    expect(await store.findUpload(bucketId, "key", upload.uploadId)).toBeUndefined();
    expect((await store.listParts(manifestId, 0, 9)).parts).toEqual([]);
    expect(await store.findPartAt(manifestId, 0)).toBeUndefined();
    const dataId = small.content.kind === "inline" ? small.content.dataId : 0;
    expect(await store.readInline(dataId)).toBeUndefined();
  });

  test("completing over a completed object trashes the old one", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const first = uploadInput(bucketId, "key", { id: "first" });
    const second = uploadInput(bucketId, "key", { id: "second" });
    const { parts: oldParts } = await givenParts(store, first, [1, 2]);
    const { manifestId, parts } = await givenParts(store, second, [3]);
    await store.completeUpload(completion(first, oldParts));
    await store.completeUpload(completion(second, parts));
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect((await store.findObject(bucketId, "key"))?.content).toMatchObject({ manifestId });
    expect(await store.findUpload(bucketId, "key", first.uploadId)).toBeUndefined();
  });

  test("a refused completion leaves the upload as it was", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId, parts } = await givenParts(store, upload, [1, 2]);
    const before = await store.listParts(manifestId, 0, 9);
    const [first, second] = parts;
    if (first === undefined || second === undefined) throw new Error("two parts were put");
    const refused = async (input: CompleteUploadInput, code: string) =>
      expect(store.completeUpload(input)).rejects.toMatchObject({ name: "S3Error", code });

    await refused(completion(upload, [first, { ...second, partId: 9_999 }]), "InvalidPart");
    await refused(completion(upload, [first, { ...second, number: 3 }]), "InvalidPart");
    await refused(completion(upload, [second, first]), "InvalidPartOrder");
    await refused(completion(upload, [first, first]), "InvalidPartOrder");
    await refused(completion(upload, [first], { condition: { ifMatch: "x" } }), "NoSuchKey");
    await refused(completion({ ...upload, key: "other" }, [first]), "NoSuchUpload");
    await refused(completion({ ...upload, uploadId: "x" as UploadId }, [first]), "NoSuchUpload");
    await store.putObject(objectInput(bucketId, "key"));
    const condition = { ifNoneMatch: "*" };
    await refused(completion(upload, [first], { condition }), "PreconditionFailed");

    expect(await store.listParts(manifestId, 0, 9)).toEqual(before);
    expect(await trashedIds(store)).toEqual([]);
    await store.completeUpload(completion(upload, parts, { condition: { ifMatch: "etag-1" } }));
  });

  test("aborting removes the upload and trashes its parts", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const upload = uploadInput(bucketId, "key");
    const { manifestId } = await givenParts(store, upload, [2, 1]);
    const misnamed = store.abortUpload(bucketId, "other", upload.uploadId);
    await expect(misnamed).rejects.toMatchObject({ code: "NoSuchUpload" });
    await store.abortUpload(bucketId, "key", upload.uploadId);
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect(await store.findUpload(bucketId, "key", upload.uploadId)).toBeUndefined();
    expect((await store.listParts(manifestId, 0, 9)).parts).toEqual([]);
    const again = store.abortUpload(bucketId, "key", upload.uploadId);
    await expect(again).rejects.toMatchObject({ code: "NoSuchUpload" });
    const part = store.putPart(partInput(upload, 1, { content: inSet(9) }));
    await expect(part).rejects.toMatchObject({ code: "NoSuchUpload" });
  });

  listingOfUploads(given);
}

async function listedUploads(store: MetadataStore, query: ListUploadsQuery): Promise<string[]> {
  const page = await store.listUploads(query);
  const shown = page.entries.map((entry) =>
    entry.kind === "prefix" ? `[${entry.prefix}]` : `${entry.upload.key}:${entry.upload.uploadId}`,
  );
  return page.isTruncated ? [...shown, "..."] : shown;
}

async function givenUploads(store: MetadataStore): Promise<number> {
  const bucketId = await givenBucket(store);
  const begun: [key: string, id: string, initiatedAt: number][] = [
    ["b", "late", 30],
    ["a", "x", 10],
    ["b", "early", 20],
    ["b", "also-late", 30],
    ["c/1", "p", 10],
    ["c/2", "q", 10],
    ["d", "z", 10],
  ];
  for (const [key, id, initiatedAt] of begun) {
    await store.createUpload(uploadInput(bucketId, key, { id, initiatedAt }));
  }
  return bucketId;
}

function listingOfUploads(given: GivenStore): void {
  test("uploads are listed by key, then by the time they began", async () => {
    const store = given();
    const bucketId = await givenUploads(store);
    const all = ["a:x", "b:early", "b:late", "b:also-late", "c/1:p", "c/2:q", "d:z"];
    expect(await listedUploads(store, uploadsQuery(bucketId))).toEqual(all);
    expect(await listedUploads(store, uploadsQuery(bucketId, { limit: 7 }))).toEqual(all);
    expect(await listedUploads(store, uploadsQuery(bucketId, { limit: 6 }))).toEqual([
      ...all.slice(0, 6),
      "...",
    ]);
    expect(await listedUploads(store, uploadsQuery(bucketId, { prefix: "c/" }))).toEqual([
      "c/1:p",
      "c/2:q",
    ]);
    expect(await listedUploads(store, uploadsQuery(bucketId, { delimiter: "/" }))).toEqual([
      ...all.slice(0, 4),
      "[c/]",
      "d:z",
    ]);
    expect(await listedUploads(store, uploadsQuery(404))).toEqual([]);
  });

  test("markers say where the next page of uploads begins", async () => {
    const store = given();
    const bucketId = await givenUploads(store);
    const after = (keyMarker: string, id?: string, change: Partial<ListUploadsQuery> = {}) => {
      const uploadIdMarker = id as UploadId | undefined;
      return listedUploads(store, uploadsQuery(bucketId, { keyMarker, uploadIdMarker, ...change }));
    };
    const rest = ["c/1:p", "c/2:q", "d:z"];
    expect(await after("b")).toEqual(rest);
    expect(await after("b", "early")).toEqual(["b:late", "b:also-late", ...rest]);
    expect(await after("b", "late")).toEqual(["b:also-late", ...rest]);
    expect(await after("b", "also-late")).toEqual(rest);
    expect(await after("b", "gone")).toEqual(["b:early", "b:late", "b:also-late", ...rest]);
    expect(await after("b", "early", { limit: 1 })).toEqual(["b:late", "..."]);
    expect(await after("b", "early", { prefix: "c" })).toEqual(["c/1:p", "c/2:q"]);
    expect(await after("c/", undefined, { delimiter: "/" })).toEqual(["d:z"]);
    expect(await after("c/", "p", { delimiter: "/" })).toEqual(["d:z"]);
    expect(await after("c/1", "p", { delimiter: "/" })).toEqual(["[c/]", "d:z"]);
    expect(await after("d", "z")).toEqual([]);
  });
}
