// GetObject and HeadObject as clients meet them: bytes, ranges, parts, conditions. Whatever GET says in its headers
// HEAD says too.

import {
  GetObjectCommand,
  HeadObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { PART_BYTES, patterned, refusal, startS3, statusOf } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

type Query = Partial<GetObjectCommandInput>;

const get = ({ client, bucket }: S3Lab, Key: string, query: Query = {}) =>
  client.send(new GetObjectCommand({ Bucket: bucket, Key, ...query }));
const head = ({ client, bucket }: S3Lab, Key: string, query: Query = {}) =>
  client.send(new HeadObjectCommand({ Bucket: bucket, Key, ...query }));
const text = (object: GetObjectCommandOutput) => object.Body?.transformToString();

test("an object comes with its type, ETag, date and length", async () => {
  const lab = await startS3();
  const etag = await lab.givenObject("key", "testcontent");
  const expected = {
    AcceptRanges: "bytes",
    ContentLength: 11,
    ContentType: "application/octet-stream",
    ETag: etag,
    Metadata: {},
  };
  const object = await get(lab, "key");
  expect(object).toMatchObject(expected);
  expect(object.StorageClass).toBeUndefined();
  expect(object.VersionId).toBeUndefined();
  expect(object.$metadata.httpStatusCode).toBe(200);
  expect(await head(lab, "key")).toMatchObject(expected);
});

test.each([
  ["bytes=4-7", "cont", "bytes 4-7/11"],
  ["bytes=4-", "content", "bytes 4-10/11"],
  ["bytes=-7", "content", "bytes 4-10/11"],
  ["bytes=-50", "testcontent", "bytes 0-10/11"],
  ["bytes=0-0", "t", "bytes 0-0/11"],
  ["bytes=9-5000", "nt", "bytes 9-10/11"],
])("Range: %s is a 206 of those bytes", async (Range, expected, contentRange) => {
  const lab = await startS3();
  await lab.givenObject("key", "testcontent");
  const object = await get(lab, "key", { Range });
  expect(object.$metadata.httpStatusCode).toBe(206);
  expect(object.ContentRange).toBe(contentRange);
  expect(await text(object)).toBe(expected);
  expect(await head(lab, "key", { Range })).toMatchObject({
    ContentRange: contentRange,
    ContentLength: expected.length,
  });
});

test.each(["bytes=0-1,3-4", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=-"])(
  "Range: %s is passed over",
  async (Range) => {
    const lab = await startS3();
    await lab.givenObject("key", "testcontent");
    const object = await get(lab, "key", { Range });
    expect(object.$metadata.httpStatusCode).toBe(200);
    expect(await text(object)).toBe("testcontent");
  },
);

test.each([
  ["beyond the end", "testcontent", "bytes=40-50"],
  ["of the last no bytes", "testcontent", "bytes=-0"],
  ["of an empty object", "", "bytes=0-"],
  ["of the end of an empty object", "", "bytes=-5"],
])("a range %s is not satisfiable", async (_given, body, Range) => {
  const lab = await startS3();
  await lab.givenObject("key", body);
  expect(await refusal(get(lab, "key", { Range }))).toEqual({ code: "InvalidRange", status: 416 });
});

test("an empty object is a 200 without bytes", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "");
  const object = await get(lab, "key");
  expect([object.ContentLength, await text(object)]).toEqual([0, ""]);
});

test("ranges of a large object are byte-exact at every kind of edge", async () => {
  const lab = await startS3();
  const body = patterned(3 * 1024 * 1024 + 17);
  await lab.givenObject("key", body);
  const edges = [0, 1, 65_535, 65_536, 262_144, 1_048_577, body.length - 1];
  for (const [index, start] of edges.entries()) {
    const end = edges[index + 1] ?? body.length - 1;
    const object = await get(lab, "key", { Range: `bytes=${start}-${end}` });
    const got = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(Buffer.compare(got, body.subarray(start, end + 1))).toBe(0);
  }
});

