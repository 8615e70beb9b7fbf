// The default encryption of a bucket: set, read back, in force for every way in, and removed.

import {
  CopyObjectCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { PART_BYTES, startS3, type S3Lab } from "../support/s3-server.ts";

async function givenDefault({ client, bucket: Bucket }: S3Lab): Promise<void> {
  await client.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
}

test("it reads back as it was put, and is gone when it was deleted", async () => {
  const { client, bucket: Bucket } = await startS3();
  const get = () => client.send(new GetBucketEncryptionCommand({ Bucket }));
  const remove = () => client.send(new DeleteBucketEncryptionCommand({ Bucket }));
  const absent = { name: "ServerSideEncryptionConfigurationNotFoundError" };
  await expect(get()).rejects.toMatchObject(absent);
  expect((await remove()).$metadata.httpStatusCode).toBe(204);
  await client.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
            BucketKeyEnabled: true,
          },
        ],
      },
    }),
  );
  const { ServerSideEncryptionConfiguration: found } = await get();
  expect(found?.Rules).toEqual([
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: true },
  ]);
  await remove();
  await expect(get()).rejects.toMatchObject(absent);
});

test("what says nothing of encryption is encrypted: puts, copies, uploads; until it is removed", async () => {
  const lab = await startS3();
  const { client, bucket: Bucket, givenObject, givenMultipart } = lab;
  const head = async (Key: string) =>
    (await client.send(new HeadObjectCommand({ Bucket, Key }))).ServerSideEncryption;
  await givenObject("before", "words");
  await givenDefault(lab);
  await givenObject("put", "words");
  await givenMultipart("upload", [Buffer.alloc(PART_BYTES, 1), "end"]);
  await client.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/before` }));
  expect(await head("before")).toBeUndefined();
  for (const key of ["put", "upload", "copy"]) expect(await head(key), key).toBe("AES256");
  await client.send(new DeleteBucketEncryptionCommand({ Bucket }));
  await givenObject("after", "words");
  expect(await head("after")).toBeUndefined();
  expect(await head("put")).toBe("AES256");
});

function blockingBody(type: string): string {
  return (
    `<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>` +
    `<BlockedEncryptionTypes><EncryptionType>${type}</EncryptionType></BlockedEncryptionTypes>` +
    `</Rule></ServerSideEncryptionConfiguration>`
  );
}

test("a bucket may refuse keys of clients", async () => {
  const { send, givenObject } = await startS3();
  const put = (type: string) =>
    send({ method: "PUT", path: "?encryption", body: blockingBody(type) });
  const bytes = Buffer.alloc(32, 5);
  const key = { SSECustomerAlgorithm: "AES256", SSECustomerKey: bytes.toString("base64") };
  expect((await put("SSE-C")).status).toBe(200);
  await expect(givenObject("key", "words", key)).rejects.toMatchObject({ name: "AccessDenied" });
  const found = await send({ method: "GET", path: "?encryption" });
  expect(found.body).toContain("<EncryptionType>SSE-C</EncryptionType>");
  expect((await put("NONE")).status).toBe(200);
  await givenObject("key", "words", key);
});

test.each([
  ["KMS", { SSEAlgorithm: "aws:kms" }, "NotImplemented"],
  ["a KMS key with AES256", { SSEAlgorithm: "AES256", KMSMasterKeyID: "key" }, "InvalidArgument"],
  ["another algorithm", { SSEAlgorithm: "AES192" }, "MalformedXML"],
] as const)("%s is refused", async (_given, byDefault, code) => {
  const { client, bucket: Bucket } = await startS3();
  const request = new PutBucketEncryptionCommand({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: byDefault as never }],
    },
  });
  await expect(client.send(request)).rejects.toMatchObject({ name: code });
});
