// DeleteObject and DeleteObjects as clients meet them: what goes, what stays, and what is said of each key.

import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
} from "@aws-sdk/client-s3";
import type { ObjectIdentifier } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { ODD_KEYS, refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

const deleteAll = ({ client, bucket }: S3Lab, Objects: ObjectIdentifier[], Quiet?: boolean) =>
  client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet } }));
const countOf = async ({ client, bucket }: S3Lab) =>
  (await client.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount;

function postDelete({ send }: S3Lab, body: string) {
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  return send({ method: "POST", path: "?delete", headers, body });
}

test("a key is removed, and removing it again is no error", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  for (let round = 0; round < 2; round += 1) {
    const request = new DeleteObjectCommand({ Bucket: lab.bucket, Key: "key" });
    expect((await lab.client.send(request)).$metadata.httpStatusCode).toBe(204);
  }
  expect(await countOf(lab)).toBe(0);
});

test("a key below another stays when the other goes", async () => {
  const lab = await startS3();
  for (const key of ["a", "a/", "a/b"]) await lab.givenObject(key);
  await lab.client.send(new DeleteObjectCommand({ Bucket: lab.bucket, Key: "a/" }));
  expect(await countOf(lab)).toBe(2);
});

test.each([
  ["an ETag", () => ({ IfMatch: '"x"' })],
  ["a size", () => ({ IfMatchSize: 5 })],
  ["a time", () => ({ IfMatchLastModifiedTime: new Date(0) })],
])("a delete whose condition names another object by %s removes nothing", async (_given, wrong) => {
  const lab = await startS3();
  await lab.givenObject("key", "body");
  const request = new DeleteObjectCommand({ Bucket: lab.bucket, Key: "key", ...wrong() });
  const failed = { code: "PreconditionFailed", status: 412 };
  expect(await refusal(lab.client.send(request))).toEqual(failed);
  expect(await countOf(lab)).toBe(1);
});

test("a delete whose conditions hold removes the object; without an object there is none to match", async () => {
  const lab = await startS3();
  const at = { Bucket: lab.bucket, Key: "key" };
  const IfMatch = await lab.givenObject("key", "body");
  const head = await lab.client.send(new HeadObjectCommand(at));
  const request = new DeleteObjectCommand({
    ...at,
    IfMatch,
    IfMatchSize: 4,
    IfMatchLastModifiedTime: head.LastModified,
  });
  await lab.client.send(request);
  expect(await countOf(lab)).toBe(0);
  for (const match of [IfMatch, "*"]) {
    const again = lab.client.send(new DeleteObjectCommand({ ...at, IfMatch: match }));
    expect(await refusal(again)).toEqual({ code: "NoSuchKey", status: 404 });
  }
});

test.each([
  ["if-none-match", "*", 501, "NotImplemented"],
  ["x-amz-if-match-size", "many", 400, "InvalidArgument"],
  ["x-amz-if-match-last-modified-time", "then", 400, "InvalidArgument"],
])(
  "a delete with %s: %s is refused rather than done without it",
  async (name, value, status, code) => {
    const lab = await startS3();
    await lab.givenObject("key");
    const answer = await lab.send({ method: "DELETE", path: "key", headers: { [name]: value } });
    expect([answer.status, errorCode(answer)]).toEqual([status, code]);
    expect(await countOf(lab)).toBe(1);
  },
);

test("many keys go at once, those that were never there too", async () => {
  const lab = await startS3();
  for (const key of ODD_KEYS) await lab.givenObject(key);
  const objects = [...ODD_KEYS, "never there"].map((Key) => ({ Key }));
  const { Deleted, Errors } = await deleteAll(lab, objects);
  expect(Errors).toBeUndefined();
  expect(Deleted?.map((entry) => entry.Key)).toEqual(objects.map((entry) => entry.Key));
  expect(await countOf(lab)).toBe(0);
});

test.each([
  ["an entry of two keys", "<Object><Key>a</Key><Key>b</Key></Object>"],
  ["a key of elements", "<Object><Key><b>a</b></Key></Object>"],
  ["a key of nothing", "<Object><Key/></Object>"],
  ["text beside a key", "<Object>text<Key>a</Key></Object>"],
  ["another element", "<Object><Name>a</Name></Object>"],
])("%s is no list of keys, and nothing goes", async (_given, entry) => {
  const lab = await startS3();
  await lab.givenObject("a");
  const answer = await postDelete(lab, `<Delete><Object><Key>a</Key></Object>${entry}</Delete>`);
  expect([answer.status, errorCode(answer)]).toEqual([400, "MalformedXML"]);
  expect(await countOf(lab)).toBe(1);
});

test("white space beside a key is nothing, and in it, it is the key's", async () => {
  const lab = await startS3();
  for (const key of ["a", " ", "b<c"]) await lab.givenObject(key);
  const keys = ["<Key>a</Key>", "\n <Key> </Key>\n ", "<Key><![CDATA[b<c]]></Key>"];
  const entries = keys.map((key) => `<Object>${key}</Object>`).join("\n");
  const answer = await postDelete(lab, `<Delete>${entries}</Delete>`);
  expect(answer.status).toBe(200);
  expect(await countOf(lab)).toBe(0);
});

