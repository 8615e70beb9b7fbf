// Lifecycle rules at work, as clients see it: with a clock that is moved.

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  CreateMultipartUploadCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectTaggingCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { LifecycleRule, PutObjectCommandInput } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { startServer } from "../../src/index.ts";
import { atEnd } from "../support/at-end.ts";

const Bucket = "bucket";
const DAY_MS = 86_400_000;
const Status = "Enabled";

async function given({ hasLock = false } = {}) {
  const server = await startServer({ drives: 1 });
  atEnd(() => server.stop());
  const client = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
  });
  atEnd(() => Promise.resolve(client.destroy()));
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: hasLock }));
  return {
    server,
    client,
    put: (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
      client.send(new PutObjectCommand({ Bucket, Key, Body: "body", ...more })),
    setRules: (Rules: LifecycleRule[]) =>
      client.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }),
      ),
    setVersioning: (to: "Enabled" | "Suspended") =>
      client.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: to } }),
      ),
    /** By key: an `o` for each object and an `m` for each marker, the newest first. */
    shown: async () => {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket }));
      const all = [
        ...(page.Versions ?? []).map((version) => ({ ...version, what: "o" })),
        ...(page.DeleteMarkers ?? []).map((version) => ({ ...version, what: "m" })),
      ].toSorted((a, b) => Number(b.IsLatest) - Number(a.IsLatest));
      const shown: Record<string, string> = {};
      for (const { Key = "", what } of all) shown[Key] = (shown[Key] ?? "") + what;
      return shown;
    },
  };
}

test("objects expire at the midnight after their days are over, by prefix, tags and size", async () => {
  const { server, put, setRules, shown } = await given();
  await setRules([
    { ID: "p", Status, Filter: { Prefix: "logs/" }, Expiration: { Days: 3 } },
    { ID: "t", Status, Filter: { Tag: { Key: "k", Value: "v" } }, Expiration: { Days: 3 } },
    { ID: "s", Status, Filter: { ObjectSizeGreaterThan: 100 }, Expiration: { Days: 3 } },
    { ID: "d", Status: "Disabled", Filter: {}, Expiration: { Days: 1 } },
  ]);
  await put("logs/a");
  await put("tagged", { Tagging: "k=v&l=w" });
  await put("large", { Body: Buffer.alloc(200_000) });
  await put("kept", { Tagging: "k=w" });
  await server.clock.advance({ days: 3 });
  expect(Object.keys(await shown())).toHaveLength(4);
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({ kept: "o" });
});

test("a tag that is given later counts, and rules that come later do at once", async () => {
  const { server, client, put, setRules, shown } = await given();
  const byTag = { Filter: { Tag: { Key: "k", Value: "v" } }, Expiration: { Days: 1 } };
  await setRules([{ ID: "t", Status, ...byTag }]);
  for (const Key of ["later", "never"]) await put(Key);
  await server.clock.advance({ days: 5 });
  const Tagging = { TagSet: [{ Key: "k", Value: "v" }] };
  await client.send(new PutObjectTaggingCommand({ Bucket, Key: "later", Tagging }));
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({ never: "o" });
  await setRules([{ ID: "t", Status, Filter: { Prefix: "never" }, Expiration: { Days: 1 } }]);
  await server.clock.advance({ seconds: 1 });
  expect(await shown()).toEqual({});
});

test("with versioning an expired object gets a marker; older versions and lone markers go by rules of their own", async () => {
  const { server, client, put, setRules, setVersioning, shown } = await given();
  await setVersioning("Enabled");
  for (let count = 0; count < 4; count += 1) await put("old");
  await put("deleted");
  await client.send(new DeleteObjectCommand({ Bucket, Key: "deleted" }));
  await setRules([
    {
      ID: "r",
      Status,
      Filter: {},
      Expiration: { Days: 10 },
      NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 2 },
    },
  ]);
  await server.clock.advance({ days: 3 });
  expect(await shown()).toEqual({ old: "ooo", deleted: "mo" });
  await server.clock.advance({ days: 8 });
  // Two older versions are kept, and what was the latest is one of them now.
  expect(await shown()).toEqual({ old: "moo", deleted: "mo" });

  await setRules([
    {
      ID: "r",
      Status,
      Filter: {},
      Expiration: { ExpiredObjectDeleteMarker: true },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    },
  ]);
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({ old: "mo" });
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({});
});

