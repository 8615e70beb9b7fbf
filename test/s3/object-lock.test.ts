// Object lock as clients meet it: what a retention and a legal hold keep, from whom, and what is refused of them.

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { ObjectLockRetention, ObjectLockRule } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3 } from "../support/s3-server.ts";
import { startLocked, startVersioned } from "../support/versioned-bucket.ts";
import type { VersionedLab } from "../support/versioned-bucket.ts";

const DAY_MS = 86_400_000;
const DENIED = { code: "AccessDenied", status: 403 };
const NO_LOCK = { code: "InvalidRequest", status: 400 };
const BYPASS = { BypassGovernanceRetention: true };

/** Whole seconds, as S3's own dates mostly are. */
function inDays(days: number): Date {
  return new Date(Math.ceil(Date.now() / 1_000) * 1_000 + days * DAY_MS);
}

function until(days: number, Mode: "COMPLIANCE" | "GOVERNANCE" = "GOVERNANCE") {
  return { Mode, RetainUntilDate: inDays(days) };
}

function retain(
  { client, bucket: Bucket }: VersionedLab,
  Retention: ObjectLockRetention,
  more = {},
) {
  return client.send(new PutObjectRetentionCommand({ Bucket, Key: "key", Retention, ...more }));
}

function retentionOf({ client, bucket: Bucket }: VersionedLab, more = {}) {
  return client
    .send(new GetObjectRetentionCommand({ Bucket, Key: "key", ...more }))
    .then(({ Retention }) => Retention);
}

function hold({ client, bucket: Bucket }: VersionedLab, Status: "OFF" | "ON", more = {}) {
  const LegalHold = { Status };
  return client.send(new PutObjectLegalHoldCommand({ Bucket, Key: "key", LegalHold, ...more }));
}

function configure({ client, bucket: Bucket }: VersionedLab, Rule?: ObjectLockRule) {
  const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule };
  return client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
}

function putXml(lab: VersionedLab, path: string, body: string) {
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  return lab.send({ method: "PUT", path, headers, body });
}

test("a bucket with object lock has versioning, and keeps both", async () => {
  const lab = await startLocked();
  const { client, bucket: Bucket } = lab;
  const get = new GetObjectLockConfigurationCommand({ Bucket });
  expect((await client.send(get)).ObjectLockConfiguration).toEqual({
    ObjectLockEnabled: "Enabled",
  });
  expect(await lab.put("key", "body")).toMatch(/^[\w-]{32}$/);
  const VersioningConfiguration = { Status: "Suspended" as const };
  const suspend = client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  expect(await refusal(suspend)).toEqual({ code: "InvalidBucketState", status: 409 });
});

test("a bucket gets object lock later only while it has versioning", async () => {
  const lab = await startVersioned();
  const { client, bucket: Bucket } = lab;
  const rule = { DefaultRetention: { Mode: "GOVERNANCE" as const, Days: 1 } };
  const get = () => client.send(new GetObjectLockConfigurationCommand({ Bucket }));
  expect(await refusal(get())).toEqual({
    code: "ObjectLockConfigurationNotFoundError",
    status: 404,
  });
  expect(await refusal(configure(lab, rule))).toEqual({ code: "InvalidBucketState", status: 409 });
  await lab.setVersioning("Suspended");
  expect(await refusal(configure(lab, rule))).toEqual({ code: "InvalidBucketState", status: 409 });
  await lab.setVersioning("Enabled");
  await configure(lab, rule);
  expect((await get()).ObjectLockConfiguration?.Rule).toEqual(rule);
});

test.each([
  ["no status", "<Rule/>", "MalformedXML"],
  ["an unknown status", "<ObjectLockEnabled>Disabled</ObjectLockEnabled>", "MalformedXML"],
  [
    "days and years",
    defaults("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"),
    "MalformedXML",
  ],
  ["neither days nor years", defaults("<Mode>GOVERNANCE</Mode>"), "MalformedXML"],
  ["no mode", defaults("<Days>1</Days>"), "MalformedXML"],
  ["a mode in small letters", defaults("<Mode>governance</Mode><Days>1</Days>"), "MalformedXML"],
  ["no days", defaults("<Mode>GOVERNANCE</Mode><Days>0</Days>"), "InvalidRetentionPeriod"],
  [
    "years below zero",
    defaults("<Mode>GOVERNANCE</Mode><Years>-1</Years>"),
    "InvalidRetentionPeriod",
  ],
  ["101 years", defaults("<Mode>COMPLIANCE</Mode><Years>101</Years>"), "InvalidRetentionPeriod"],
  ["half a day", defaults("<Mode>GOVERNANCE</Mode><Days>0.5</Days>"), "MalformedXML"],
])("a configuration with %s is refused", async (_given, xml, code) => {
  const lab = await startLocked();
  const body = `<ObjectLockConfiguration>${xml}</ObjectLockConfiguration>`;
  const answer = await putXml(lab, "?object-lock", body);
  expect([answer.status, errorCode(answer)]).toEqual([400, code]);
});

