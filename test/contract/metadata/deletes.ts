// Deletes of keys and of versions: delete markers, conditions, and what each answers.

import { expect, test } from "vitest";
import type {
  DeleteCondition,
  DeleteOutcome,
  DeleteRequest,
  MetadataStore,
  NewContent,
} from "../../../src/metadata/metadata-store.ts";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import {
  MARKER,
  OWNER,
  deleteKeys,
  deleteRequest,
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
  setId,
  trashedIds,
  versionsQuery,
  type GivenStore,
} from "./inputs.ts";

async function deleteOne(
  store: MetadataStore,
  bucketId: number,
  change: Partial<DeleteRequest> = {},
): Promise<DeleteOutcome | undefined> {
  const [outcome] = await store.deleteObjects(bucketId, [deleteRequest("key", change)], MARKER);
  return outcome;
}

function versionIdOf(outcome: DeleteOutcome | undefined): string {
  return outcome?.kind === "deleted" ? (outcome.versionId ?? "") : "";
}

/** The numbers of packs, even and odd as those of sets. */
const PACKS_FROM = 1_000_000;

/** The outcome in a word: what was done, or the code of the refusal. */
function wordOf(outcome: DeleteOutcome | undefined): string | undefined {
  return outcome?.kind === "refused" ? outcome.refusal.code : outcome?.kind;
}

type Kind = "inline" | "packed" | "set";

const NAMES = [
  "a",
  "a/b",
  "é",
  "😀",
  "\u{fffd}",
  'quo"te',
  "back\\slash",
  "tab\t",
  "nul\0",
  "nul",
  "~",
];

function pick<Value>(random: SeededRandom, values: readonly [Value, ...Value[]]): Value {
  return values[random.below(values.length)] ?? values[0];
}

/** Each of them once. */
function someKeys(random: SeededRandom): readonly string[] {
  return NAMES.filter(() => random.below(4) > 0);
}

/** Most have nothing special. */
function someObject(random: SeededRandom) {
  const kind = pick<Kind>(random, ["inline", "inline", "packed", "set"]);
  const tags = random.below(4) === 0 ? [{ key: "k", value: "v" }] : [];
  const attributes = { headers: {}, userMetadata: random.below(2) === 0 ? { a: "b" } : {} };
  return { kind, change: { tags, attributes, sizeBytes: 1 + random.below(9) } };
}

function contentOf(kind: Kind, number: number, pack: number): NewContent {
  if (kind === "inline") return inline("bytes");
  return kind === "set" ? inSet(number) : inPack(PACKS_FROM + pack, 64 * number);
}

/** Of keys that are there, some twice or with a version or a condition, and of some that are not. */
function someRequests(random: SeededRandom, keys: readonly string[]): readonly DeleteRequest[] {
  const named = [...keys, "absent", "absent too"].filter(() => random.below(5) > 0);
  const again = named.filter(() => random.below(6) === 0);
  return [...named, ...again].map((key) => {
    const kind = random.below(8);
    if (kind === 0) return deleteRequest(key, { versionId: "null" });
    if (kind === 1) return deleteRequest(key, { versionId: "A".repeat(32) });
    if (kind === 2) return deleteRequest(key, { condition: { ifSizeBytes: 5 } });
    return deleteRequest(key);
  });
}

function byNumber(left: number, right: number): number {
  return left - right;
}

