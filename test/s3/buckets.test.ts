// Buckets as clients meet them: made, listed in pages, headed, tagged, removed; and closed to other accounts.

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3, statusOf } from "../support/s3-server.ts";

test("a new bucket is there, empty, and says where it is", async () => {
  const { client, bucket } = await startS3();

  const head = await client.send(new HeadBucketCommand({ Bucket: bucket }));
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket }));

  expect(head.BucketRegion).toBe("us-east-1");
  expect(page.KeyCount).toBe(0);
});

test("making a bucket again that is one's own changes nothing, in us-east-1", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("kept");

  const again = await client.send(new CreateBucketCommand({ Bucket: bucket }));

  expect(again.Location).toBe(`/${bucket}`);
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(page.KeyCount).toBe(1);
});

test("a bucket of another account is taken, and closed", async () => {
  const { stranger, bucket, givenObject } = await startS3();
  await givenObject("key");

  const create = stranger.send(new CreateBucketCommand({ Bucket: bucket }));
  expect(await refusal(create)).toEqual({ code: "BucketAlreadyExists", status: 409 });
  expect(await statusOf(stranger.send(new HeadBucketCommand({ Bucket: bucket })))).toBe(403);
  const list = stranger.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(await refusal(list)).toEqual({ code: "AccessDenied", status: 403 });
  const remove = stranger.send(new DeleteBucketCommand({ Bucket: bucket }));
  expect(await refusal(remove)).toEqual({ code: "AccessDenied", status: 403 });
  const buckets = (await stranger.send(new ListBucketsCommand({}))).Buckets ?? [];
  expect(buckets.map(({ Name }) => Name)).not.toContain(bucket);
});

test("an expected owner other than the owner is refused (S57)", async () => {
  const { client, bucket } = await startS3();
  const { Owner } = await client.send(new ListBucketsCommand({}));
  const head = (ExpectedBucketOwner: string) =>
    statusOf(client.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner })));

  expect(await head(Owner?.ID ?? "")).toBe(200);
  expect(await head("123456789012")).toBe(403);
});

test("a bucket that holds something stays; an empty one goes", async () => {
  const { client, bucket, givenBucket, givenObject } = await startS3();
  const empty = await givenBucket();
  await givenObject("key");

  const remove = client.send(new DeleteBucketCommand({ Bucket: bucket }));
  expect(await refusal(remove)).toEqual({ code: "BucketNotEmpty", status: 409 });
  await client.send(new DeleteBucketCommand({ Bucket: empty }));
  const again = client.send(new DeleteBucketCommand({ Bucket: empty }));
  expect(await refusal(again)).toEqual({ code: "NoSuchBucket", status: 404 });
  expect(await statusOf(client.send(new HeadBucketCommand({ Bucket: empty })))).toBe(404);
});

test("buckets are listed by name, in pages, by prefix and by region", async () => {
  const { client, bucket } = await startS3();
  const names = ["one", "three", "two"].map((end) => `${bucket}-${end}`);
  for (const Bucket of names) await client.send(new CreateBucketCommand({ Bucket }));
  const Prefix = `${bucket}-`;

  const seen: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListBucketsCommand({ Prefix, MaxBuckets: 2, ContinuationToken }),
    );
    seen.push(...(page.Buckets ?? []).map(({ Name }) => Name));
    expect(page.Prefix).toBe(Prefix);
    ({ ContinuationToken } = page);
  } while (ContinuationToken !== undefined);

  expect(seen).toEqual(names);
  const all = await client.send(new ListBucketsCommand({ Prefix }));
  expect(all.Buckets).toHaveLength(3);
  expect(all.Buckets?.[0]?.BucketRegion).toBe("us-east-1");
  expect(all.Buckets?.[0]?.CreationDate).toBeInstanceOf(Date);
  const elsewhere = await client.send(
    new ListBucketsCommand({ Prefix, BucketRegion: "eu-west-1" }),
  );
  expect(elsewhere.Buckets ?? []).toEqual([]);
});