function defaults(xml: string): string {
  return `<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${xml}</DefaultRetention></Rule>`;
}

test("a retention in governance mode keeps a version from everybody who does not ask to bypass it", async () => {
  const lab = await startLocked();
  const id = await lab.put("key", "body");
  const retention = { Mode: "GOVERNANCE" as const, RetainUntilDate: inDays(10) };
  await retain(lab, retention);
  expect(await retentionOf(lab)).toEqual(retention);
  expect(await refusal(lab.remove("key", id))).toEqual(DENIED);
  const { VersionId: marker } = await lab.remove("key");
  expect(await refusal(lab.remove("key", id))).toEqual(DENIED);
  await lab.remove("key", marker);
  expect(await lab.get("key")).toBe("body");
  await lab.remove("key", id, BYPASS);
  expect(await lab.listed()).toEqual([]);
});

test("a retention in governance mode is weakened only by who bypasses it, and made longer by anybody", async () => {
  const lab = await startLocked();
  const id = await lab.put("key", "body");
  await retain(lab, until(10));
  await retain(lab, until(20));
  expect(await refusal(retain(lab, until(15)))).toEqual(DENIED);
  expect(await refusal(retain(lab, {}))).toEqual(DENIED);
  await retain(lab, until(5), BYPASS);
  await retain(lab, {}, BYPASS);
  const none = { code: "NoSuchObjectLockConfiguration", status: 404 };
  expect(await refusal(retentionOf(lab))).toEqual(none);
  await lab.remove("key", id);
  expect(await lab.listed()).toEqual([]);
});

test("S56 a retention in compliance mode is weakened by nobody", async () => {
  const lab = await startLocked();
  const id = await lab.put("key", "body");
  const retention = { Mode: "COMPLIANCE" as const, RetainUntilDate: inDays(10) };
  await retain(lab, retention);
  const weaker: ObjectLockRetention[] = [
    { Mode: "COMPLIANCE", RetainUntilDate: inDays(9) },
    { Mode: "GOVERNANCE", RetainUntilDate: inDays(10) },
    { Mode: "GOVERNANCE", RetainUntilDate: inDays(20) },
    {},
  ];
  for (const next of weaker) {
    expect(await refusal(retain(lab, next))).toEqual(DENIED);
    expect(await refusal(retain(lab, next, BYPASS))).toEqual(DENIED);
  }
  expect(await refusal(lab.remove("key", id, BYPASS))).toEqual(DENIED);
  expect(await retentionOf(lab)).toEqual(retention);
  await retain(lab, { Mode: "COMPLIANCE", RetainUntilDate: inDays(11) });
  expect(await lab.get("key", id)).toBe("body");
});

test("a legal hold keeps a version whatever else is said, until it ends", async () => {
  const lab = await startLocked();
  const { client, bucket: Bucket } = lab;
  const id = await lab.put("key", "body");
  const status = async () =>
    (await client.send(new GetObjectLegalHoldCommand({ Bucket, Key: "key" }))).LegalHold?.Status;
  const inHead = async () =>
    (await client.send(new HeadObjectCommand({ Bucket, Key: "key" }))).ObjectLockLegalHoldStatus;
  // One that never was is told apart from one that has ended.
  const none = { code: "NoSuchObjectLockConfiguration", status: 404 };
  expect(await refusal(status())).toEqual(none);
  expect(await inHead()).toBeUndefined();
  await hold(lab, "ON");
  expect(await status()).toBe("ON");
  expect(await refusal(lab.remove("key", id, BYPASS))).toEqual(DENIED);
  await hold(lab, "OFF");
  expect(await status()).toBe("OFF");
  expect(await inHead()).toBe("OFF");
  await lab.remove("key", id);
  expect(await lab.listed()).toEqual([]);
});

test("a version that is written over is kept all the same, and the new one is not", async () => {
  const lab = await startLocked();
  const id = await lab.put("key", "kept");
  await retain(lab, { Mode: "COMPLIANCE", RetainUntilDate: inDays(1) });
  const second = await lab.put("key", "new");
  const none = { code: "NoSuchObjectLockConfiguration", status: 404 };
  expect(await refusal(retentionOf(lab))).toEqual(none);
  expect(await retentionOf(lab, { VersionId: id })).toMatchObject({ Mode: "COMPLIANCE" });
  await lab.remove("key", second);
  expect(await refusal(lab.remove("key", id))).toEqual(DENIED);
});