export function deleteTests(given: GivenStore): void {
  test("with versioning a delete hides the object behind a marker", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const object = await store.putObject(objectInput(bucketId, "key", { content: inSet(1) }));
    const outcome = await deleteOne(store, bucketId);
    const done = { kind: "deleted", wasThere: true, isDeleteMarker: true } as const;
    expect(outcome).toEqual({ ...done, versionId: expect.stringMatching(/^[\w-]{32}$/) });
    expect(await store.findObject(bucketId, "key")).toBeUndefined();
    expect(await listed(store, objectsQuery(bucketId))).toEqual([]);
    expect(await trashedIds(store)).toEqual([]);
    const versionId = versionIdOf(outcome);
    const marker = {
      key: "key",
      versionId,
      sequence: object.sequence + 1,
      modifiedAt: MARKER.now,
      ownerId: OWNER,
    };
    const latest = { bucketId, key: "key", versionId: undefined };
    const found = { kind: "delete-marker", marker, isLatest: true };
    expect(await store.findVersion(latest)).toEqual(found);
    expect(await store.findVersion({ ...latest, versionId })).toEqual(found);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 0, objectBytes: 5 });
    await expect(store.deleteBucket(bucketId)).rejects.toMatchObject({ code: "BucketNotEmpty" });

    // Removed, the marker gives the object back.
    expect(await deleteVersion(store, bucketId, { key: "key", versionId })).toEqual({
      ...done,
      versionId,
    });
    expect(await store.findObject(bucketId, "key")).toEqual(object);
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectCount: 1, objectBytes: 5 });
  });

  test("every delete makes a marker, also of what is deleted or never was", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const [first, second] = await deleteKeys(store, bucketId, ["key", "key"]);
    expect(first).toMatchObject({ wasThere: false, isDeleteMarker: true });
    expect(versionIdOf(second)).not.toBe(versionIdOf(first));
    const query = versionsQuery(bucketId);
    expect(await listedVersions(store, query)).toEqual(["key* -", "key -"]);
    await deleteVersion(store, bucketId, { key: "key", versionId: versionIdOf(second) });
    expect(await listedVersions(store, query)).toEqual(["key* -"]);
    await deleteVersion(store, bucketId, { key: "key", versionId: versionIdOf(first) });
    await store.deleteBucket(bucketId);
  });

  test("while versioning is suspended the marker is the version null, and takes its place", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    await store.putObject(objectInput(bucketId, "key", { etag: "kept", content: inSet(1) }));
    await store.setVersioning(bucketId, "suspended");
    await store.putObject(objectInput(bucketId, "key", { etag: "null", content: inSet(2) }));
    const marked = { kind: "deleted", versionId: "null", isDeleteMarker: true };
    expect(await deleteOne(store, bucketId)).toEqual({ ...marked, wasThere: true });
    expect(await deleteOne(store, bucketId)).toEqual({ ...marked, wasThere: false });
    expect(await trashedIds(store)).toEqual([setId(2)]);
    const query = versionsQuery(bucketId);
    expect(await listedVersions(store, query)).toEqual(["key* -", "key kept"]);
    await store.putObject(objectInput(bucketId, "key", { etag: "null again" }));
    expect(await listedVersions(store, query)).toEqual(["key* null again", "key kept"]);
    await deleteOne(store, bucketId);
    const [byId] = [await deleteOne(store, bucketId, { versionId: "null" })];
    expect(byId).toEqual({ ...marked, wasThere: true });
    expect(await listedVersions(store, query)).toEqual(["key* kept"]);
  });

  test("where versioning never was, a version id names the object or nothing", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.putObject(objectInput(bucketId, "key"));
    const nothing = { kind: "deleted", wasThere: false, isDeleteMarker: false };
    const unknown = "A".repeat(32);
    expect(await deleteOne(store, bucketId, { versionId: unknown })).toEqual({
      ...nothing,
      versionId: undefined,
    });
    expect(await store.findObject(bucketId, "key")).toBeDefined();
    const object = await store.findVersion({ bucketId, key: "key", versionId: "null" });
    expect(object).toMatchObject({ kind: "object", isLatest: true });
    expect(await deleteOne(store, bucketId, { versionId: "null" })).toMatchObject({
      wasThere: true,
    });
    expect(await store.findObject(bucketId, "key")).toBeUndefined();
  });

  test("one call deletes in the order asked", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const one = await store.putObject(objectInput(bucketId, "key", { etag: "one" }));
    const two = await store.putObject(objectInput(bucketId, "key", { etag: "two" }));
    const requests = [
      deleteRequest("key", { versionId: two.versionId }),
      deleteRequest("key", { condition: { ifMatch: "two" } }),
      deleteRequest("key", { condition: { ifMatch: "one" } }),
      deleteRequest("key", { versionId: one.versionId }),
      deleteRequest("key", { versionId: one.versionId }),
    ];
    const outcomes = await store.deleteObjects(bucketId, requests, MARKER);
    expect(outcomes).toMatchObject([
      { kind: "deleted", wasThere: true, isDeleteMarker: false },
      { kind: "refused", refusal: { code: "PreconditionFailed" } },
      { kind: "deleted", wasThere: true, isDeleteMarker: true },
      { kind: "deleted", wasThere: true, isDeleteMarker: false },
      { kind: "deleted", wasThere: false, isDeleteMarker: false },
    ]);
    expect(await listedVersions(store, versionsQuery(bucketId))).toEqual(["key* -"]);
  });

  test.each<[string, DeleteCondition, string, string]>([
    ["that ETag", { ifMatch: "etag-1" }, "deleted", "NoSuchKey"],
    ["any ETag", { ifMatch: "*" }, "deleted", "NoSuchKey"],
    ["another ETag", { ifMatch: "other" }, "PreconditionFailed", "NoSuchKey"],
    ["that size", { ifSizeBytes: 5 }, "deleted", "deleted"],
    ["another size", { ifSizeBytes: 6 }, "PreconditionFailed", "deleted"],
    ["that second", { ifModifiedAt: 2_999 }, "deleted", "deleted"],
    ["another second", { ifModifiedAt: 3_000 }, "PreconditionFailed", "deleted"],
    ["all of them", { ifMatch: "etag-1", ifSizeBytes: 6 }, "PreconditionFailed", "NoSuchKey"],
    ["another sequence", { ifSequence: 1_000_000 }, "changed", "changed"],
  ])("a delete on condition of %s", async (_given, condition, there, absent) => {
    const store = given();
    for (const versioning of ["off", "enabled"] as const) {
      const bucketId = await givenBucket(store, versioning);
      if (versioning !== "off") await store.setVersioning(bucketId, versioning);
      expect(wordOf(await deleteOne(store, bucketId, { condition }))).toBe(absent);
      const fresh = { key: "fresh", condition };
      await store.putObject(objectInput(bucketId, "fresh"));
      expect(wordOf(await deleteOne(store, bucketId, fresh))).toBe(there);
      const isThere = (await store.findObject(bucketId, "fresh")) !== undefined;
      expect(isThere).toBe(there !== "deleted");
      const { versionId } = await store.putObject(objectInput(bucketId, "fresh"));
      expect(wordOf(await deleteOne(store, bucketId, { ...fresh, versionId }))).toBe(there);
    }
  });

  test("many keys in one call are deleted as each by itself", async () => {
    const store = given();
    const seed = Number(process.env["KINTSUGI_SEED"] ?? Date.now() % 1_000_000);
    console.log(`deletes: KINTSUGI_SEED=${seed}`);
    const random = seededRandom(seed);
    for (let round = 0; round < 20; round += 1) {
      const together = await givenBucket(store, `together-${round}`);
      const apart = await givenBucket(store, `apart-${round}`);
      const keys = someKeys(random);
      for (const [nth, key] of keys.entries()) {
        const { change, kind } = someObject(random);
        for (const [which, bucketId] of [together, apart].entries()) {
          const number = 1 + which + 2 * (nth + 100 * round);
          const content = contentOf(kind, number, 1 + which + 2 * (100 * round));
          await store.putObject(objectInput(bucketId, key, { ...change, content }));
        }
      }
      const requests = someRequests(random, keys);
      const outcomes = await store.deleteObjects(together, requests, MARKER);
      const expected: DeleteOutcome[] = [];
      for (const request of requests) {
        expected.push(...(await store.deleteObjects(apart, [request], MARKER)));
      }
      expect(outcomes).toEqual(expected);
      const left = async (bucketId: number) => {
        const { objectCount, objectBytes } = (await store.findBucketById(bucketId)) ?? {};
        return [objectCount, objectBytes, await listed(store, objectsQuery(bucketId))];
      };
      expect(await left(together)).toEqual(await left(apart));
    }
    // Sets with odd numbers were of the one, those with even numbers of the other.
    const trashed = (await trashedIds(store)).map((id) => Number.parseInt(id.slice(16), 16));
    const odd = trashed.filter((number) => number % 2 === 1).map((number) => number + 1);
    expect(odd.length).toBeGreaterThan(0);
    expect(odd.toSorted(byNumber)).toEqual(
      trashed.filter((number) => number % 2 === 0).toSorted(byNumber),
    );
  });

  test("background work deletes the very version that it looked at, and no other", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const one = await store.putObject(objectInput(bucketId, "key"));
    const two = await store.putObject(objectInput(bucketId, "key"));
    const seen = (object: typeof one) => ({ condition: { ifSequence: object.sequence } });
    expect(wordOf(await deleteOne(store, bucketId, seen(one)))).toBe("changed");
    expect(wordOf(await deleteOne(store, bucketId, seen(two)))).toBe("deleted");
    expect(wordOf(await deleteOne(store, bucketId, seen(two)))).toBe("changed");
    const older = { ...seen(one), versionId: one.versionId };
    expect(wordOf(await deleteOne(store, bucketId, older))).toBe("deleted");
    expect(wordOf(await deleteOne(store, bucketId, older))).toBe("changed");
  });

  test("conditions on size and time look at a delete marker as it is", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    await deleteOne(store, bucketId);
    for (const [condition, word] of [
      [{ ifSizeBytes: 1 }, "PreconditionFailed"],
      [{ ifModifiedAt: MARKER.now + 1_000 }, "PreconditionFailed"],
      [{ ifMatch: "*" }, "NoSuchKey"],
      [{ ifSizeBytes: 0, ifModifiedAt: MARKER.now }, "deleted"],
    ] as const) {
      expect(wordOf(await deleteOne(store, bucketId, { condition }))).toBe(word);
    }
  });
}
