// Object lock and quotas: what a bucket allows, what a version is locked with, and who may change or remove it.

import { expect, test } from "vitest";
import type { DeleteRequest, MetadataStore } from "../../../src/metadata/metadata-store.ts";
import type { Retention } from "../../../src/metadata/records.ts";
import {
  MARKER,
  bucketInput,
  deleteKeys,
  deleteRequest,
  givenBucket,
  givenVersioned,
  objectInput,
  partInput,
  uploadInput,
  type GivenStore,
} from "./inputs.ts";

const { now } = MARKER;
const LATER = now + 1_000;
const DAY = 86_400_000;

async function givenLocked(store: MetadataStore): Promise<number> {
  return (await store.createBucket(bucketInput("bucket", { hasLock: true }))).id;
}

/** The code of the refusal, or "deleted". */
async function deleted(
  store: MetadataStore,
  bucketId: number,
  request: DeleteRequest,
): Promise<string | undefined> {
  const [outcome] = await store.deleteObjects(bucketId, [request], MARKER);
  return outcome?.kind === "refused" ? outcome.refusal.message : outcome?.kind;
}

const PROTECTED = "Access Denied because object protected by object lock.";

export function lockTests(given: GivenStore): void {
  test("a bucket is made with object lock, or given it where there is versioning, and keeps both", async () => {
    const store = given();
    const locked = await givenLocked(store);
    expect(await store.findBucketById(locked)).toMatchObject({
      versioning: "enabled",
      lock: { defaultRetention: undefined },
    });
    await expect(store.setVersioning(locked, "suspended")).rejects.toMatchObject({
      code: "InvalidBucketState",
    });
    const plain = await givenBucket(store, "plain");
    const lock = { defaultRetention: { mode: "GOVERNANCE", unit: "days", count: 3 } } as const;
    await expect(store.putBucketLock(plain, lock)).rejects.toMatchObject({
      code: "InvalidBucketState",
    });
    await store.setVersioning(plain, "enabled");
    await store.putBucketLock(plain, lock);
    const bucket = await store.findBucket("plain");
    expect(bucket).toMatchObject({ lock, settingsVersion: 3 });
    await store.putBucketLock(plain, { defaultRetention: undefined });
    expect((await store.findBucket("plain"))?.lock).toEqual({ defaultRetention: undefined });
    for (const write of [
      store.setVersioning(404, "enabled"),
      store.putBucketLock(404, lock),
      store.putBucketQuota(404, 1),
    ]) {
      await expect(write).rejects.toMatchObject({ code: "NoSuchBucket" });
    }
  });

  test("where there is no object lock nothing can be locked", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const retention: Retention = { mode: "COMPLIANCE", until: LATER };
    const refusal = { code: "InvalidRequest" };
    for (const lock of [
      { retention, legalHold: undefined },
      { retention: undefined, legalHold: false },
    ]) {
      await expect(store.putObject(objectInput(bucketId, "key", { lock }))).rejects.toMatchObject(
        refusal,
      );
      await expect(
        store.createUpload(uploadInput(bucketId, "key", { lock })),
      ).rejects.toMatchObject(refusal);
    }
    await store.putObject(objectInput(bucketId, "key"));
    const name = { bucketId, key: "key", versionId: undefined };
    await expect(store.putLegalHold(name, true)).rejects.toMatchObject(refusal);
    const permission = { mayBypassGovernance: true, now };
    await expect(store.putRetention(name, retention, permission)).rejects.toMatchObject(refusal);
  });

  test("a version has the retention that it brings, else the bucket's", async () => {
    const store = given();
    const bucketId = await givenLocked(store);
    const put = async (change: Parameters<typeof objectInput>[2]) =>
      (await store.putObject(objectInput(bucketId, "key", change))).lock;
    expect(await put({})).toEqual({ retention: undefined, legalHold: undefined });
    const leap = Date.UTC(2024, 1, 29, 12);
    for (const [unit, count, from, until] of [
      ["days", 3, 2_000, 2_000 + 3 * DAY],
      ["years", 1, leap, Date.UTC(2025, 2, 1, 12)],
      ["years", 4, leap, Date.UTC(2028, 1, 29, 12)],
    ] as const) {
      const defaultRetention = { mode: "COMPLIANCE", unit, count } as const;
      await store.putBucketLock(bucketId, { defaultRetention });
      expect(await put({ modifiedAt: from })).toEqual({
        retention: { mode: "COMPLIANCE", until },
        legalHold: undefined,
      });
    }
    const retention: Retention = { mode: "GOVERNANCE", until: LATER };
    const lock = { retention, legalHold: true };
    expect(await put({ lock })).toEqual(lock);
    expect((await store.findObject(bucketId, "key"))?.lock).toEqual(lock);
  });

  test("an upload's object is locked with what the upload began with, else with the bucket's retention", async () => {
    const store = given();
    const bucketId = await givenLocked(store);
    const defaultRetention = { mode: "COMPLIANCE", unit: "days", count: 1 } as const;
    await store.putBucketLock(bucketId, { defaultRetention });
    for (const lock of [
      { retention: { mode: "GOVERNANCE", until: LATER }, legalHold: true },
      { retention: undefined, legalHold: false },
    ] as const) {
      const id = `upload-${lock.legalHold}`;
      const upload = uploadInput(bucketId, "key", {
        id,
        lock,
        acl: "an acl",
        encryption: "sealed",
      });
      await store.createUpload(upload);
      const { uploadId, key } = upload;
      const found = await store.findUpload(bucketId, key, uploadId);
      expect(found).toMatchObject({ lock, acl: "an acl", encryption: "sealed" });
      const part = await store.putPart(partInput(upload, 1, { encryption: "of a part" }));
      expect(await store.findPart(found?.manifestId ?? 0, 1)).toEqual(part);
      expect(part.encryption).toBe("of a part");
      const parts = [{ number: 1, partId: part.partId }];
      const rest = { sizeBytes: 10, etag: "e", completedAt: now, checksum: undefined };
      const object = await store.completeUpload({ bucketId, key, uploadId, parts, ...rest });
      const retention = lock.retention ?? { mode: "COMPLIANCE", until: now + DAY };
      expect(object).toMatchObject({
        lock: { retention, legalHold: lock.legalHold },
        acl: "an acl",
        encryption: "sealed",
      });
      expect(await store.findObject(bucketId, key)).toEqual(object);
    }
  });

  test.each<[string, Partial<Retention>, string, string]>([
    ["in compliance mode", compliance(LATER), PROTECTED, PROTECTED],
    ["in compliance mode whose time is over", compliance(now), "deleted", "deleted"],
    ["in governance mode", governance(LATER), PROTECTED, "deleted"],
    ["in governance mode whose time is over", governance(now), "deleted", "deleted"],
  ])("a version %s is removed by nobody, or by who may", async (...[, lock, anybody, who]) => {
    const store = given();
    const bucketId = await givenLocked(store);
    const { mode = "COMPLIANCE", until = 0 } = lock;
    for (const [mayBypassGovernance, outcome] of [
      [false, anybody],
      [true, who],
    ] as const) {
      for (const legalHold of [false, true]) {
        const key = `${mayBypassGovernance} ${legalHold}`;
        const input = { lock: { retention: { mode, until }, legalHold } };
        const { versionId } = await store.putObject(objectInput(bucketId, key, input));
        const request = deleteRequest(key, { versionId, mayBypassGovernance });
        // As an older version, and as the latest one again.
        const later = await store.putObject(objectInput(bucketId, key));
        const expected = legalHold ? PROTECTED : outcome;
        const again = expected === "deleted" ? "deleted" : PROTECTED;
        expect(await deleted(store, bucketId, request)).toBe(expected);
        await deleted(store, bucketId, deleteRequest(key, { versionId: later.versionId }));
        expect(await deleted(store, bucketId, request)).toBe(again);
        const isThere = (await store.findObject(bucketId, key)) !== undefined;
        expect(isThere).toBe(expected !== "deleted");
      }
    }
  });

  test("a lock keeps no delete marker from being made, or removed", async () => {
    const store = given();
    const bucketId = await givenLocked(store);
    const lock = { retention: { mode: "COMPLIANCE", until: LATER }, legalHold: true } as const;
    const object = await store.putObject(objectInput(bucketId, "key", { lock }));
    const [made] = await deleteKeys(store, bucketId, ["key"]);
    const versionId = made?.kind === "deleted" ? made.versionId : undefined;
    expect(await deleted(store, bucketId, deleteRequest("key", { versionId }))).toBe("deleted");
    expect(await store.findObject(bucketId, "key")).toEqual(object);
  });

  test.each<
    [string, Retention | undefined, Retention | undefined, "anybody" | "nobody" | "who may"]
  >([
    ["nothing stands", undefined, compliance(LATER), "anybody"],
    ["compliance, longer", compliance(LATER), compliance(LATER + 1), "anybody"],
    ["compliance, the same", compliance(LATER), compliance(LATER), "anybody"],
    ["compliance, shorter", compliance(LATER), compliance(LATER - 1), "nobody"],
    ["compliance to governance", compliance(LATER), governance(LATER + 1), "nobody"],
    ["compliance to none", compliance(LATER), undefined, "nobody"],
    ["compliance that is over", compliance(now), undefined, "anybody"],
    ["governance, longer", governance(LATER), governance(LATER + 1), "anybody"],
    ["governance, shorter", governance(LATER), governance(LATER - 1), "who may"],
    ["governance to compliance", governance(LATER), compliance(LATER), "who may"],
    ["governance to none", governance(LATER), undefined, "who may"],
    ["governance that is over", governance(now), compliance(LATER), "anybody"],
  ])("a change of retention: %s", async (_given, standing, next, who) => {
    const store = given();
    const bucketId = await givenLocked(store);
    const lock = { retention: standing, legalHold: undefined };
    for (const mayBypassGovernance of [false, true]) {
      const { versionId } = await store.putObject(objectInput(bucketId, "key", { lock }));
      await store.putObject(objectInput(bucketId, "key"));
      const name = { bucketId, key: "key", versionId };
      const answer = await store.putRetention(name, next, { mayBypassGovernance, now }).then(
        () => "done",
        (error: { code: string }) => error.code,
      );
      const isDone = who === "anybody" || (who === "who may" && mayBypassGovernance);
      expect(answer).toBe(isDone ? "done" : "AccessDenied");
      const retention = isDone ? next : standing;
      const found = await store.findVersion(name);
      expect(found).toMatchObject({ object: { lock: { retention, legalHold: undefined } } });
    }
  });

  test("a legal hold is set and taken away, and leaves the retention alone", async () => {
    const store = given();
    const bucketId = await givenLocked(store);
    const retention: Retention = { mode: "COMPLIANCE", until: LATER };
    const lock = { retention, legalHold: undefined };
    await store.putObject(objectInput(bucketId, "key", { lock }));
    const name = { bucketId, key: "key", versionId: undefined };
    for (const legalHold of [false, true, true, false]) {
      await store.putLegalHold(name, legalHold);
      const found = await store.findObject(bucketId, "key");
      expect(found?.lock).toEqual({ retention, legalHold });
    }
    for (const versionId of ["null", "A".repeat(32)]) {
      await expect(store.putLegalHold({ ...name, versionId }, true)).rejects.toMatchObject({
        code: "NoSuchVersion",
      });
    }
  });

  test("buckets with a quota are listed, the fullest first", async () => {
    const store = given();
    expect(await store.listQuotas(10)).toEqual([]);
    const half = await givenBucket(store, "half");
    const full = await givenBucket(store, "full");
    await givenBucket(store, "free");
    for (const [bucketId, quotaBytes] of [
      [half, 20],
      [full, 10],
    ] as const) {
      await store.putObject({ ...objectInput(bucketId, "key"), sizeBytes: 10 });
      await store.putBucketQuota(bucketId, quotaBytes);
    }
    const names = (await store.listQuotas(10)).map(({ name, quotaBytes }) => [name, quotaBytes]);
    expect(names).toEqual([
      ["full", 10],
      ["half", 20],
    ]);
    expect((await store.listQuotas(1)).map(({ name }) => name)).toEqual(["full"]);
    await store.putBucketQuota(full, undefined);
    expect((await store.listQuotas(10)).map(({ name }) => name)).toEqual(["half"]);
  });

  test("a quota counts all versions, and refuses only what makes a bucket larger", async () => {
    const store = given();
    const bucketId = await givenVersioned(store);
    const put = (sizeBytes: number, key = "key") =>
      store.putObject(objectInput(bucketId, key, { sizeBytes }));
    await put(6);
    await store.putBucketQuota(bucketId, 10);
    expect((await store.findBucketById(bucketId))?.quotaBytes).toBe(10);
    await expect(put(5)).rejects.toMatchObject({ code: "QuotaExceeded", status: 403 });
    await put(4);
    await expect(put(1, "other")).rejects.toMatchObject({ code: "QuotaExceeded" });
    await put(0, "other");
    await store.putBucketQuota(bucketId, 5);
    await store.setVersioning(bucketId, "suspended");
    await put(0);
    await store.putBucketQuota(bucketId, undefined);
    await put(9);
    await store.putBucketQuota(bucketId, 12);
    // The version null is replaced: only what it grows by counts, and it shrinks.
    await put(2);
    await expect(put(3)).rejects.toMatchObject({ code: "QuotaExceeded" });
    expect(await store.findBucketById(bucketId)).toMatchObject({ objectBytes: 12 });

    const upload = uploadInput(bucketId, "key");
    await store.createUpload(upload);
    const { partId } = await store.putPart(partInput(upload, 1, { sizeBytes: 100 }));
    const { key, uploadId } = upload;
    const parts = [{ number: 1, partId }];
    const rest = { sizeBytes: 100, etag: "e", completedAt: now, checksum: undefined };
    const completion = { bucketId, key, uploadId, parts, ...rest };
    await expect(store.completeUpload(completion)).rejects.toMatchObject({
      code: "QuotaExceeded",
    });
    await store.putBucketQuota(bucketId, undefined);
    await store.completeUpload(completion);
  });
}

function compliance(until: number): Retention {
  return { mode: "COMPLIANCE", until };
}

function governance(until: number): Retention {
  return { mode: "GOVERNANCE", until };
}