test("headers of a PUT lock the new version, and GET and HEAD tell of it", async () => {
  const lab = await startLocked();
  const RetainUntilDate = inDays(3);
  const id = await lab.put("key", "body", {
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: RetainUntilDate,
    ObjectLockLegalHoldStatus: "ON",
  });
  const head = await lab.client.send(new HeadObjectCommand({ Bucket: lab.bucket, Key: "key" }));
  expect(head).toMatchObject({
    VersionId: id,
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: RetainUntilDate,
    ObjectLockLegalHoldStatus: "ON",
  });
  expect(await refusal(lab.remove("key", id, BYPASS))).toEqual(DENIED);
});

test("an upload in parts and a copy are locked as their requests say, not as their source", async () => {
  const lab = await startLocked();
  const { client, bucket: Bucket } = lab;
  const Key = "parts";
  const lock = {
    ObjectLockMode: "GOVERNANCE" as const,
    ObjectLockRetainUntilDate: inDays(1),
  };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...lock }),
  );
  const at = { Bucket, Key, UploadId };
  const { ETag } = await client.send(new UploadPartCommand({ ...at, PartNumber: 1, Body: "part" }));
  const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
  const done = await client.send(new CompleteMultipartUploadCommand({ ...at, MultipartUpload }));
  expect(await refusal(lab.remove(Key, done.VersionId))).toEqual(DENIED);

  const CopySource = `${Bucket}/${Key}`;
  const free = await client.send(new CopyObjectCommand({ Bucket, Key: "free", CopySource }));
  await lab.remove("free", free.VersionId);
  const kept = new CopyObjectCommand({
    Bucket,
    Key: "kept",
    CopySource,
    ObjectLockLegalHoldStatus: "ON",
  });
  const { VersionId } = await client.send(kept);
  expect(await refusal(lab.remove("kept", VersionId, BYPASS))).toEqual(DENIED);
});

test("new versions take the bucket's default unless they bring their own", async () => {
  const lab = await startLocked();
  await configure(lab, { DefaultRetention: { Mode: "COMPLIANCE", Years: 1 } });
  const before = Date.now();
  await lab.put("key", "body");
  const byDefault = await retentionOf(lab);
  expect(byDefault?.Mode).toBe("COMPLIANCE");
  const days = ((byDefault?.RetainUntilDate?.getTime() ?? 0) - before) / DAY_MS;
  expect(Math.round(days)).toBeGreaterThanOrEqual(365);
  expect(Math.round(days)).toBeLessThanOrEqual(366);
  const own = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: inDays(1) };
  await lab.put("key", "body", own);
  expect((await retentionOf(lab))?.Mode).toBe("GOVERNANCE");
});

test("bytes that are to be locked come with a digest", async () => {
  const lab = await startLocked();
  const lock = {
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": inDays(1).toISOString(),
  };
  const put = (headers: Readonly<Record<string, string>>) =>
    lab.send({ method: "PUT", path: "key", headers, body: "body" });
  const refused = await put(lock);
  expect([refused.status, errorCode(refused)]).toEqual([400, "InvalidRequest"]);
  expect(refused.body).toContain("Content-MD5");
  const md5 = createHash("md5").update("body").digest("base64");
  expect((await put({ ...lock, "content-md5": md5 })).status).toBe(200);
  expect((await put({})).status).toBe(200);
  await configure(lab, { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } });
  expect(errorCode(await put({}))).toBe("InvalidRequest");
  expect(await lab.listed()).toHaveLength(2);
});

test.each([
  ["a mode without a date", { mode: "GOVERNANCE" }, "InvalidArgument"],
  ["a date without a mode", { "retain-until-date": "2999-01-01T00:00:00Z" }, "InvalidArgument"],
  [
    "an unknown mode",
    { mode: "x", "retain-until-date": "2999-01-01T00:00:00Z" },
    "InvalidArgument",
  ],
  [
    "a date that has passed",
    { mode: "GOVERNANCE", "retain-until-date": "2020-01-01T00:00:00Z" },
    "InvalidArgument",
  ],
  [
    "a date that is none",
    { mode: "GOVERNANCE", "retain-until-date": "tomorrow" },
    "InvalidArgument",
  ],
  ["a hold that is neither", { "legal-hold": "YES" }, "InvalidArgument"],
])("headers with %s are refused and nothing is stored", async (_given, lock, code) => {
  const lab = await startLocked();
  const headers = Object.fromEntries(
    Object.entries(lock).map(([name, value]) => [`x-amz-object-lock-${name}`, value]),
  );
  const answer = await lab.send({ method: "PUT", path: "key", headers, body: "body" });
  expect([answer.status, errorCode(answer)]).toEqual([400, code]);
  expect(await lab.listed()).toEqual([]);
});