test("a policy that comes to deny keys keeps them, where nothing had been disputed before", async () => {
  const lab = await startS3();
  const keys = Array.from({ length: 6 }, (_, nth) => `${nth % 2 === 0 ? "kept" : "free"}/${nth}`);
  const objects = keys.map((Key) => ({ Key }));
  for (const key of keys) await lab.givenObject(key);
  expect((await deleteAll(lab, objects)).Errors).toBeUndefined();
  for (const key of keys) await lab.givenObject(key);
  const Statement = {
    Effect: "Deny",
    Principal: "*",
    Action: "s3:DeleteObject",
    Resource: `arn:aws:s3:::${lab.bucket}/kept/*`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await lab.client.send(new PutBucketPolicyCommand({ Bucket: lab.bucket, Policy }));
  const { Deleted, Errors } = await deleteAll(lab, objects);
  expect(Deleted?.map(({ Key }) => Key)).toEqual(["free/1", "free/3", "free/5"]);
  expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual(
    ["kept/0", "kept/2", "kept/4"].map((key) => [key, "AccessDenied"]),
  );
  expect(await countOf(lab)).toBe(3);
});

test("a quiet request hears of errors alone", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  const objects = [{ Key: "key" }, { Key: "other", VersionId: "v" }];
  const { Deleted, Errors } = await deleteAll(lab, objects, true);
  expect(Deleted).toBeUndefined();
  expect(Errors).toMatchObject([{ Key: "other", Code: "NoSuchVersion" }]);
  expect(await countOf(lab)).toBe(0);
});

test("each key has a verdict of its own", async () => {
  const lab = await startS3();
  for (const key of ["null version", "other version", "condition"]) await lab.givenObject(key);
  const { Deleted, Errors } = await deleteAll(lab, [
    { Key: "null version", VersionId: "null" },
    { Key: "other version", VersionId: "1" },
    { Key: "condition", ETag: '"x"' },
    { Key: "x".repeat(1_025) },
  ]);
  expect(Deleted).toEqual([{ Key: "null version", VersionId: "null" }]);
  expect(Errors?.map((error) => error.Code)).toEqual([
    "NoSuchVersion",
    "PreconditionFailed",
    "KeyTooLongError",
  ]);
  expect(await countOf(lab)).toBe(2);
});

test("each key may have conditions of its own", async () => {
  const lab = await startS3();
  const ETag = await lab.givenObject("match", "body");
  for (const key of ["other", "size"]) await lab.givenObject(key, "body");
  const { Deleted, Errors } = await deleteAll(lab, [
    { Key: "match", ETag, Size: 4 },
    { Key: "other", ETag: '"x"' },
    { Key: "size", Size: 5 },
    { Key: "nothing", ETag },
  ]);
  expect(Deleted).toEqual([{ Key: "match" }]);
  expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
    ["other", "PreconditionFailed"],
    ["size", "PreconditionFailed"],
    ["nothing", "NoSuchKey"],
  ]);
  expect(await countOf(lab)).toBe(2);
});

test("a thousand keys are taken, one more is not and nothing is removed", async () => {
  const lab = await startS3();
  await lab.givenObject("key-0");
  const keys = Array.from({ length: 1_001 }, (_, index) => ({ Key: `key-${index}` }));
  expect(await refusal(deleteAll(lab, keys))).toEqual({ code: "MalformedXML", status: 400 });
  expect(await countOf(lab)).toBe(1);
  const { Deleted } = await deleteAll(lab, keys.slice(0, 1_000));
  expect(Deleted).toHaveLength(1_000);
  expect(await countOf(lab)).toBe(0);
});

test.each([
  ["a number", "1.0"],
  ["a hex number", "0x10"],
  ["blanks around it", "<![CDATA[ a ]]>", " a "],
  ["a newline", "a&#10;b", "a\nb"],
  ["an escaped entity", "&amp;lt;", "&lt;"],
  ["markup", "<![CDATA[<b>]]>", "<b>"],
])("a key that is %s is exactly that key", async (_given, written, key = written) => {
  const lab = await startS3();
  await lab.givenObject(key);
  const xml = `<Delete><Object><Key>${written}</Key></Object></Delete>`;
  expect(await postDelete(lab, xml)).toMatchObject({ status: 200 });
  expect(await countOf(lab)).toBe(0);
});

test.each([
  ["no key", "<Delete></Delete>"],
  ["an empty key", "<Delete><Object><Key></Key></Object></Delete>"],
  ["an object without a key", "<Delete><Object/></Delete>"],
  ["two keys in one object", "<Delete><Object><Key>key</Key><Key>b</Key></Object></Delete>"],
  ["an unknown element", "<Delete><Object><Key>key</Key><All/></Object></Delete>"],
  ["a cut off end", "<Delete><Object><Key>key</Key></Object>"],
  ["two roots", "<Delete><Object><Key>key</Key></Object></Delete><Delete/>"],
])("a list with %s removes nothing", async (_given, xml) => {
  const lab = await startS3();
  await lab.givenObject("key");
  const answer = await postDelete(lab, xml);
  expect([answer.status, errorCode(answer)]).toEqual([400, "MalformedXML"]);
  expect(await countOf(lab)).toBe(1);
});

test("a list without a digest of it is refused", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  const body = "<Delete><Object><Key>key</Key></Object></Delete>";
  const answer = await lab.send({ method: "POST", path: "?delete", body });
  expect([answer.status, errorCode(answer)]).toEqual([400, "InvalidRequest"]);
  expect(await countOf(lab)).toBe(1);
});
