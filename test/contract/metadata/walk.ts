// Looking at everything: the walk, the totals, which sets are named and which have lost shards.

import { expect, test } from "vitest";
import type {
  MetadataStore,
  WalkEntry,
  WalkPosition,
  WalkQuery,
} from "../../../src/metadata/metadata-store.ts";
import {
  deleteKeys,
  givenBucket,
  inPack,
  inSet,
  objectInput,
  partInput,
  setId,
  shardSet,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

const ALL: WalkQuery = { bucketId: undefined, prefix: "", after: undefined, limit: 1_000 };

/** An entry as short text. */
function shown({ kind, position, etag }: WalkEntry): string {
  return `${kind} ${position.key} ${etag}`;
}

/** Pages of a size, one after another. */
async function walked(store: MetadataStore, query: Partial<WalkQuery>): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = [];
  let after: WalkPosition | undefined;
  for (;;) {
    const page = await store.walk({ ...ALL, ...query, after });
    if (page.length === 0) return entries;
    entries.push(...page);
    after = page.at(-1)?.position;
  }
}

/** Two buckets with objects, a completed upload, one in progress, and an empty one, some under one key. */
async function givenWorld(store: MetadataStore) {
  const first = await givenBucket(store, "first");
  const second = await givenBucket(store, "second");
  await givenBucket(store, "empty");
  await store.putObject(objectInput(second, "z", { etag: "z" }));
  for (const key of ["b", "a", "c/d", "\u{1f600}", "\uffff"]) {
    await store.putObject(objectInput(first, key, { etag: `of ${key}`, content: inline() }));
  }
  const completed = uploadInput(first, "b", { id: "completed" });
  await store.createUpload(completed);
  const parts = [];
  for (const number of [2, 1]) {
    const input = partInput(completed, number, { content: inPack(number, 0) });
    const { partId } = await store.putPart(input);
    parts.unshift({ number, partId });
  }
  const begun = uploadInput(first, "b", { id: "begun" });
  await store.createUpload(begun);
  await store.createUpload(uploadInput(first, "b", { id: "without parts" }));
  await store.putPart(partInput(begun, 7, { etag: "seventh" }));
  const { bucketId, key, uploadId } = completed;
  const rest = { sizeBytes: 20, etag: "whole", completedAt: 1, checksum: undefined };
  await store.completeUpload({ bucketId, key, uploadId, parts, ...rest });
  await store.putPart(partInput(begun, 8, { etag: "eighth", content: inSet(8) }));
  const alone = uploadInput(first, "only uploaded", { id: "alone" });
  await store.createUpload(alone);
  await store.putPart(partInput(alone, 1));
  return { first, second };
}

function inline() {
  return { kind: "inline", bytes: Buffer.from("hello") } as const;
}

const FIRST_BUCKET = [
  "object a of a",
  "part b part-1",
  "part b part-2",
  "part b seventh",
  "part b eighth",
  "object b whole",
  "object c/d of c/d",
  "part only uploaded part-1",
  "object \uffff of \uffff",
  "object \u{1f600} of \u{1f600}",
];