test.each([
  [
    "an unknown mode",
    "retention",
    "<Retention><Mode>x</Mode><RetainUntilDate>2999-01-01T00:00:00Z</RetainUntilDate></Retention>",
    "MalformedXML",
  ],
  ["no date", "retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>", "MalformedXML"],
  [
    "a date that is none",
    "retention",
    "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate></Retention>",
    "MalformedXML",
  ],
  [
    "a date that has passed",
    "retention",
    "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>",
    "InvalidArgument",
  ],
  ["an unknown status", "legal-hold", "<LegalHold><Status>x</Status></LegalHold>", "MalformedXML"],
  ["no status", "legal-hold", "<LegalHold/>", "MalformedXML"],
])("a body with %s is refused", async (_given, subresource, body, code) => {
  const lab = await startLocked();
  await lab.put("key", "body");
  const answer = await putXml(lab, `key?${subresource}`, body);
  expect([answer.status, errorCode(answer)]).toEqual([400, code]);
});

test("without object lock nothing can be locked", async () => {
  const lab = await startVersioned("Enabled");
  const { client, bucket: Bucket } = lab;
  await lab.put("key", "body");
  expect(await refusal(retain(lab, { Mode: "GOVERNANCE", RetainUntilDate: inDays(1) }))).toEqual(
    NO_LOCK,
  );
  expect(await refusal(retentionOf(lab))).toEqual(NO_LOCK);
  expect(await refusal(hold(lab, "ON"))).toEqual(NO_LOCK);
  expect(await refusal(client.send(new GetObjectLegalHoldCommand({ Bucket, Key: "key" })))).toEqual(
    NO_LOCK,
  );
  expect(await refusal(lab.put("other", "body", { ObjectLockLegalHoldStatus: "ON" }))).toEqual(
    NO_LOCK,
  );
  expect(await lab.listed()).toHaveLength(1);
});

test("what is not there, and what is a marker, cannot be locked", async () => {
  const lab = await startLocked();
  const retention = { Mode: "GOVERNANCE" as const, RetainUntilDate: inDays(1) };
  expect(await refusal(retain(lab, retention))).toEqual({ code: "NoSuchKey", status: 404 });
  const VersionId = "x".repeat(32);
  expect(await refusal(hold(lab, "ON", { VersionId }))).toEqual({
    code: "NoSuchVersion",
    status: 404,
  });
  const marker = await lab.remove("key");
  const onMarker = retain(lab, retention, { VersionId: marker.VersionId });
  expect(await refusal(onMarker)).toEqual({ code: "MethodNotAllowed", status: 405 });
});

test("DeleteObjects passes over what is locked, and takes it with a bypass", async () => {
  const lab = await startLocked();
  const locked = await lab.put("key", "locked");
  await retain(lab, { Mode: "GOVERNANCE", RetainUntilDate: inDays(1) });
  const free = await lab.put("free", "free");
  const Objects = [
    { Key: "key", VersionId: locked },
    { Key: "free", VersionId: free },
  ];
  const remove = (more = {}) =>
    lab.client.send(new DeleteObjectsCommand({ Bucket: lab.bucket, Delete: { Objects }, ...more }));
  const { Deleted, Errors } = await remove();
  expect(Deleted).toEqual([{ Key: "free", VersionId: free }]);
  expect(Errors).toMatchObject([{ Key: "key", VersionId: locked, Code: "AccessDenied" }]);
  expect((await remove(BYPASS)).Errors).toBeUndefined();
  expect(await lab.listed()).toEqual([]);
});

test("another account can neither lock nor unlock", async () => {
  const lab = await startLocked();
  await lab.put("key", "body");
  const { stranger: client } = lab;
  const strange = { ...lab, client };
  expect(await refusal(hold(strange, "ON"))).toEqual(DENIED);
  expect(
    await refusal(retain(strange, { Mode: "GOVERNANCE", RetainUntilDate: inDays(1) })),
  ).toEqual(DENIED);
  expect(await refusal(configure(strange))).toEqual(DENIED);
});

test("a bucket's header about object lock is true, false, or an error", async () => {
  const { send, bucket } = await startS3();
  const create = (name: string, value: string) =>
    send({
      method: "PUT",
      path: "",
      bucket: `${bucket}-${name}`.slice(-63),
      headers: { "x-amz-bucket-object-lock-enabled": value },
    });
  expect((await create("a", "True")).status).toBe(200);
  expect((await create("b", "false")).status).toBe(200);
  expect(errorCode(await create("c", "maybe"))).toBe("InvalidArgument");
});
