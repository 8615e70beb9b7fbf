// Objects: put, find, delete, tags, conditions, inline bytes.

import { expect, test } from "vitest";
import type { WriteCondition } from "../../../src/metadata/metadata-store.ts";
import {
  deleteKeys,
  givenBucket,
  inSet,
  inline,
  listed,
  objectInput,
  objectsQuery,
  shardSet,
  type GivenStore,
} from "./inputs.ts";

const FULL_INPUT = {
  sizeBytes: 5_000_000_000_000,
  etag: "0123456789abcdef",
  modifiedAt: 1_800_000_000_123,
  storageClass: "REDUCED_REDUNDANCY",
  checksum: { algorithm: "CRC64NVME", type: "FULL_OBJECT", value: "AAAAAAAAAAA=" },
  attributes: {
    headers: { "content-type": "text/plain; charset=\u00fctf-8", expires: "0" },
    userMetadata: { café: "\u00e9\u00ff", 'quote"': "\\" },
  },
  tags: [
    { key: "b", value: "2" },
    { key: "a", value: "" },
  ],
} as const;

export function objectTests(given: GivenStore): void {
  test("an object is found as it was put", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const input = objectInput(bucketId, "key", { ...FULL_INPUT, content: inSet(1) });
    const put = await store.putObject(input);
    const { bucketId: _bucketId, content: _content, ...said } = input;
    expect(put).toEqual({
      ...said,
      lock: { retention: undefined, legalHold: undefined },
      versionId: "null",
      sequence: expect.any(Number),
      content: { kind: "set", set: shardSet(1) },
    });
    expect(await store.findObject(bucketId, "key")).toEqual(put);
  });

  test("names that objects have by birth are only names", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const userMetadata = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<
      string,
      string
    >;
    const attributes = { headers: {}, userMetadata };
    await store.putObject(objectInput(bucketId, "__proto__", { attributes }));
    const found = await store.findObject(bucketId, "__proto__");
    expect(Object.entries(found?.attributes.userMetadata ?? {})).toEqual([
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
    expect(await store.findObject(bucketId, "constructor")).toBeUndefined();
  });

  test("keys are told apart byte for byte, bucket by bucket", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const otherId = await givenBucket(store, "other");
    const keys = [
      "a",
      "A",
      "a/",
      "a//b",
      "a/b",
      "../x",
      "%2F",
      "a b",
      "a\u0000",
      "a\u0000b",
      "é",
      "e\u0301",
      "😀",
    ];
    for (const key of keys) {
      await store.putObject(objectInput(bucketId, key, { content: inline(key) }));
    }
    for (const key of keys) {
      const object = await store.findObject(bucketId, key);
      expect(object?.key).toBe(key);
      const dataId = object?.content.kind === "inline" ? object.content.dataId : 0;
      expect(Buffer.from((await store.readInline(dataId)) ?? []).toString()).toBe(key);
      expect(await store.findObject(otherId, key)).toBeUndefined();
    }
  });

  test("sequences grow with every version, and a refused write takes none back", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const first = await store.putObject(objectInput(bucketId, "a"));
    const condition = { ifNoneMatch: "*" };
    const refused = store.putObject(objectInput(bucketId, "a", { condition }));
    await expect(refused).rejects.toMatchObject({ code: "PreconditionFailed" });
    const second = await store.putObject(objectInput(bucketId, "b"));
    const third = await store.putObject(objectInput(bucketId, "a"));
    expect(second.sequence).toBeGreaterThan(first.sequence);
    expect(third.sequence).toBeGreaterThan(second.sequence);
  });

  test("inline bytes are kept exactly, go with their row, and their number is not used again", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const bytes = Uint8Array.from({ length: 16_384 }, (_, index) => index % 251);
    const pooled = Buffer.concat([Buffer.alloc(100), bytes]).subarray(100);
    const content = { kind: "inline", bytes: pooled } as const;
    const first = await store.putObject(objectInput(bucketId, "key", { content }));
    const empty = await store.putObject(objectInput(bucketId, "empty", { content: inline("") }));
    const dataIdOf = (object: typeof first) =>
      object.content.kind === "inline" ? object.content.dataId : 0;
    const read = await store.readInline(dataIdOf(first));
    expect(Buffer.compare(read ?? Buffer.of(), bytes)).toBe(0);
    expect(await store.readInline(dataIdOf(empty))).toHaveLength(0);

    const second = await store.putObject(objectInput(bucketId, "key"));
    expect(await store.readInline(dataIdOf(first))).toBeUndefined();
    expect(await store.readInline(dataIdOf(second))).toHaveLength(5);
    await deleteKeys(store, bucketId, ["key"]);
    expect(await store.readInline(dataIdOf(second))).toBeUndefined();
  });

  test("an object is found with its inline bytes, and without any where they lie elsewhere", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    expect(await store.findObjectWithBytes(bucketId, "key")).toBeUndefined();
    await store.putObject(objectInput(bucketId, "key", { content: inline("first") }));
    await store.putObject(objectInput(bucketId, "key", { content: inline("second") }));
    const found = await store.findObjectWithBytes(bucketId, "key");
    expect(found?.object).toEqual(await store.findObject(bucketId, "key"));
    expect(Buffer.from(found?.bytes ?? []).toString()).toBe("second");
    await store.putObject(objectInput(bucketId, "empty", { content: inline("") }));
    expect((await store.findObjectWithBytes(bucketId, "empty"))?.bytes).toHaveLength(0);
    await store.putObject(objectInput(bucketId, "set", { content: inSet(1) }));
    const elsewhere = await store.findObjectWithBytes(bucketId, "set");
    expect(elsewhere?.object).toEqual(await store.findObject(bucketId, "set"));
    expect(elsewhere?.bytes).toBeUndefined();
  });

  test("the caller may use its buffer again while a write is under way", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const bytes = Buffer.from("as it was");
    const put = store.putObject(
      objectInput(bucketId, "key", { content: { kind: "inline", bytes } }),
    );
    bytes.fill("x");
    const { content } = await put;
    const read = await store.readInline(content.kind === "inline" ? content.dataId : 0);
    expect(Buffer.from(read ?? []).toString()).toBe("as it was");
  });

  test("deleting answers for each key what stood there, in the order asked", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const key of ["a", "b", "c"]) await store.putObject(objectInput(bucketId, key));
    const answer = await deleteKeys(store, bucketId, ["c", "nothing", "a", "a"]);
    const wasThere = answer.map((outcome) => outcome.kind === "deleted" && outcome.wasThere);
    expect(wasThere).toEqual([true, false, true, false]);
    expect(await listed(store, objectsQuery(bucketId))).toEqual(["b"]);
    expect(await deleteKeys(store, bucketId, [])).toEqual([]);
  });

  test("tags are replaced, and nothing else with them", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const put = await store.putObject(objectInput(bucketId, "key", FULL_INPUT));
    const tags = [{ key: "k", value: "v" }];
    await store.putObjectTags({ bucketId, key: "key", versionId: undefined }, tags);
    expect(await store.findObject(bucketId, "key")).toEqual({ ...put, tags });
    await store.putObjectTags({ bucketId, key: "key", versionId: undefined }, []);
    expect(await store.findObject(bucketId, "key")).toEqual({ ...put, tags: [] });
    await expect(
      store.putObjectTags({ bucketId, key: "absent", versionId: undefined }, tags),
    ).rejects.toMatchObject({
      code: "NoSuchKey",
    });
  });

  test.each<[string, WriteCondition, string | undefined, string]>([
    ["If-Match and no object", { ifMatch: "one" }, undefined, "NoSuchKey"],
    ["If-Match: * and no object", { ifMatch: "*" }, undefined, "NoSuchKey"],
    ["If-Match and another ETag", { ifMatch: "two" }, "one", "PreconditionFailed"],
    ["If-Match and that ETag", { ifMatch: "one" }, "one", "done"],
    ["If-Match: * and an object", { ifMatch: "*" }, "one", "done"],
    ["If-None-Match: * and no object", { ifNoneMatch: "*" }, undefined, "done"],
    ["If-None-Match: * and an object", { ifNoneMatch: "*" }, "one", "PreconditionFailed"],
    ["If-None-Match and that ETag", { ifNoneMatch: "one" }, "one", "PreconditionFailed"],
    ["If-None-Match and another ETag", { ifNoneMatch: "two" }, "one", "done"],
    ["both, and one fails", { ifMatch: "one", ifNoneMatch: "one" }, "one", "PreconditionFailed"],
    ["neither", {}, "one", "done"],
  ])("a write with %s", async (_given, condition, standing, outcome) => {
    const store = given();
    const bucketId = await givenBucket(store);
    if (standing !== undefined) {
      await store.putObject(objectInput(bucketId, "key", { etag: standing }));
    }
    const put = store.putObject(objectInput(bucketId, "key", { etag: "new", condition }));
    const answer = await put.then(
      () => "done",
      (error: { code: string }) => error.code,
    );
    expect(answer).toBe(outcome);
    const found = await store.findObject(bucketId, "key");
    expect(found?.etag).toBe(outcome === "done" ? "new" : standing);
  });

  test("of writers that all want to be first exactly one is", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    const condition = { ifNoneMatch: "*" };
    const writers = Array.from({ length: 20 }, (_, index) =>
      store.putObject(objectInput(bucketId, "key", { etag: `e${index}`, condition })),
    );
    const outcomes = await Promise.allSettled(writers);
    const winners = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(winners).toHaveLength(1);
    expect(await store.findObject(bucketId, "key")).toEqual(winners[0]?.value);
  });
}
