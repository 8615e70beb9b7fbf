// CopyObject as clients meet it: what is copied, what is replaced, which sources and conditions are refused.

import {
  CopyObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { CopyObjectCommandInput } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import {
  ODD_KEYS,
  PART_BYTES,
  patterned,
  refusal,
  startS3,
  statusOf,
} from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

type Query = Partial<CopyObjectCommandInput>;

const sourceOf = (bucket: string, key: string) => `${bucket}/${encodeURIComponent(key)}`;
const copy = ({ client, bucket }: S3Lab, from: string, Key: string, query: Query = {}) => {
  const input = { Bucket: bucket, Key, CopySource: sourceOf(bucket, from), ...query };
  return client.send(new CopyObjectCommand(input));
};
const read = async ({ client, bucket }: S3Lab, Key: string) => {
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return Buffer.from((await object.Body?.transformToByteArray()) ?? new Uint8Array());
};
const headOf = ({ client, bucket }: S3Lab, Key: string) =>
  client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
const tagsOf = async ({ client, bucket }: S3Lab, Key: string) =>
  (await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))).TagSet;

test.each([0, 5, 16_385, 2_000_000])("a copy of %i bytes has them all", async (sizeBytes) => {
  const lab = await startS3();
  const body = patterned(sizeBytes);
  const etag = await lab.givenObject("from", body);
  const { CopyObjectResult } = await copy(lab, "from", "to");
  expect(CopyObjectResult?.ETag).toBe(etag);
  expect(CopyObjectResult?.LastModified).toBeInstanceOf(Date);
  expect(Buffer.compare(await read(lab, "to"), body)).toBe(0);
});

test("a copy outlives its source", async () => {
  const lab = await startS3();
  const body = patterned(300_000);
  await lab.givenObject("from", body);
  await copy(lab, "from", "to");
  await lab.givenObject("from", "replaced");
  expect(Buffer.compare(await read(lab, "to"), body)).toBe(0);
});

test("a multipart object is copied into a single one", async () => {
  const lab = await startS3();
  const body = patterned(PART_BYTES + 1_000);
  await lab.givenMultipart("from", [body.subarray(0, PART_BYTES), body.subarray(PART_BYTES)]);
  const { CopyObjectResult } = await copy(lab, "from", "to");
  expect(CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(Buffer.compare(await read(lab, "to"), body)).toBe(0);
});

test("every odd key can be copied from and to", async () => {
  const lab = await startS3();
  for (const key of ODD_KEYS) {
    await lab.givenObject(key, key);
    await copy(lab, key, `copy of ${key}`);
    expect((await read(lab, `copy of ${key}`)).toString()).toBe(key);
  }
});

test("metadata and tags go along unless they are replaced", async () => {
  const lab = await startS3();
  const given = { ContentType: "audio/ogg", Metadata: { one: "1" }, Tagging: "a=1" };
  await lab.givenObject("from", "body", { ...given, CacheControl: "no-cache" });

  await copy(lab, "from", "same", { Metadata: { ignored: "yes" }, Tagging: "ignored=yes" });
  expect(await headOf(lab, "same")).toMatchObject({
    ContentType: "audio/ogg",
    CacheControl: "no-cache",
    Metadata: { one: "1" },
  });
  expect(await tagsOf(lab, "same")).toEqual([{ Key: "a", Value: "1" }]);

  await copy(lab, "from", "new", {
    MetadataDirective: "REPLACE",
    ContentType: "audio/mpeg",
    Metadata: { two: "2" },
    TaggingDirective: "REPLACE",
    Tagging: "b=2",
  });
  const replaced = await headOf(lab, "new");
  expect(replaced).toMatchObject({ ContentType: "audio/mpeg", Metadata: { two: "2" } });
  expect(replaced.CacheControl).toBeUndefined();
  expect(await tagsOf(lab, "new")).toEqual([{ Key: "b", Value: "2" }]);
});

test("a redirect and a storage class belong to their object alone", async () => {
  const lab = await startS3();
  const more = { WebsiteRedirectLocation: "/a", StorageClass: "STANDARD_IA" } as const;
  await lab.givenObject("from", "body", more);
  await copy(lab, "from", "plain");
  const plain = await headOf(lab, "plain");
  expect([plain.WebsiteRedirectLocation, plain.StorageClass]).toEqual([undefined, undefined]);
  await copy(lab, "from", "own", { WebsiteRedirectLocation: "/b", StorageClass: "ONEZONE_IA" });
  expect(await headOf(lab, "own")).toMatchObject({
    WebsiteRedirectLocation: "/b",
    StorageClass: "ONEZONE_IA",
  });
});

test("an object is copied onto itself only where that changes something", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "body", { Metadata: { old: "1" } });
  expect(await refusal(copy(lab, "key", "key"))).toEqual({ code: "InvalidRequest", status: 400 });
  await copy(lab, "key", "key", { MetadataDirective: "REPLACE", Metadata: { foo: "bar" } });
  expect((await headOf(lab, "key")).Metadata).toEqual({ foo: "bar" });
  await copy(lab, "key", "key", { StorageClass: "STANDARD_IA" });
  expect(await headOf(lab, "key")).toMatchObject({
    StorageClass: "STANDARD_IA",
    Metadata: { foo: "bar" },
  });
  expect((await read(lab, "key")).toString()).toBe("body");
});

