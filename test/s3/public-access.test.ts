// What new buckets begin with, and the public access block.

import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetBucketOwnershipControlsCommand,
  GetPublicAccessBlockCommand,
  PutBucketAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { PublicAccessBlockConfiguration, S3Client } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../src/index.ts";
import { anonymously, givenOpenBucket } from "../support/open-bucket.ts";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3 } from "../support/s3-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const DENIED = { code: "AccessDenied", status: 403 };
const NONE = { code: "NoSuchPublicAccessBlockConfiguration", status: 404 };

const blockOf = async (client: S3Client, Bucket: string) =>
  (await client.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration;

test("a new bucket is closed as S3's are", async () => {
  const { client, bucket: Bucket } = await startS3();
  expect(await blockOf(client, Bucket)).toEqual({
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  });
  const found = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  expect(found.OwnershipControls?.Rules).toEqual([{ ObjectOwnership: "BucketOwnerEnforced" }]);
});

test.each([
  ["a public list", { ACL: "public-read" }, "InvalidBucketAclWithObjectOwnership"],
  [
    "a public list where lists are in force",
    { ACL: "public-read", ObjectOwnership: "ObjectWriter" },
    "InvalidBucketAclWithBlockPublicAccessError",
  ],
] as const)("%s does not open a new bucket", async (_name, more, code) => {
  const { client, bucket } = await startS3();
  const make = client.send(new CreateBucketCommand({ Bucket: `${bucket}-2`, ...more }));
  expect(await refusal(make)).toEqual({ code, status: 400 });
});

test("a server may be told to make buckets as before", async () => {
  const server = await startServer({ newBuckets: "acls", buckets: ["from-the-start"] });
  onTestFinished(() => server.stop());
  const client = sdkClientOf(server.endpoint, server);
  await client.send(new CreateBucketCommand({ Bucket: "made-later", ACL: "public-read" }));
  for (const Bucket of ["from-the-start", "made-later"]) {
    expect(await refusal(client.send(new GetPublicAccessBlockCommand({ Bucket })))).toEqual(NONE);
    const controls = client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    expect(await refusal(controls)).toMatchObject({ code: "OwnershipControlsNotFoundError" });
  }
  expect((await anonymously(server.endpoint, "made-later")).status).toBe(200);
  expect((await anonymously(server.endpoint, "from-the-start")).status).toBe(403);
});

test("buckets of the configuration are closed too, again after a reset", async () => {
  const server = await startServer({ buckets: ["from-the-start"] });
  onTestFinished(() => server.stop());
  const client = sdkClientOf(server.endpoint, server);
  const Bucket = "from-the-start";
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await server.reset();
  expect((await blockOf(client, Bucket))?.BlockPublicAcls).toBe(true);
});

test("a block is put, read and removed", async () => {
  const { client, bucket: Bucket, send } = await startS3();
  const block: PublicAccessBlockConfiguration = {
    BlockPublicAcls: true,
    IgnorePublicAcls: false,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: false,
  };
  const PublicAccessBlockConfiguration = block;
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  expect(await blockOf(client, Bucket)).toEqual(block);
  const bad =
    "<PublicAccessBlockConfiguration><BlockAll>true</BlockAll></PublicAccessBlockConfiguration>";
  const answer = await send({ method: "PUT", path: "?publicAccessBlock", body: bad });
  expect([answer.status, errorCode(answer)]).toEqual([400, "MalformedXML"]);
  expect(await blockOf(client, Bucket)).toEqual(block);
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  expect(await refusal(client.send(new GetPublicAccessBlockCommand({ Bucket })))).toEqual(NONE);
});

test("public lists are refused, or ignored, where the bucket blocks them (S51)", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const ACL = "public-read";
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: "x", ACL }));
  const block = (PublicAccessBlockConfiguration: PublicAccessBlockConfiguration) =>
    client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  await put("open");
  await client.send(new PutBucketAclCommand({ Bucket, ACL }));

  await block({ BlockPublicAcls: true });
  expect(await refusal(put("later"))).toEqual(DENIED);
  expect(await refusal(client.send(new PutBucketAclCommand({ Bucket, ACL })))).toEqual(DENIED);
  expect((await anonymously(endpoint, `${Bucket}/open`)).status).toBe(200);

  await block({ IgnorePublicAcls: true });
  expect(await anonymously(endpoint, `${Bucket}/open`)).toMatchObject(DENIED);
  expect(await anonymously(endpoint, Bucket)).toMatchObject(DENIED);
  await put("later");
  await block({});
  expect((await anonymously(endpoint, `${Bucket}/later`)).status).toBe(200);
});