test("a download goes on where it stopped only in the same object", async () => {
  const { givenObject, send } = await startS3();
  const etag = await givenObject("key", "testcontent");
  const from = (condition: string) =>
    send({ method: "GET", path: "key", headers: { range: "bytes=4-7", "if-range": condition } });
  expect(await from(etag)).toMatchObject({ status: 206, body: "cont" });
  expect(await from('"another"')).toMatchObject({ status: 200, body: "testcontent" });
});

const PAST = new Date(Date.UTC(2001, 0, 1));
const FUTURE = new Date(Date.UTC(2100, 0, 1));
const OTHER = '"0123456789abcdef0123456789abcdef"';

test.each<[string, (etag: string) => Query, number]>([
  ["If-Match with its ETag", (etag) => ({ IfMatch: etag }), 200],
  ["If-Match with a star", () => ({ IfMatch: "*" }), 200],
  ["If-Match with another ETag", () => ({ IfMatch: OTHER }), 412],
  ["If-None-Match with its ETag", (etag) => ({ IfNoneMatch: etag }), 304],
  ["If-None-Match with another ETag", () => ({ IfNoneMatch: OTHER }), 200],
  ["If-Modified-Since long ago", () => ({ IfModifiedSince: PAST }), 200],
  ["If-Modified-Since a later time", () => ({ IfModifiedSince: FUTURE }), 304],
  ["If-Unmodified-Since long ago", () => ({ IfUnmodifiedSince: PAST }), 412],
  ["If-Unmodified-Since a later time", () => ({ IfUnmodifiedSince: FUTURE }), 200],
  [
    "If-Match, which outweighs If-Unmodified-Since",
    (etag) => ({ IfMatch: etag, IfUnmodifiedSince: PAST }),
    200,
  ],
  [
    "If-None-Match, which outweighs If-Modified-Since",
    (etag) => ({ IfNoneMatch: etag, IfModifiedSince: PAST }),
    304,
  ],
])("%s", async (_given, condition, status) => {
  const lab = await startS3();
  const etag = await lab.givenObject("key");
  for (const read of [get, head]) {
    expect(await statusOf(read(lab, "key", condition(etag)))).toBe(status);
  }
});

test("a 304 says what did not change, and nothing more", async () => {
  const { givenObject, send } = await startS3();
  const etag = await givenObject("key", "body", { CacheControl: "max-age=60" });
  const answer = await send({ method: "GET", path: "key", headers: { "if-none-match": etag } });
  expect(answer).toMatchObject({ status: 304, body: "" });
  expect(answer.headers.get("etag")).toBe(etag);
  expect(answer.headers.get("last-modified")).toBeDefined();
  expect(answer.headers.get("cache-control")).toBe("max-age=60");
});

test("the query may replace headers of the answer", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "body", { ContentType: "text/plain" });
  const object = await get(lab, "key", {
    ResponseContentType: "image/png",
    ResponseContentDisposition: 'attachment; filename="a b.png"',
    ResponseCacheControl: "no-store",
  });
  expect(object).toMatchObject({
    ContentType: "image/png",
    ContentDisposition: 'attachment; filename="a b.png"',
    CacheControl: "no-store",
  });
});

test("parts of a multipart object are read by their number", async () => {
  const lab = await startS3();
  const bodies = [patterned(PART_BYTES, 1), patterned(PART_BYTES, 2), patterned(1_000, 3)];
  const etag = await lab.givenMultipart("key", bodies);
  let start = 0;
  for (const [index, body] of bodies.entries()) {
    const object = await get(lab, "key", { PartNumber: index + 1 });
    expect(object).toMatchObject({
      PartsCount: 3,
      ETag: etag,
      ContentLength: body.length,
      ContentRange: `bytes ${start}-${start + body.length - 1}/${2 * PART_BYTES + 1_000}`,
    });
    expect(object.$metadata.httpStatusCode).toBe(206);
    const got = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(Buffer.compare(got, body)).toBe(0);
    const asked = await head(lab, "key", { PartNumber: index + 1 });
    expect(asked).toMatchObject({ PartsCount: 3, ContentLength: body.length });
    start += body.length;
  }
  const beyond = refusal(get(lab, "key", { PartNumber: 4 }));
  expect(await beyond).toEqual({ code: "InvalidPartNumber", status: 416 });
});