export function walkTests(given: GivenStore): void {
  test.each([1, 2, 3, 7, 1_000])(
    "the walk visits everything once, in order, in pages of %i",
    async (limit) => {
      const store = given();
      const { first, second } = await givenWorld(store);
      const entries = await walked(store, { limit });
      expect(entries.map(shown)).toEqual([...FIRST_BUCKET, "object z z"]);
      expect(entries.map(({ position }) => position.bucketId)).toEqual([
        ...FIRST_BUCKET.map(() => first),
        second,
      ]);
      expect(entries.some(({ isDamaged }) => isDamaged)).toBe(false);
    },
  );

  test("the walk shows where bytes are", async () => {
    const store = given();
    await givenWorld(store);
    const entries = await walked(store, {});
    const contentOf = (text: string) => entries.find((entry) => shown(entry) === text)?.content;
    expect(contentOf("object b whole")).toBeUndefined();
    expect(contentOf("part b eighth")).toEqual({ kind: "set", set: shardSet(8) });
    const set = shardSet(2, { sizeBytes: 0 });
    expect(contentOf("part b part-2")).toEqual({ kind: "packed", set, offset: 0 });
    expect(contentOf("object a of a")).toMatchObject({ kind: "inline" });
  });

  test("the walk tells how bytes are sealed, beside the bytes and nowhere else", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.setVersioning(bucketId, "enabled");
    for (const [number, encryption] of ["of the first", "of the second", undefined].entries()) {
      const content = inPack(number, 0);
      await store.putObject(
        objectInput(bucketId, "a", { encryption, content, etag: `a${number}` }),
      );
    }
    const upload = { ...uploadInput(bucketId, "b"), encryption: "of the upload" };
    const { uploadId } = await store.createUpload(upload);
    const { partId } = await store.putPart(partInput(upload, 1, { encryption: "of the part" }));
    const parts = [{ number: 1, partId }];
    const rest = { sizeBytes: 5, etag: "b", completedAt: 1, checksum: undefined };
    await store.completeUpload({ bucketId, key: "b", uploadId, parts, ...rest });
    await deleteKeys(store, bucketId, ["c"]);
    const entries = await walked(store, {});
    expect(entries.map(({ kind, encryption }) => [kind, encryption])).toEqual([
      ["object", "of the first"],
      ["object", "of the second"],
      ["object", undefined],
      ["part", "of the part"],
      ["object", undefined],
      ["delete-marker", undefined],
    ]);
  });

  test("the walk keeps to a bucket and a prefix", async () => {
    const store = given();
    const { first, second } = await givenWorld(store);
    const ofBucket = await walked(store, { bucketId: second, limit: 1 });
    expect(ofBucket.map(shown)).toEqual(["object z z"]);
    const ofPrefix = await walked(store, { bucketId: first, prefix: "b", limit: 2 });
    expect(ofPrefix.map(shown)).toEqual(FIRST_BUCKET.slice(1, 6));
    expect(await walked(store, { prefix: "nothing" })).toEqual([]);
    expect(await walked(store, { bucketId: 404 })).toEqual([]);
    const behind = { bucketId: first, key: "\u{1f600}", detail: [1_000] };
    expect(await store.walk({ ...ALL, bucketId: first, after: behind })).toEqual([]);
    const before = { bucketId: 0, key: "zzz", detail: [9] };
    expect(await store.walk({ ...ALL, bucketId: second, after: before })).toHaveLength(1);
  });

  test("the walk goes on behind a position that is gone", async () => {
    const store = given();
    const { first } = await givenWorld(store);
    const entries = await walked(store, { bucketId: first });
    const after = entries[2]?.position;
    await deleteKeys(store, first, ["b", "c/d"]);
    const rest = await store.walk({ ...ALL, bucketId: first, after });
    expect(rest.map(shown)).toEqual([
      "part b seventh",
      "part b eighth",
      "part only uploaded part-1",
      ...FIRST_BUCKET.slice(8),
    ]);
  });

  test("totals count what there is", async () => {
    const store = given();
    const none = { buckets: 0, objects: 0, objectBytes: 0, openUploads: 0 };
    const noSets = { sets: 0, packs: 0, degradedSets: 0, trashedSets: 0 };
    expect(await store.totals()).toEqual({ ...none, ...noSets });
    const { first } = await givenWorld(store);
    await store.putObject(objectInput(first, "set", { content: inSet(9, { missing: [1] }) }));
    await store.putObject(objectInput(first, "gone", { content: inSet(10) }));
    await deleteKeys(store, first, ["gone"]);
    const counts = { buckets: 3, objects: 7, objectBytes: 6 * 5 + 20, openUploads: 3 };
    const setCounts = { sets: 4, packs: 2, degradedSets: 1, trashedSets: 1 };
    expect(await store.totals()).toEqual({ ...counts, ...setCounts });
  });

  test("a set is named by what refers to it, and by the trash", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
    await store.putObject(objectInput(bucketId, "b", { content: inSet(2) }));
    await store.putObject(objectInput(bucketId, "c", { content: inPack(3, 0) }));
    await deleteKeys(store, bucketId, ["b"]);
    const asked = [4, 3, 2, 1].map(setId);
    expect(await store.findNamedSets(asked)).toEqual(new Set([1, 2, 3].map(setId)));
    await store.dropTrash([setId(2)]);
    expect(await store.findNamedSets(asked)).toEqual(new Set([1, 3].map(setId)));
    expect(await store.findNamedSets([])).toEqual(new Set());
  });

  test("degraded sets are listed by id, in pages", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    for (const number of [3, 1, 2]) {
      const content = inSet(number, { missing: number === 2 ? [] : [number] });
      await store.putObject(objectInput(bucketId, `key-${number}`, { content }));
    }
    const one = shardSet(1, { missing: [1] });
    const three = shardSet(3, { missing: [3] });
    expect(await store.listDegradedSets(undefined, 9)).toEqual([one, three]);
    expect(await store.listDegradedSets(undefined, 1)).toEqual([one]);
    expect(await store.listDegradedSets(setId(1), 9)).toEqual([three]);
    // Beside all sets, whole ones among them.
    expect(await store.listSets(undefined, 2)).toEqual([one, shardSet(2)]);
    expect(await store.listSets(setId(2), 9)).toEqual([three]);
    await store.noteMissing(setId(2), [5]);
    expect(await store.listDegradedSets(setId(1), 1)).toEqual([shardSet(2, { missing: [5] })]);
  });
}