test.each([
  [{ MaxBuckets: 0 }],
  [{ MaxBuckets: 10_001 }],
  [{ ContinuationToken: "never given out" }],
])("ListBuckets with %j is refused", async (input) => {
  const { client } = await startS3();
  const list = client.send(new ListBucketsCommand(input));
  expect(await refusal(list)).toEqual({ code: "InvalidArgument", status: 400 });
});

test("a location is the region's, empty for us-east-1 unless the client had named it", async () => {
  const { client, bucket } = await startS3();
  const Bucket = `${bucket}-located`;
  const create = (LocationConstraint: string) =>
    client.send(
      new CreateBucketCommand({
        Bucket,
        CreateBucketConfiguration: { LocationConstraint: LocationConstraint as "EU" },
      }),
    );

  expect(await refusal(create("eu-west-1"))).toEqual({
    code: "IllegalLocationConstraintException",
    status: 400,
  });
  expect(await refusal(create("moon"))).toEqual({ code: "InvalidLocationConstraint", status: 400 });
  expect(await statusOf(create("us-east-1"))).toBe(200);
  const location = async (name: string) =>
    (await client.send(new GetBucketLocationCommand({ Bucket: name }))).LocationConstraint;
  expect(await location(Bucket)).toBe("us-east-1");
  expect((await location(bucket)) ?? "").toBe("");
});

test.each([
  ["a public bucket", { "x-amz-acl": "public-read" }, 400, "InvalidBucketAclWithObjectOwnership"],
  ["a grant to nobody", { "x-amz-grant-read": "id=x" }, 400, "InvalidArgument"],
  ["an unknown ACL", { "x-amz-acl": "everybody" }, 400, "InvalidArgument"],
  ["a lock that may be", { "x-amz-bucket-object-lock-enabled": "maybe" }, 400, "InvalidArgument"],
  ["ownership by the moon", { "x-amz-object-ownership": "Moon" }, 400, "InvalidArgument"],
])("making a bucket with %s is refused by name", async (_given, headers, status, code) => {
  const { send } = await startS3();
  const answer = await send({ method: "PUT", path: "", headers });
  expect([answer.status, errorCode(answer)]).toEqual([status, code]);
});

test("a private bucket, with no lock and owned by its owner, is what one gets anyway", async () => {
  const { client, bucket } = await startS3();
  const create = client.send(
    new CreateBucketCommand({
      Bucket: `${bucket}-plain`,
      ACL: "private",
      ObjectLockEnabledForBucket: false,
      ObjectOwnership: "BucketOwnerEnforced",
    }),
  );
  expect(await statusOf(create)).toBe(200);
});

test.each([
  ["an unknown element", "<CreateBucketConfiguration><Oops/></CreateBucketConfiguration>", 400],
  ["no XML", "us-east-1", 400],
  [
    "a directory bucket",
    "<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>",
    501,
  ],
])("making a bucket with %s in its configuration is refused", async (_given, body, status) => {
  const { send } = await startS3();
  expect((await send({ method: "PUT", path: "", body })).status).toBe(status);
});

test("tags of a bucket are set, read, replaced and removed", async () => {
  const { client, bucket } = await startS3();
  const get = () => client.send(new GetBucketTaggingCommand({ Bucket: bucket }));
  const put = (Value: string) =>
    client.send(
      new PutBucketTaggingCommand({
        Bucket: bucket,
        Tagging: { TagSet: [{ Key: "Hello", Value }] },
      }),
    );

  expect(await refusal(get())).toEqual({ code: "NoSuchTagSet", status: 404 });
  await put("World");
  await put("again");
  expect((await get()).TagSet).toEqual([{ Key: "Hello", Value: "again" }]);
  const remove = client.send(new DeleteBucketTaggingCommand({ Bucket: bucket }));
  expect(await statusOf(remove)).toBe(204);
  expect(await refusal(get())).toEqual({ code: "NoSuchTagSet", status: 404 });
});

test("a bucket is made with its tags", async () => {
  const { client, bucket } = await startS3();
  const Bucket = `${bucket}-tagged`;
  await client.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { Tags: [{ Key: "a", Value: "1" }] },
    }),
  );
  const { TagSet } = await client.send(new GetBucketTaggingCommand({ Bucket }));
  expect(TagSet).toEqual([{ Key: "a", Value: "1" }]);
});