test("a lone marker goes when the days of an expiration are over for it", async () => {
  const { server, client, setRules, setVersioning, shown } = await given();
  await setVersioning("Enabled");
  await client.send(new DeleteObjectCommand({ Bucket, Key: "ghost" }));
  await setRules([{ ID: "r", Status, Filter: {}, Expiration: { Days: 5 } }]);
  await server.clock.advance({ days: 5 });
  expect(await shown()).toEqual({ ghost: "m" });
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({});
});

test("where versioning is suspended the version null makes way for a marker", async () => {
  const { server, put, setRules, setVersioning, shown } = await given();
  await setVersioning("Enabled");
  await put("a");
  await setVersioning("Suspended");
  await put("a");
  await put("b");
  await setRules([{ ID: "r", Status, Filter: {}, Expiration: { Days: 1 } }]);
  await server.clock.advance({ days: 2 });
  expect(await shown()).toEqual({ a: "mo", b: "m" });
});

test("what is locked stays until it is not", async () => {
  const { server, client, put, setRules, shown } = await given({ hasLock: true });
  const { VersionId } = await put("held", { ObjectLockLegalHoldStatus: "ON" });
  const until = new Date(server.clock.now() + 10 * DAY_MS);
  await put("held");
  await put("retained", { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: until });
  await put("retained");
  await setRules([
    { ID: "r", Status, Filter: {}, NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
  ]);
  await server.clock.advance({ days: 5 });
  expect(await shown()).toEqual({ held: "oo", retained: "oo" });
  await server.clock.advance({ days: 6 });
  expect(await shown()).toEqual({ held: "oo", retained: "o" });
  const LegalHold = { Status: "OFF" } as const;
  await client.send(new PutObjectLegalHoldCommand({ Bucket, Key: "held", VersionId, LegalHold }));
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({ held: "o", retained: "o" });
});

test("uploads that are never completed are aborted, and clients are told when", async () => {
  const { server, client, setRules } = await given();
  await setRules([
    {
      ID: "to abort",
      Status,
      Filter: { Prefix: "a/" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
    },
  ]);
  const begun = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "a/1" }));
  await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "b/1" }));
  const due = new Date(midnightAfter(server.clock.now(), 2));
  const told = { AbortDate: due, AbortRuleId: "to%20abort" };
  expect(begun).toMatchObject(told);
  const { UploadId } = begun;
  const parts = await client.send(new ListPartsCommand({ Bucket, Key: "a/1", UploadId }));
  expect(parts).toMatchObject(told);
  const keys = async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    return Uploads.map(({ Key }) => Key);
  };
  await server.clock.advance({ days: 2 });
  expect(await keys()).toEqual(["a/1", "b/1"]);
  await server.clock.advance({ days: 1 });
  expect(await keys()).toEqual(["b/1"]);
});

function daysRule(ID: string, Days: number, Filter: LifecycleRule["Filter"] = {}): LifecycleRule {
  return { ID, Status, Filter, Expiration: { Days } };
}

test("clients are told when an object will expire: by the first rule that acts", async () => {
  const { server, client, put, setRules } = await given();
  await setRules([
    daysRule("later", 20),
    daysRule("first of all", 10),
    daysRule("by tag", 5, { Tag: { Key: "k", Value: "v" } }),
  ]);
  const now = server.clock.now();
  const foreseen = (days: number, id: string) =>
    `expiry-date="${new Date(midnightAfter(now, days)).toUTCString()}", rule-id="${id}"`;
  const plain = foreseen(10, "first%20of%20all");
  expect((await put("a")).Expiration).toBe(plain);
  expect((await put("b", { Tagging: "k=v" })).Expiration).toBe(foreseen(5, "by%20tag"));
  const name = { Bucket, Key: "a" };
  expect((await client.send(new HeadObjectCommand(name))).Expiration).toBe(plain);
  expect((await client.send(new GetObjectCommand(name))).Expiration).toBe(plain);
  const copy = { Bucket, Key: "c", CopySource: "bucket/a" };
  expect((await client.send(new CopyObjectCommand(copy))).Expiration).toBe(plain);
  await setRules([daysRule("elsewhere", 1, { Prefix: "x" })]);
  expect((await client.send(new HeadObjectCommand(name))).Expiration).toBeUndefined();
});

test("objects expire on a date, and go on to", async () => {
  const { server, put, setRules, shown } = await given();
  const date = new Date(midnightAfter(server.clock.now(), 1));
  await setRules([{ ID: "r", Status, Filter: {}, Expiration: { Date: date } }]);
  await put("before");
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({ before: "o" });
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({});
  await put("after");
  await server.clock.advance({ days: 1 });
  expect(await shown()).toEqual({});
});

function midnightAfter(now: number, days: number): number {
  return (Math.floor(now / DAY_MS) + days + 1) * DAY_MS;
}
