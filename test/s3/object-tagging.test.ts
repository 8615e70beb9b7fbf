// GetObjectTagging, PutObjectTagging and DeleteObjectTagging as clients meet them.

import {
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import type { Tag } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

const put = ({ client, bucket }: S3Lab, Key: string, TagSet: Tag[], VersionId?: string) =>
  client.send(new PutObjectTaggingCommand({ Bucket: bucket, Key, Tagging: { TagSet }, VersionId }));
const get = async ({ client, bucket }: S3Lab, Key: string) =>
  (await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))).TagSet;
const tags = (count: number, keyLength = 1, valueLength = 1): Tag[] =>
  Array.from({ length: count }, (_, index) => ({
    Key: String.fromCharCode(97 + index).repeat(keyLength),
    Value: "v".repeat(valueLength),
  }));

test("an object has no tags, then these, then those, then none", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  expect(await get(lab, "key")).toEqual([]);
  await put(lab, "key", tags(2));
  expect(await get(lab, "key")).toEqual(tags(2));
  await put(lab, "key", [{ Key: "other", Value: "" }]);
  expect(await get(lab, "key")).toEqual([{ Key: "other", Value: "" }]);
  const request = new DeleteObjectTaggingCommand({ Bucket: lab.bucket, Key: "key" });
  expect((await lab.client.send(request)).$metadata.httpStatusCode).toBe(204);
  expect(await get(lab, "key")).toEqual([]);
});

test("the number of tags is told by GET and HEAD, and the bytes stay as they are", async () => {
  const lab = await startS3();
  const etag = await lab.givenObject("key", "bytes");
  await put(lab, "key", tags(3));
  const place = { Bucket: lab.bucket, Key: "key" };
  const object = await lab.client.send(new GetObjectCommand(place));
  expect(object).toMatchObject({ TagCount: 3, ETag: etag });
  expect(await object.Body?.transformToString()).toBe("bytes");
  const head = await lab.client.send(new HeadObjectCommand(place));
  expect(head.TagCount).toBe(3);
});

test("ten tags of the greatest length and of any script are taken", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  await put(lab, "key", tags(10, 128, 256));
  expect(await get(lab, "key")).toEqual(tags(10, 128, 256));
  const script = [{ Key: "ключ +-=._:/@", Value: "値 1" }];
  await put(lab, "key", script);
  expect(await get(lab, "key")).toEqual(script);
});

test.each([
  ["eleven tags", tags(11)],
  ["a key that is too long", tags(1, 129)],
  ["a value that is too long", tags(1, 1, 257)],
  ["an empty key", [{ Key: "", Value: "v" }]],
  ["a key twice", [...tags(1), ...tags(1)]],
  ["a key of the system", [{ Key: "aws:x", Value: "v" }]],
  ["a character that is not allowed", [{ Key: "a{", Value: "v" }]],
])("%s: refused, and the tags stay as they were", async (_given, set) => {
  const lab = await startS3();
  await lab.givenObject("key", "body", { Tagging: "kept=1" });
  expect(await refusal(put(lab, "key", set))).toEqual({ code: "InvalidTag", status: 400 });
  expect(await get(lab, "key")).toEqual([{ Key: "kept", Value: "1" }]);
});

test("tags of what is not there", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  const absent = { code: "NoSuchKey", status: 404 };
  expect(await refusal(get(lab, "absent"))).toEqual(absent);
  expect(await refusal(put(lab, "absent", tags(1)))).toEqual(absent);
  expect(await refusal(put(lab, "key", tags(1), "v".repeat(32)))).toEqual({
    code: "NoSuchVersion",
    status: 404,
  });
});