test("ranges reach across the parts of a multipart object", async () => {
  const lab = await startS3();
  const whole = patterned(2 * PART_BYTES + 1_000);
  await lab.givenMultipart("key", [
    whole.subarray(0, PART_BYTES),
    whole.subarray(PART_BYTES, 2 * PART_BYTES),
    whole.subarray(2 * PART_BYTES),
  ]);
  const ranges = [
    [0, whole.length - 1],
    [PART_BYTES - 1, PART_BYTES],
    [PART_BYTES - 100_000, 2 * PART_BYTES + 10],
    [2 * PART_BYTES, 2 * PART_BYTES],
  ];
  for (const [start = 0, end = 0] of ranges) {
    const object = await get(lab, "key", { Range: `bytes=${start}-${end}` });
    const got = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(Buffer.compare(got, whole.subarray(start, end + 1))).toBe(0);
  }
});

test("an object of one PUT is its own first part, and has no other", async () => {
  const lab = await startS3();
  const etag = await lab.givenObject("key", "body");
  const object = await get(lab, "key", { PartNumber: 1 });
  expect([object.ETag, await text(object)]).toEqual([etag, "body"]);
  expect(object.PartsCount).toBeUndefined();
  const second = refusal(get(lab, "key", { PartNumber: 2 }));
  expect(await second).toEqual({ code: "InvalidPartNumber", status: 416 });
});

test("a checksum comes with the whole object and not with a range", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "hello world", { ChecksumAlgorithm: "SHA256" });
  const whole = await get(lab, "key", { ChecksumMode: "ENABLED" });
  expect(whole.ChecksumSHA256).toBe("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=");
  expect(whole.ChecksumType).toBe("FULL_OBJECT");
  const range = await get(lab, "key", { ChecksumMode: "ENABLED", Range: "bytes=0-3" });
  expect(range.ChecksumSHA256).toBeUndefined();
});

test("a part comes with its own checksum and the type of the object's", async () => {
  const lab = await startS3();
  await lab.givenMultipart("key", ["hello world"], { ChecksumAlgorithm: "SHA256" });
  const part = await get(lab, "key", { ChecksumMode: "ENABLED", PartNumber: 1 });
  expect(part).toMatchObject({
    ChecksumSHA256: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
    ChecksumType: "COMPOSITE",
  });
});

test.each<[string, Query, string, number]>([
  ["a key that is not there", { Key: "absent" }, "NoSuchKey", 404],
  ["part 0", { PartNumber: 0 }, "InvalidArgument", 400],
  ["part 10,001", { PartNumber: 10_001 }, "InvalidArgument", 400],
  ["a range and a part", { PartNumber: 1, Range: "bytes=0-1" }, "InvalidRequest", 400],
  ["a version that never was one", { VersionId: "no-version" }, "InvalidArgument", 400],
  ["a version that is not there", { VersionId: "v".repeat(32) }, "NoSuchVersion", 404],
  ["a customer's key", { SSECustomerAlgorithm: "AES256" }, "InvalidArgument", 400],
])("%s is refused", async (_given, query, code, status) => {
  const lab = await startS3();
  await lab.givenObject("key");
  expect(await refusal(get(lab, "key", query))).toEqual({ code, status });
  expect(await refusal(head(lab, "key", query))).toMatchObject({ status });
});

test("the version of an unversioned object is called null", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  expect(await text(await get(lab, "key", { VersionId: "null" }))).toBe("body");
});

test("an error tells of the key, and HEAD tells it by the status alone", async () => {
  const { send } = await startS3();
  const answer = await send({ method: "GET", path: "absent" });
  expect(errorCode(answer)).toBe("NoSuchKey");
  expect(answer.body).toContain("<Key>absent</Key>");
  expect(await send({ method: "HEAD", path: "absent" })).toMatchObject({ status: 404, body: "" });
});
