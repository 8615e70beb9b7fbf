// Buckets, their settings and their counters.

import { expect, test } from "vitest";
import type { ListBucketsQuery, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import {
  deleteKeys,
  OTHER_OWNER,
  OWNER,
  bucketInput,
  givenBucket,
  inSet,
  objectInput,
  partInput,
  setId,
  trashedIds,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

export function bucketTests(given: GivenStore): void {
  test("a new bucket is found by name", async () => {
    const store = given();
    const made = await store.createBucket(bucketInput("photos"));
    expect(made).toEqual({
      id: expect.any(Number),
      name: "photos",
      ownerId: OWNER,
      region: "us-east-1",
      createdAt: 1_000,
      lock: undefined,
      quotaBytes: undefined,
      versioning: "off",
      settingsVersion: 1,
      objectCount: 0,
      objectBytes: 0,
    });
    expect(await store.findBucket("photos")).toEqual(made);
    expect(await store.findBucket("photo")).toBeUndefined();
    expect(await store.findBucketById(made.id)).toEqual(made);
    expect(await store.findBucketById(made.id + 1)).toBeUndefined();
  });

  test("a new bucket has its documents from the beginning, and with it they go", async () => {
    const store = given();
    const documents = { ownership: "BucketOwnerEnforced", policy: "{}" };
    const made = await store.createBucket({ ...bucketInput("photos"), documents });
    expect(made.settingsVersion).toBe(1);
    expect(await store.findBucketConfig(made.id, "ownership")).toBe("BucketOwnerEnforced");
    expect(await store.findBucketConfig(made.id, "policy")).toBe("{}");
    expect(await store.findBucketConfig(made.id, "cors")).toBeUndefined();
    await store.deleteBucket(made.id);
    const again = await store.createBucket(bucketInput("photos"));
    expect(await store.findBucketConfig(again.id, "policy")).toBeUndefined();
  });

  test("a name is taken once", async () => {
    const store = given();
    await store.createBucket(bucketInput("photos"));
    await expect(store.createBucket(bucketInput("photos"))).rejects.toMatchObject({
      code: "BucketAlreadyOwnedByYou",
    });
    const foreign = store.createBucket(bucketInput("photos", { ownerId: OTHER_OWNER }));
    await expect(foreign).rejects.toMatchObject({ code: "BucketAlreadyExists", status: 409 });
  });

  test("buckets are listed by owner, prefix and name", async () => {
    const store = given();
    for (const name of ["b-2", "a-1", "b-1", "c-1", "b-3"]) {
      await store.createBucket(bucketInput(name));
    }
    await store.createBucket(bucketInput("b-foreign", { ownerId: OTHER_OWNER }));
    const query = { ownerId: OWNER, prefix: "", after: undefined, limit: 10 };
    const names = async (change: Partial<ListBucketsQuery>) =>
      (await store.listBuckets({ ...query, ...change })).map(({ name }) => name);

    expect(await names({})).toEqual(["a-1", "b-1", "b-2", "b-3", "c-1"]);
    expect(await names({ prefix: "b-" })).toEqual(["b-1", "b-2", "b-3"]);
    expect(await names({ prefix: "b-", after: "b-1", limit: 1 })).toEqual(["b-2"]);
    expect(await names({ after: "b-25" })).toEqual(["b-3", "c-1"]);
    expect(await names({ prefix: "b-", after: "a" })).toEqual(["b-1", "b-2", "b-3"]);
    expect(await names({ after: "d" })).toEqual([]);
    expect(await names({ ownerId: OTHER_OWNER })).toEqual(["b-foreign"]);
    expect(await names({ ownerId: undefined, prefix: "b-" })).toEqual([
      "b-1",
      "b-2",
      "b-3",
      "b-foreign",
    ]);
    expect(await names({ ownerId: undefined, after: "b-3", limit: 1 })).toEqual(["b-foreign"]);
  });

  test("counters follow every put, replacement and removal", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const counters = async () => {
      const bucket = await store.findBucket("bucket");
      return [bucket?.objectCount, bucket?.objectBytes];
    };
    await store.putObject(objectInput(bucketId, "a", { sizeBytes: 10 }));
    await store.putObject(objectInput(bucketId, "b", { sizeBytes: 20 }));
    expect(await counters()).toEqual([2, 30]);
    await store.putObject(objectInput(bucketId, "a", { sizeBytes: 3 }));
    expect(await counters()).toEqual([2, 23]);
    const refused = store.putObject(
      objectInput(bucketId, "a", { sizeBytes: 99, condition: { ifNoneMatch: "*" } }),
    );
    await expect(refused).rejects.toMatchObject({ code: "PreconditionFailed" });
    expect(await counters()).toEqual([2, 23]);
    await deleteKeys(store, bucketId, ["b", "absent", "b"]);
    expect(await counters()).toEqual([1, 3]);
    const upload = uploadInput(bucketId, "a");
    await store.createUpload(upload);
    const part = await store.putPart(partInput(upload, 1));
    expect(await counters()).toEqual([1, 3]);
    await store.completeUpload({
      ...upload,
      parts: [{ number: 1, partId: part.partId }],
      sizeBytes: 10,
      etag: "e-1",
      completedAt: 1,
      checksum: undefined,
    });
    expect(await counters()).toEqual([1, 10]);
  });

  test("only an empty bucket is deleted, and its uploads with it", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const otherId = await givenBucket(store, "other");
    await store.putObject(objectInput(bucketId, "key"));
    await expect(store.deleteBucket(bucketId)).rejects.toMatchObject({ code: "BucketNotEmpty" });
    await deleteKeys(store, bucketId, ["key"]);
    const upload = uploadInput(bucketId, "key");
    const foreign = uploadInput(otherId, "key", { id: "upload-2" });
    for (const [number, input] of [upload, foreign].entries()) {
      await store.createUpload(input);
      await store.putPart(partInput(input, 1, { content: inSet(number + 1) }));
    }

    await store.deleteBucket(bucketId);

    expect(await store.findBucket("bucket")).toBeUndefined();
    expect(await store.findUpload(bucketId, "key", upload.uploadId)).toBeUndefined();
    expect(await store.findUpload(otherId, "key", foreign.uploadId)).toBeDefined();
    expect(await trashedIds(store)).toEqual([setId(1)]);
    await expect(store.deleteBucket(bucketId)).rejects.toMatchObject({ code: "NoSuchBucket" });
  });

  test("a name that is free again gives another bucket without the settings of the old one", async () => {
    const store = given();
    const oldId = await givenBucket(store);
    await store.putBucketConfig(oldId, "tagging", "<old/>");
    await store.deleteBucket(oldId);
    const newId = await givenBucket(store);
    expect(newId).not.toBe(oldId);
    expect(await store.findBucketConfig(oldId, "tagging")).toBeUndefined();
    expect(await store.findBucketConfig(newId, "tagging")).toBeUndefined();
  });

  test("each change of the settings raises their version", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putBucketConfig(bucketId, "tagging", "<one/>");
    expect(await store.findBucketConfig(bucketId, "tagging")).toBe("<one/>");
    expect(await store.findBucketConfig(bucketId, "policy")).toBeUndefined();
    await store.putBucketConfig(bucketId, "tagging", "<two/>");
    expect(await store.findBucketConfig(bucketId, "tagging")).toBe("<two/>");
    await store.putBucketConfig(bucketId, "tagging", undefined);
    expect(await store.findBucketConfig(bucketId, "tagging")).toBeUndefined();
    expect((await store.findBucket("bucket"))?.settingsVersion).toBe(4);
  });

  test.each<[string, (store: MetadataStore) => Promise<unknown>]>([
    ["putObject", (store) => store.putObject(objectInput(404, "key"))],
    [
      "putObject with a condition",
      (store) => store.putObject(objectInput(404, "key", { condition: { ifMatch: "x" } })),
    ],
    ["deleteObjects", (store) => deleteKeys(store, 404, ["key"])],
    [
      "putObjectTags",
      (store) => store.putObjectTags({ bucketId: 404, key: "key", versionId: undefined }, []),
    ],
    ["putBucketConfig", (store) => store.putBucketConfig(404, "tagging", "x")],
    ["createUpload", (store) => store.createUpload(uploadInput(404, "key"))],
    ["deleteBucket", (store) => store.deleteBucket(404)],
  ])("%s in a bucket that is not there is refused", async (_name, act) => {
    await expect(act(given())).rejects.toMatchObject({ name: "S3Error", code: "NoSuchBucket" });
  });
}
