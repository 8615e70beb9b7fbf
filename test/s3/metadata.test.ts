// What an object says of itself beside its bytes, as it went in and as it comes out: user metadata of any script and length,
// storage classes, redirects, and the headers that a request may override.

import {
  CopyObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from "@aws-sdk/client-s3";
import type { StorageClass } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { PART_BYTES, patterned, refusal, startS3 } from "../support/s3-server.ts";

/** As it goes over the wire: one character a byte. */
const wire = (text: string) => Buffer.from(text, "utf8").toString("latin1");

test.each([
  ["UTF-8, mostly ASCII", wire("Grüße an alle"), "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?="],
  ["UTF-8, mostly not", wire("金継ぎ"), "=?UTF-8?B?6YeR57aZ44GO?="],
  ["bytes that are no UTF-8", "caf\u00e9", "caf\u00e9"],
  ["an encoded word", "=?UTF-8?B?6YeR57aZ44GO?=", "=?UTF-8?B?6YeR57aZ44GO?="],
  ["plain text", "plain = text?", "plain = text?"],
])("user metadata: %s", async (_what, value, expected) => {
  const { send } = await startS3();
  const put = { method: "PUT", path: "key", headers: { "x-amz-meta-said": value }, body: "x" };
  expect((await send(put)).status).toBe(200);
  for (const method of ["GET", "HEAD"]) {
    const answer = await send({ method, path: "key" });
    expect(answer.headers.get("x-amz-meta-said")).toBe(expected);
  }
});

const ofBytes = (count: number) => ({ Metadata: { abc: "x".repeat(count - 3) } });

test("2 KiB of user metadata, names and values together, is the most, on every way in", async () => {
  const { bucket: Bucket, client, givenObject, givenUpload } = await startS3();
  await givenObject("key", "body", ofBytes(2_048));
  await givenUpload("parts", ofBytes(2_048));
  const tooLarge = { code: "MetadataTooLarge", status: 400 };
  expect(await refusal(givenObject("key", "body", ofBytes(2_049)))).toEqual(tooLarge);
  expect(await refusal(givenUpload("parts", ofBytes(2_049)))).toEqual(tooLarge);
  const copy = new CopyObjectCommand({
    Bucket,
    Key: "copy",
    CopySource: `${Bucket}/key`,
    MetadataDirective: "REPLACE",
    ...ofBytes(2_049),
  });
  expect(await refusal(client.send(copy))).toEqual(tooLarge);
  // UTF-8 counts by its bytes.
  const wide = { Metadata: { abc: "é".repeat(1_023) } };
  expect(await refusal(givenObject("key", "body", wide))).toEqual(tooLarge);
});

const CLASSES: readonly StorageClass[] = [
  "DEEP_ARCHIVE",
  "GLACIER",
  "GLACIER_IR",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
];

test.each(CLASSES)("%s is accepted and shown wherever a class is", async (name) => {
  const { bucket: Bucket, client, givenObject, givenMultipart } = await startS3();
  const given = { StorageClass: name };
  await givenObject("put", "x", given);
  await givenMultipart("parts", ["x"], given);
  const CopySource = `${Bucket}/put`;
  await client.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource, ...given }));
  await client.send(new CopyObjectCommand({ Bucket, Key: "plain", CopySource }));
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents?.map(({ Key, StorageClass: shown }) => [Key, shown])).toEqual([
    ["copy", name],
    ["parts", name],
    ["plain", "STANDARD"],
    ["put", name],
  ]);
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "parts" }));
  const ObjectAttributes = ["StorageClass" as const];
  const attributes = new GetObjectAttributesCommand({ Bucket, Key: "copy", ObjectAttributes });
  const { StorageClass: told } = await client.send(attributes);
  expect([head.StorageClass, told]).toEqual([name, name]);
});

test.each(["", "standard", "LUKEWARM", "OUTPOSTS", "EXPRESS_ONEZONE"])(
  "a storage class %j is refused",
  async (name) => {
    const { send } = await startS3();
    const headers = { "x-amz-storage-class": name };
    for (const request of [
      { method: "PUT", path: "key", headers },
      { method: "POST", path: "key?uploads", headers },
    ]) {
      const answer = await send(request);
      expect([answer.status, errorCode(answer)]).toEqual([400, "InvalidStorageClass"]);
    }
  },
);

test("how many parts there are is told to who asks for one of them", async () => {
  const { bucket: Bucket, client, givenMultipart, givenObject } = await startS3();
  await givenMultipart("parts", [patterned(PART_BYTES), "end"]);
  await givenObject("whole", "body");
  const head = (Key: string, PartNumber?: number) =>
    client.send(new HeadObjectCommand({ Bucket, Key, PartNumber }));
  expect((await head("parts")).PartsCount).toBeUndefined();
  expect(await head("parts", 2)).toMatchObject({ PartsCount: 2, ContentLength: 3 });
  expect((await head("whole", 1)).PartsCount).toBeUndefined();
  const get = new GetObjectCommand({ Bucket, Key: "parts", PartNumber: 2 });
  const got = await client.send(get);
  expect(await got.Body?.transformToString()).toBe("end");
  expect(got).toMatchObject({ PartsCount: 2, ContentRange: "bytes 5242880-5242882/5242883" });
  const third = client.send(new GetObjectCommand({ Bucket, Key: "parts", PartNumber: 3 }));
  expect(await refusal(third)).toEqual({ code: "InvalidPartNumber", status: 416 });
});

test("Expires comes back as it went in, be it a date or not", async () => {
  const { send } = await startS3();
  for (const expires of ["Wed, 21 Oct 2015 07:28:00 GMT", "0", "in a while"]) {
    await send({ method: "PUT", path: "key", headers: { expires }, body: "x" });
    expect((await send({ method: "HEAD", path: "key" })).headers.get("expires")).toBe(expires);
  }
});

test("a request overrides what the object says of itself, for its own answer alone", async () => {
  const { bucket: Bucket, client, givenObject } = await startS3();
  await givenObject("key", "body", { ContentType: "text/plain", CacheControl: "no-cache" });
  const overrides = {
    ResponseCacheControl: "max-age=60",
    ResponseContentDisposition: 'attachment; filename="a.txt"',
    ResponseContentEncoding: "identity",
    ResponseContentLanguage: "ja",
    ResponseContentType: "text/markdown",
    ResponseExpires: new Date(0),
  };
  const object = { Bucket, Key: "key" };
  expect(await client.send(new GetObjectCommand({ ...object, ...overrides }))).toMatchObject({
    CacheControl: "max-age=60",
    ContentDisposition: 'attachment; filename="a.txt"',
    ContentEncoding: "identity",
    ContentLanguage: "ja",
    ContentType: "text/markdown",
    ExpiresString: "Thu, 01 Jan 1970 00:00:00 GMT",
  });
  const plain = await client.send(new HeadObjectCommand(object));
  expect(plain).toMatchObject({ ContentType: "text/plain", CacheControl: "no-cache" });
});
