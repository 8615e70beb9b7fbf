// PutObject as clients meet it: what is stored, what is echoed, what is refused and leaves no trace.

import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { byUtf8, ODD_KEYS, patterned, refusal, startS3 } from "../support/s3-server.ts";

const md5 = (data: Uint8Array | string) => createHash("md5").update(data).digest("hex");

test("an object is stored with the MD5 of its bytes as a quoted ETag", async () => {
  const { client, bucket, givenObject } = await startS3();
  expect(await givenObject("key", "hello")).toBe(`"${md5("hello")}"`);
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(await object.Body?.transformToString()).toBe("hello");
});

test.each([0, 1, 16_384, 16_385, 1_048_577, 5_500_000])(
  "%i bytes come back as they went",
  async (sizeBytes) => {
    const { client, bucket, givenObject } = await startS3();
    const body = patterned(sizeBytes);
    await givenObject("key", body);
    const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "key" }));
    expect(object.ContentLength).toBe(sizeBytes);
    const got = await object.Body?.transformToByteArray();
    expect(Buffer.compare(got ?? new Uint8Array(), body)).toBe(0);
  },
);

test("every odd key is an object of its own", async () => {
  const { client, bucket, givenObject } = await startS3();
  for (const key of ODD_KEYS) await givenObject(key, key);
  for (const Key of ODD_KEYS) {
    const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    expect(await object.Body?.transformToString()).toBe(Key);
  }
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: "url" }));
  const keys = (page.Contents ?? []).map((object) => decodeURIComponent(object.Key ?? ""));
  expect(keys).toEqual([...ODD_KEYS].toSorted(byUtf8));
});

test("a key of 1,024 bytes is taken and one of 1,025 is not", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("é".repeat(512));
  const put = client.send(
    new PutObjectCommand({ Bucket: bucket, Key: `${"é".repeat(512)}x`, Body: "x" }),
  );
  expect(await refusal(put)).toEqual({ code: "KeyTooLongError", status: 400 });
});

test("system and user metadata come back", async () => {
  const { client, bucket, givenObject } = await startS3();
  const given = {
    CacheControl: "no-cache",
    ContentDisposition: "attachment",
    ContentEncoding: "gzip",
    ContentLanguage: "de",
    ContentType: "text/plain; charset=utf-8",
    Metadata: { one: "1", "two-two": "b  c", __proto__: "own" },
    WebsiteRedirectLocation: "/elsewhere",
  };
  await givenObject("key", "body", { ...given, Expires: new Date(Date.UTC(2030, 0, 1)) });
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(head).toMatchObject({ ...given, ExpiresString: "Tue, 01 Jan 2030 00:00:00 GMT" });
});

test("an overwrite replaces metadata and tags with nothing", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("key", "old", { Metadata: { one: "1" }, Tagging: "a=1" });
  await givenObject("key", "new");
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(object.Metadata).toEqual({});
  expect(object.TagCount).toBeUndefined();
  expect(await object.Body?.transformToString()).toBe("new");
});

test("Latin-1 metadata is echoed byte for byte", async () => {
  const { send } = await startS3();
  const headers = { "x-amz-meta-name": "Hello World\u00e9" };
  const put = await send({ method: "PUT", path: "key", headers, body: "x" });
  expect(put.status).toBe(200);
  const head = await send({ method: "HEAD", path: "key" });
  expect(head.headers.get("x-amz-meta-name")).toBe("Hello World\u00e9");
});

test("more than 2 KiB of user metadata is refused", async () => {
  const { send } = await startS3();
  const headers = { "x-amz-meta-long": "x".repeat(2_045) };
  const answer = await send({ method: "PUT", path: "key", headers });
  expect([answer.status, errorCode(answer)]).toEqual([400, "MetadataTooLarge"]);
});

test.each([
  ["CRC32", "ChecksumCRC32"],
  ["CRC32C", "ChecksumCRC32C"],
  ["CRC64NVME", "ChecksumCRC64NVME"],
  ["SHA1", "ChecksumSHA1"],
  ["SHA256", "ChecksumSHA256"],
] as const)("a %s checksum is verified, echoed and kept", async (algorithm, member) => {
  const { client, bucket, send } = await startS3();
  const vectors = {
    CRC32: "DUoRhQ==",
    CRC32C: "yZRlqg==",
    CRC64NVME: "jSnVw/bqjr4=",
    SHA1: "Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    SHA256: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
  };
  const value = vectors[algorithm];
  const put = await client.send(
    new PutObjectCommand({ Bucket: bucket, Key: "key", Body: "hello world", [member]: value }),
  );
  expect(put).toMatchObject({ [member]: value, ChecksumType: "FULL_OBJECT" });

  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(head[member]).toBeUndefined();
  const asked = await client.send(
    new HeadObjectCommand({ Bucket: bucket, Key: "key", ChecksumMode: "ENABLED" }),
  );
  expect(asked).toMatchObject({ [member]: value, ChecksumType: "FULL_OBJECT" });

  const header = `x-amz-checksum-${algorithm.toLowerCase()}`;
  const wrong = { method: "PUT", path: "key", headers: { [header]: value }, body: "other" };
  expect(errorCode(await send(wrong))).toBe("BadDigest");
  const kept = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(await kept.Body?.transformToString()).toBe("hello world");
});