test("a checksum is computed for the copy where one is asked for", async () => {
  const lab = await startS3();
  await lab.givenObject("from", "hello world", { ChecksumAlgorithm: "CRC32" });
  const kept = await copy(lab, "from", "kept");
  expect(kept.CopyObjectResult?.ChecksumCRC32).toBe("DUoRhQ==");
  const made = await copy(lab, "from", "made", { ChecksumAlgorithm: "SHA256" });
  expect(made.CopyObjectResult).toMatchObject({
    ChecksumSHA256: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
    ChecksumType: "FULL_OBJECT",
  });
});

const PAST = new Date(Date.UTC(2001, 0, 1));
const FUTURE = new Date(Date.UTC(2100, 0, 1));

test.each<[string, (etag: string) => Query, number]>([
  ["its ETag", (etag) => ({ CopySourceIfMatch: etag }), 200],
  ["another ETag", () => ({ CopySourceIfMatch: "ABCORZ" }), 412],
  ["not its ETag", (etag) => ({ CopySourceIfNoneMatch: etag }), 412],
  ["not another ETag", () => ({ CopySourceIfNoneMatch: "ABCORZ" }), 200],
  ["modified long ago", () => ({ CopySourceIfModifiedSince: PAST }), 200],
  ["modified in the future", () => ({ CopySourceIfModifiedSince: FUTURE }), 412],
  ["unmodified since long ago", () => ({ CopySourceIfUnmodifiedSince: PAST }), 412],
  ["unmodified since the future", () => ({ CopySourceIfUnmodifiedSince: FUTURE }), 200],
])("a copy on condition that the source has %s", async (_given, condition, status) => {
  const lab = await startS3();
  const etag = await lab.givenObject("from");
  expect(await statusOf(copy(lab, "from", "to", condition(etag)))).toBe(status);
});

test("a copy may be made on condition that its target is not there", async () => {
  const lab = await startS3();
  await lab.givenObject("from");
  await copy(lab, "from", "to", { IfNoneMatch: "*" });
  const again = refusal(copy(lab, "from", "to", { IfNoneMatch: "*" }));
  expect(await again).toEqual({ code: "PreconditionFailed", status: 412 });
});

test("a copy may be made on condition that its target is what it was", async () => {
  const lab = await startS3();
  await lab.givenObject("from", "new");
  const IfMatch = await lab.givenObject("to", "old");
  expect(await refusal(copy(lab, "from", "absent", { IfMatch }))).toEqual({
    code: "NoSuchKey",
    status: 404,
  });
  await copy(lab, "from", "to", { IfMatch });
  const again = refusal(copy(lab, "from", "to", { IfMatch }));
  expect(await again).toEqual({ code: "PreconditionFailed", status: 412 });
  expect((await read(lab, "to")).toString()).toBe("new");
});

test("another bucket of the account is a source, one of another account is not", async () => {
  const lab = await startS3();
  const mine = await lab.givenBucket();
  const theirs = await lab.givenBucket(lab.stranger);
  await lab.client.send(new PutObjectCommand({ Bucket: mine, Key: "k", Body: "mine" }));
  await lab.stranger.send(new PutObjectCommand({ Bucket: theirs, Key: "k", Body: "theirs" }));
  await copy(lab, "", "to", { CopySource: `/${mine}/k` });
  expect((await read(lab, "to")).toString()).toBe("mine");
  const stolen = copy(lab, "", "to", { CopySource: `/${theirs}/k` });
  expect(await refusal(stolen)).toEqual({ code: "AccessDenied", status: 403 });
});

test.each<[string, Query | ((bucket: string) => Query), string, number]>([
  ["a key that is not there", (b) => ({ CopySource: `${b}/absent` }), "NoSuchKey", 404],
  ["a bucket that is not there", { CopySource: "no-such-bucket/key" }, "NoSuchBucket", 404],
  ["no key", { CopySource: "bucket" }, "InvalidArgument", 400],
  ["an odd encoding", { CopySource: "b/%zz" }, "InvalidArgument", 400],
  ["an odd version", (b) => ({ CopySource: `${b}/from?versionId=1` }), "InvalidArgument", 400],
  ["an odd directive", { MetadataDirective: "MERGE" as "COPY" }, "InvalidArgument", 400],
  ["an odd tagging directive", { TaggingDirective: "MERGE" as "COPY" }, "InvalidArgument", 400],
  ["encryption", { ServerSideEncryption: "aws:kms" }, "NotImplemented", 501],
])("a copy with %s is refused", async (_given, query, code, status) => {
  const lab = await startS3();
  await lab.givenObject("from");
  const more = typeof query === "function" ? query(lab.bucket) : query;
  expect(await refusal(copy(lab, "from", "to", more))).toEqual({ code, status });
  expect(await refusal(headOf(lab, "to"))).toMatchObject({ status: 404 });
});
