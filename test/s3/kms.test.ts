// SSE-KMS with keys that the server was given: by header, by the bucket's default, by POST form; what answers say of the
// key; copies and uploads; keys that are not there; and policies that speak of keys.

import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type StartedServer } from "../../src/index.ts";
import { formOf, signFormV4 } from "../support/post-form.ts";

const KMS = { ServerSideEncryption: "aws:kms" } as const;
const RED = "arn:aws:kms:us-east-1:123456789012:key/red";
const Bucket = "kms";

let server: StartedServer;
let client: S3Client;

beforeAll(async () => {
  const kmsKeys = `red=${"1f".repeat(31)}aa, blue=${"2f".repeat(31)}aa`;
  server = await startServer({ kmsKeys, buckets: [Bucket] });
  const { accessKey: accessKeyId, secretKey: secretAccessKey, endpoint } = server;
  client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

async function get(Key: string) {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
  return { ...answer, text: await answer.Body?.transformToString() };
}

test("every answer names the key as the client did; the bytes come back; the ETag is no MD5", async () => {
  const named = { ...KMS, SSEKMSKeyId: RED };
  const put = await client.send(
    new PutObjectCommand({ Bucket, Key: "key", Body: "words", ...named }),
  );
  expect(put).toMatchObject(named);
  expect(put.ETag).not.toBe(`"${createHash("md5").update("words").digest("hex")}"`);
  expect(await client.send(new HeadObjectCommand({ Bucket, Key: "key" }))).toMatchObject(named);
  const got = await get("key");
  expect(got).toMatchObject({ ...named, text: "words" });
  const range = new GetObjectCommand({ Bucket, Key: "key", Range: "bytes=1-2" });
  expect(await (await client.send(range)).Body?.transformToString()).toBe("or");
});

test("an upload in parts, and copies under other keys", async () => {
  const named = { ...KMS, SSEKMSKeyId: "alias/blue" };
  const begun = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key: "parts", ...named }),
  );
  expect(begun).toMatchObject(named);
  const upload = { Bucket, Key: "parts", UploadId: begun.UploadId };
  const part = await client.send(
    new UploadPartCommand({ ...upload, PartNumber: 1, Body: "a part" }),
  );
  expect(part).toMatchObject(named);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
  const done = await client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }),
  );
  expect(done).toMatchObject(named);
  for (const wanted of [
    { ...KMS, SSEKMSKeyId: "red" },
    { ServerSideEncryption: "AES256" as const },
  ]) {
    const copy = { Bucket, Key: "copy", CopySource: `${Bucket}/parts`, ...wanted };
    expect(await client.send(new CopyObjectCommand(copy))).toMatchObject(wanted);
    expect(await get("copy")).toMatchObject({ ...wanted, text: "a part" });
  }
});

test.each([
  ["a key that is not there", { ...KMS, SSEKMSKeyId: "green" }, "KMS.NotFoundException"],
  ["the default key, which was not given", KMS, "KMS.NotFoundException"],
  [
    "an ARN of something else",
    { ...KMS, SSEKMSKeyId: "arn:aws:iam::1:role/red" },
    "KMS.NotFoundException",
  ],
  ["a context", { ...KMS, SSEKMSKeyId: "red", SSEKMSEncryptionContext: "e30=" }, "NotImplemented"],
  ["two layers", { ServerSideEncryption: "aws:kms:dsse", SSEKMSKeyId: "red" }, "NotImplemented"],
  ["a bucket key", { ...KMS, SSEKMSKeyId: "red", BucketKeyEnabled: true }, "NotImplemented"],
] as const)("%s: nothing is stored", async (_what, more, name) => {
  const put = new PutObjectCommand({ Bucket, Key: "none", Body: "words", ...more });
  await expect(client.send(put)).rejects.toMatchObject({ name });
  await expect(get("none")).rejects.toMatchObject({ name: "NoSuchKey" });
});

async function givenDefault(name: string, KMSMasterKeyID: string): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: name }));
  await client.send(
    new PutBucketEncryptionCommand({
      Bucket: name,
      ServerSideEncryptionConfiguration: {
        Rules: [
          { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID } },
        ],
      },
    }),
  );
}

test("a bucket's default holds for puts and forms that say nothing; it reads back as it was put", async () => {
  const name = "kms-default";
  await givenDefault(name, RED);
  const read = await client.send(new GetBucketEncryptionCommand({ Bucket: name }));
  expect(read.ServerSideEncryptionConfiguration?.Rules?.[0]).toMatchObject({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: RED },
  });
  await client.send(new PutObjectCommand({ Bucket: name, Key: "put", Body: "words" }));
  const signed = signFormV4(server, { bucket: name, conditions: [{ key: "form" }] });
  const { contentType, body } = formOf([
    ["key", "form"],
    ...signed,
    { name: "file", fileName: "name.txt", body: "words" },
  ]);
  const sent = { method: "POST", headers: { "content-type": contentType }, body };
  expect((await fetch(`${server.endpoint}/${name}`, sent)).status).toBe(204);
  for (const Key of ["put", "form"]) {
    const head = await client.send(new HeadObjectCommand({ Bucket: name, Key }));
    expect(head, Key).toMatchObject({ ...KMS, SSEKMSKeyId: RED });
  }
  const plain = new PutObjectCommand({
    Bucket: name,
    Key: "own",
    Body: "words",
    ServerSideEncryption: "AES256",
  });
  expect((await client.send(plain)).ServerSideEncryption).toBe("AES256");
});

test("a default that cannot be met is refused", async () => {
  await expect(givenDefault("kms-missing", "green")).rejects.toMatchObject({
    name: "KMS.NotFoundException",
  });
});

test("a policy says which key must be asked for", async () => {
  const name = "kms-policy";
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const statement = {
    Effect: "Deny",
    Principal: "*",
    Action: "s3:PutObject",
    Resource: `arn:aws:s3:::${name}/*`,
    Condition: { StringNotEquals: { "s3:x-amz-server-side-encryption-aws-kms-key-id": RED } },
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
  const put = (more: object) =>
    client.send(new PutObjectCommand({ Bucket: name, Key: "key", Body: "words", ...more }));
  await put({ ...KMS, SSEKMSKeyId: RED });
  await expect(put({ ...KMS, SSEKMSKeyId: "blue" })).rejects.toMatchObject({
    name: "AccessDenied",
  });
  await expect(put({})).rejects.toMatchObject({ name: "AccessDenied" });
});