test("F64 a wrong Content-MD5 leaves what was there before", async () => {
  const { client, bucket, givenObject, send } = await startS3();
  await givenObject("key", "old");
  const headers = { "content-md5": createHash("md5").update("other").digest("base64") };
  const answer = await send({ method: "PUT", path: "key", headers, body: "new" });
  expect([answer.status, errorCode(answer)]).toEqual([400, "BadDigest"]);
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "key" }));
  expect(await object.Body?.transformToString()).toBe("old");
});

test("tags come with the object, sorted by key when they are read", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("key", "body", { Tagging: "foo=bar&bar&sp%20ace=a+b" });
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: "key" }));
  expect(TagSet).toEqual([
    { Key: "bar", Value: "" },
    { Key: "foo", Value: "bar" },
    { Key: "sp ace", Value: "a b" },
  ]);
});

test("a storage class is kept, and shown unless it is STANDARD", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("cold", "x", { StorageClass: "STANDARD_IA" });
  await givenObject("plain", "x", { StorageClass: "STANDARD" });
  const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
  expect((await head("cold")).StorageClass).toBe("STANDARD_IA");
  expect((await head("plain")).StorageClass).toBeUndefined();
});

const REFUSED: readonly (readonly [string, Partial<PutObjectCommandInput>, string, number])[] = [
  [
    "an unknown storage class",
    { StorageClass: "LUKEWARM" as "STANDARD" },
    "InvalidStorageClass",
    400,
  ],
  ["encryption by KMS", { ServerSideEncryption: "aws:kms" }, "NotImplemented", 501],
  ["a public ACL", { ACL: "public-read" }, "AccessControlListNotSupported", 400],
  ["a grant to nobody", { GrantRead: "id=1" }, "InvalidArgument", 400],
  ["a lock", { ObjectLockLegalHoldStatus: "ON" }, "InvalidRequest", 400],
  ["an append", { WriteOffsetBytes: 0 }, "NotImplemented", 501],
  ["eleven tags", { Tagging: "abcdefghijk".split("").join("=1&") }, "InvalidTag", 400],
  ["the same tag twice", { Tagging: "a=1&a=2" }, "InvalidTag", 400],
  ["a redirect to nowhere", { WebsiteRedirectLocation: "nowhere" }, "InvalidRedirectLocation", 400],
];

test.each(REFUSED)("%s is refused and nothing is stored", async (_given, more, code, status) => {
  const { client, bucket, givenObject } = await startS3();
  expect(await refusal(givenObject("key", "body", more))).toEqual({ code, status });
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(page.KeyCount).toBe(0);
});

test.each(["uploadId=x", "partNumber=1"])(
  "a PUT with %s alone does not overwrite",
  async (query) => {
    const { givenObject, send } = await startS3();
    await givenObject("key", "old");
    const answer = await send({ method: "PUT", path: `key?${query}`, body: "new" });
    expect([answer.status, errorCode(answer)]).toEqual([400, "InvalidArgument"]);
  },
);

test("If-None-Match: * creates once", async () => {
  const { givenObject } = await startS3();
  await givenObject("key", "first", { IfNoneMatch: "*" });
  const second = refusal(givenObject("key", "second", { IfNoneMatch: "*" }));
  expect(await second).toEqual({ code: "PreconditionFailed", status: 412 });
});

test("If-Match writes over that version alone", async () => {
  const { givenObject } = await startS3();
  const etag = await givenObject("key", "first");
  await givenObject("key", "second", { IfMatch: etag });
  expect(await refusal(givenObject("key", "third", { IfMatch: etag }))).toEqual({
    code: "PreconditionFailed",
    status: 412,
  });
  expect(await refusal(givenObject("absent", "x", { IfMatch: etag }))).toEqual({
    code: "NoSuchKey",
    status: 404,
  });
});

test("of many writers with If-None-Match: * exactly one wins", async () => {
  const { givenObject } = await startS3();
  const writers = Array.from({ length: 8 }, (_, index) =>
    givenObject("key", `writer ${index}`, { IfNoneMatch: "*" }),
  );
  const outcomes = await Promise.allSettled(writers);
  expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
});

test("a bucket that is not there, and one of somebody else", async () => {
  const { client, givenBucket, stranger } = await startS3();
  const put = (Bucket: string) =>
    refusal(client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "x" })));
  expect(await put("no-such-bucket-anywhere")).toEqual({ code: "NoSuchBucket", status: 404 });
  expect(await put(await givenBucket(stranger))).toEqual({ code: "AccessDenied", status: 403 });
});
