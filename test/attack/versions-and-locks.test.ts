// S48, S53, S56: a permission on objects is none on their versions, a batch of deletions is many decisions, and what is
// locked stays locked for who may do nearly everything. Another account has exactly what the bucket's policy gives it.

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { refusal } from "../support/s3-server.ts";
import { startLocked, startVersioned, type VersionedLab } from "../support/versioned-bucket.ts";

const DENIED = { code: "AccessDenied", status: 403 };
const FAR = new Date("2999-01-01T00:00:00Z");

/** Gives the other account these permissions on the bucket and on the objects whose keys begin like this. */
async function allow(
  { client, stranger, bucket: Bucket }: VersionedLab,
  Action: readonly string[],
  keys = "*",
): Promise<void> {
  const { Owner } = await stranger.send(new ListBucketsCommand({}));
  const Statement = {
    Effect: "Allow",
    Principal: { CanonicalUser: Owner?.ID },
    Action,
    Resource: [`arn:aws:s3:::${Bucket}/${keys}`],
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

test("S48: who may read, delete and tag objects may not reach their versions by id", async () => {
  const lab = await startVersioned("Enabled");
  const { stranger, bucket: Bucket } = lab;
  const VersionId = await lab.put("key", "old");
  await lab.put("key", "new");
  await allow(lab, [
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
    "s3:GetObjectAttributes",
  ]);
  const at = { Bucket, Key: "key", VersionId };
  const Own = await lab.givenBucket(stranger);
  const CopySource = `${Bucket}/key?versionId=${VersionId}`;
  const Tagging = { TagSet: [{ Key: "k", Value: "v" }] };
  const tries = [
    () => stranger.send(new GetObjectCommand(at)),
    () => stranger.send(new GetObjectTaggingCommand(at)),
    () => stranger.send(new PutObjectTaggingCommand({ ...at, Tagging })),
    () => stranger.send(new DeleteObjectTaggingCommand(at)),
    () => stranger.send(new DeleteObjectCommand(at)),
    () => stranger.send(new CopyObjectCommand({ Bucket: Own, Key: "copy", CopySource })),
    () => stranger.send(new GetObjectAttributesCommand({ ...at, ObjectAttributes: ["ETag"] })),
    () => stranger.send(new ListObjectVersionsCommand({ Bucket })),
  ];
  for (const attempt of tries) expect(await refusal(attempt())).toEqual(DENIED);
  const head = await stranger.send(new HeadObjectCommand(at)).catch((error: unknown) => error);
  expect(head).toMatchObject({ $metadata: { httpStatusCode: 403 } });
  const got = await stranger.send(new GetObjectCommand({ Bucket, Key: "key" }));
  expect(await got.Body?.transformToString()).toBe("new");
  expect(await lab.get("key", VersionId)).toBe("old");
});

test("S49: who may not list a bucket does not learn what is not there, nor of delete markers", async () => {
  const lab = await startVersioned("Enabled");
  await lab.put("deleted", "body");
  await lab.remove("deleted");
  await allow(lab, ["s3:GetObject", "s3:GetObjectVersion"]);
  for (const Key of ["deleted", "never there"]) {
    const answer = await lab.stranger
      .send(new GetObjectCommand({ Bucket: lab.bucket, Key }))
      .catch((error: unknown) => error);
    expect(answer).toMatchObject({ name: "AccessDenied" });
    expect(answer).not.toHaveProperty("DeleteMarker");
  }
});

test("S49: who may read an object learns of its tags and its lock only by permission", async () => {
  const lab = await startLocked();
  await lab.put("key", "body", {
    Tagging: "a=1&b=2",
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: FAR,
    ObjectLockLegalHoldStatus: "ON",
  });
  const at = { Bucket: lab.bucket, Key: "key" };
  const all = { ObjectLockMode: "GOVERNANCE", ObjectLockLegalHoldStatus: "ON", TagCount: 2 };
  expect(await lab.client.send(new HeadObjectCommand(at))).toMatchObject(all);
  await allow(lab, ["s3:GetObject"]);
  const seen = await lab.stranger.send(new GetObjectCommand(at));
  expect(await seen.Body?.transformToString()).toBe("body");
  const { ObjectLockMode, ObjectLockLegalHoldStatus, TagCount } = seen;
  expect([ObjectLockMode, ObjectLockLegalHoldStatus, TagCount]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  await allow(lab, ["s3:GetObject", "s3:GetObjectLegalHold", "s3:GetObjectTagging"]);
  const more = await lab.stranger.send(new HeadObjectCommand(at));
  expect(more).toMatchObject({ ObjectLockLegalHoldStatus: "ON", TagCount: 2 });
  expect(more.ObjectLockMode).toBeUndefined();
});

test("S53: of a batch exactly what is allowed goes, version or not", async () => {
  const lab = await startVersioned("Enabled");
  const { stranger, bucket: Bucket } = lab;
  const mine = await lab.put("open/key", "body");
  await lab.put("closed/key", "body");
  await allow(lab, ["s3:DeleteObject"], "open/*");
  const Objects = [
    { Key: "open/key", VersionId: mine },
    { Key: "closed/key" },
    { Key: "open/other" },
    { Key: "open/key", ETag: "*" },
    { Key: "open/key", ETag: '"0123"' },
  ];
  const request = new DeleteObjectsCommand({ Bucket, Delete: { Objects } });
  const { Deleted, Errors } = await stranger.send(request);
  expect(Deleted?.map(({ Key, DeleteMarker }) => [Key, DeleteMarker])).toEqual([
    ["open/other", true],
    ["open/key", true],
  ]);
  expect(Errors?.map(({ Key, VersionId, Code }) => [Key, VersionId, Code])).toEqual([
    ["open/key", mine, "AccessDenied"],
    ["closed/key", undefined, "AccessDenied"],
    ["open/key", undefined, "AccessDenied"],
  ]);
  expect(await lab.get("open/key", mine)).toBe("body");
  expect(await lab.get("closed/key")).toBe("body");
});

test("S56: to ask for a bypass of governance is not to be allowed one", async () => {
  const lab = await startLocked();
  const { stranger, bucket: Bucket } = lab;
  const VersionId = await lab.put("key", "body", {
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: FAR,
  });
  await allow(lab, ["s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:DeleteObject"]);
  const bypass = { Bucket, BypassGovernanceRetention: true };
  const Retention = { Mode: "GOVERNANCE" as const, RetainUntilDate: new Date(Date.now() + 60_000) };
  const at = { ...bypass, Key: "key", VersionId };
  expect(await refusal(stranger.send(new DeleteObjectCommand(at)))).toEqual(DENIED);
  const shorten = new PutObjectRetentionCommand({ ...at, Retention });
  expect(await refusal(stranger.send(shorten))).toEqual(DENIED);
  const Delete = { Objects: [{ Key: "key", VersionId }] };
  const batch = await stranger.send(new DeleteObjectsCommand({ ...bypass, Delete }));
  expect(batch.Errors).toMatchObject([{ Code: "AccessDenied" }]);
  expect(await lab.get("key", VersionId)).toBe("body");

  await allow(lab, ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]);
  await stranger.send(new DeleteObjectCommand(at));
  expect(await lab.listed()).toEqual([]);
});

test("S56: neither the bucket's owner nor anything else removes what compliance or a hold keeps", async () => {
  const lab = await startLocked();
  const { client, bucket: Bucket } = lab;
  const locked = await lab.put("locked", "body", {
    ObjectLockMode: "COMPLIANCE",
    ObjectLockRetainUntilDate: FAR,
  });
  const held = await lab.put("held", "body", { ObjectLockLegalHoldStatus: "ON" });
  const Objects = [
    { Key: "locked", VersionId: locked },
    { Key: "held", VersionId: held },
  ];
  const Delete = { Objects };
  const bypass = { Bucket, BypassGovernanceRetention: true };
  const { Errors, Deleted } = await client.send(new DeleteObjectsCommand({ ...bypass, Delete }));
  expect(Deleted).toBeUndefined();
  expect(Errors?.map(({ Code }) => Code)).toEqual(["AccessDenied", "AccessDenied"]);
  const remove = client.send(new DeleteBucketCommand({ Bucket }));
  expect(await refusal(remove)).toEqual({ code: "BucketNotEmpty", status: 409 });
  await lab.put("locked", "written over");
  await lab.remove("held");
  expect(await lab.get("locked", locked)).toBe("body");
  expect(await lab.get("held", held)).toBe("body");
});

test("S56: who may write objects may not lock them", async () => {
  const lab = await startLocked();
  const { stranger, bucket: Bucket } = lab;
  await allow(lab, ["s3:PutObject"]);
  const put = { Bucket, Key: "key", Body: "body" };
  const lock = { ObjectLockMode: "COMPLIANCE" as const, ObjectLockRetainUntilDate: FAR };
  const hold = { ObjectLockLegalHoldStatus: "ON" as const };
  expect(await refusal(stranger.send(new PutObjectCommand({ ...put, ...lock })))).toEqual(DENIED);
  expect(await refusal(stranger.send(new PutObjectCommand({ ...put, ...hold })))).toEqual(DENIED);
  await stranger.send(new PutObjectCommand(put));
  const LegalHold = { Status: "ON" as const };
  const later = stranger.send(new PutObjectLegalHoldCommand({ Bucket, Key: "key", LegalHold }));
  expect(await refusal(later)).toEqual(DENIED);
  expect(await lab.listed()).toHaveLength(1);
});

test("who may write and not read learns nothing of an ETag by a condition on it (S49)", async () => {
  const lab = await startVersioned("Enabled");
  const { stranger, bucket: Bucket, put } = lab;
  await put("key", "guessed");
  const ETag = createHash("md5").update("guessed").digest("hex");
  const write = (condition: object) =>
    refusal(stranger.send(new PutObjectCommand({ Bucket, Key: "key", Body: "x", ...condition })));
  await allow(lab, ["s3:PutObject"]);
  for (const guess of [ETag, "0".repeat(32)]) {
    expect(await write({ IfMatch: guess })).toEqual(DENIED);
    expect(await write({ IfNoneMatch: guess })).toEqual(DENIED);
  }
  expect(await write({ IfNoneMatch: "*" })).toEqual({ code: "PreconditionFailed", status: 412 });
  const upload = await stranger.send(new CreateMultipartUploadCommand({ Bucket, Key: "key" }));
  const { UploadId } = upload;
  const part = new UploadPartCommand({ Bucket, Key: "key", UploadId, PartNumber: 1, Body: "x" });
  const Parts = [{ PartNumber: 1, ETag: (await stranger.send(part)).ETag }];
  const complete = { Bucket, Key: "key", UploadId, MultipartUpload: { Parts }, IfMatch: ETag };
  expect(await refusal(stranger.send(new CompleteMultipartUploadCommand(complete)))).toEqual(
    DENIED,
  );
  await allow(lab, ["s3:PutObject", "s3:GetObject"]);
  const wrong = { IfMatch: "0".repeat(32) };
  expect(await write(wrong)).toEqual({ code: "PreconditionFailed", status: 412 });
});
