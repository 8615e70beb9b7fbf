// Bucket policies as clients meet them: put, read, removed, and enforced for accounts and for nobody, with what the
// conditions ask about filled in from the request.

import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { accountNumberOf } from "../../src/core/account.ts";
import type { AccountId } from "../../src/core/ids.ts";
import {
  anonymously,
  givenOpenBucket,
  ownerIdOf,
  policyText,
  putPolicy,
} from "../support/open-bucket.ts";
import type { GivenStatement } from "../support/open-bucket.ts";
import { refusal, startS3, statusOf } from "../support/s3-server.ts";

const DENIED = { code: "AccessDenied", status: 403 };
const READ: GivenStatement = { Action: "s3:GetObject", on: ["/*"] };

test("a policy is kept as it was put, and gone when it is deleted", async () => {
  const { client, bucket: Bucket } = await startS3();
  const get = () => client.send(new GetBucketPolicyCommand({ Bucket }));
  const Policy = policyText(Bucket, [{ ...READ, Principal: { AWS: "111122223333" } }]);

  expect(await refusal(get())).toEqual({ code: "NoSuchBucketPolicy", status: 404 });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await get()).Policy).toBe(Policy);
  await client.send(new DeleteBucketPolicyCommand({ Bucket }));
  await client.send(new DeleteBucketPolicyCommand({ Bucket }));
  expect(await refusal(get())).toEqual({ code: "NoSuchBucketPolicy", status: 404 });
});

test("a policy that is no good is refused, and the one that stands holds on", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  await putPolicy(client, Bucket, READ);

  for (const Policy of ["{}", "nonsense", policyText("another-bucket", [READ])]) {
    const put = client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    expect(await refusal(put)).toEqual({ code: "MalformedPolicy", status: 400 });
  }
  expect(await statusOf(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
});

test("what a policy allows holds for others and for nobody until it is removed", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  const get = () => stranger.send(new GetObjectCommand({ Bucket, Key: "key" }));
  expect(await refusal(get())).toEqual(DENIED);
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);

  await putPolicy(client, Bucket, READ);
  expect(await (await get()).Body?.transformToString()).toBe("body");
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject({ status: 200, text: "body" });
  expect(await refusal(stranger.send(new ListObjectsV2Command({ Bucket })))).toEqual(DENIED);
  const put = await anonymously(endpoint, `${Bucket}/key`, { method: "PUT", body: "theirs" });
  expect(put).toMatchObject(DENIED);

  await client.send(new DeleteBucketPolicyCommand({ Bucket }));
  expect(await refusal(get())).toEqual(DENIED);
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);
});

test("an account is named by its number, its ARN or its canonical id", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  const id = await ownerIdOf(stranger);
  const number = accountNumberOf(id as AccountId);
  const named = [
    { AWS: number },
    { AWS: `arn:aws:iam::${number}:root` },
    { AWS: `arn:aws:iam::${number}:user/stranger` },
    { CanonicalUser: id },
  ];
  for (const Principal of named) {
    await putPolicy(client, Bucket, { ...READ, Principal });
    expect(await statusOf(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
  }
  await putPolicy(client, Bucket, { ...READ, Principal: { AWS: "111122223333" } });
  expect(await refusal(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toEqual(
    DENIED,
  );
});

test("a denial holds for the owner too, who can always repair the policy", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("key");
  await putPolicy(client, Bucket, { Effect: "Deny", Action: "s3:*", on: ["", "/*"] });

  expect(await refusal(client.send(new GetObjectCommand({ Bucket, Key: "key" })))).toEqual(DENIED);
  expect(await refusal(client.send(new ListObjectsV2Command({ Bucket })))).toEqual(DENIED);
  expect((await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toContain("Deny");
  await client.send(new DeleteBucketPolicyCommand({ Bucket }));
  expect(await statusOf(client.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
});

test("another account does not change a policy, whatever the policy says", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, { Action: "s3:*", on: ["", "/*"] });
  const refused = { code: "MethodNotAllowed", status: 405 };
  expect(await refusal(stranger.send(new GetBucketPolicyCommand({ Bucket })))).toEqual(refused);
  expect(await refusal(stranger.send(new DeleteBucketPolicyCommand({ Bucket })))).toEqual(refused);
  const Policy = policyText(Bucket, [READ]);
  const put = stranger.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect(await refusal(put)).toEqual(refused);
});

test("only who may list learns that a key is not there", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const Condition = { StringLike: { "s3:prefix": "open/*" } };
  const list = { Action: "s3:ListBucket", on: [""], Condition };
  const head = (Key: string) => statusOf(stranger.send(new HeadObjectCommand({ Bucket, Key })));
  await putPolicy(client, Bucket, READ);
  expect(await head("open/missing")).toBe(403);
  await putPolicy(client, Bucket, READ, list);
  expect(await head("open/missing")).toBe(404);
  expect(await head("hidden/missing")).toBe(403);
});

test("an old version needs a permission of its own (S48)", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const put = new PutObjectCommand({ Bucket, Key: "key", Body: "old" });
  const { VersionId } = await client.send(put);
  const get = () => stranger.send(new GetObjectCommand({ Bucket, Key: "key", VersionId }));
  await putPolicy(client, Bucket, READ);
  expect(await refusal(get())).toEqual(DENIED);
  const CopySource = `${Bucket}/key?versionId=${VersionId}`;
  const own = await givenOpenBucket(stranger);
  const copy = stranger.send(new CopyObjectCommand({ Bucket: own, Key: "copy", CopySource }));
  expect(await refusal(copy)).toEqual(DENIED);
  await putPolicy(client, Bucket, { ...READ, Action: "s3:GetObjectVersion" });
  expect(await statusOf(get())).toBe(200);
});

interface Asked {
  readonly condition: unknown;
  readonly path?: string;
  readonly init?: RequestInit;
}

const CONDITIONS: readonly (readonly [name: string, holds: Asked, fails: Asked])[] = [
  [
    "aws:SourceIp",
    { condition: { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } } },
    { condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } },
  ],
  [
    "aws:SecureTransport",
    { condition: { Bool: { "aws:SecureTransport": "false" } } },
    { condition: { Bool: { "aws:SecureTransport": "true" } } },
  ],
  [
    "aws:Referer",
    {
      condition: { StringLike: { "aws:Referer": "https://example.com/*" } },
      init: { headers: { referer: "https://example.com/page" } },
    },
    {
      condition: { StringLike: { "aws:Referer": "https://example.com/*" } },
      init: { headers: { referer: "https://example.org/page" } },
    },
  ],
  [
    "aws:CurrentTime",
    { condition: { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } } },
    { condition: { DateLessThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } } },
  ],
  [
    "aws:PrincipalType",
    { condition: { StringEquals: { "aws:PrincipalType": "Anonymous" } } },
    { condition: { StringEquals: { "aws:PrincipalType": "User" } } },
  ],
  [
    "s3:ExistingObjectTag",
    { condition: { StringEquals: { "s3:ExistingObjectTag/level": "public" } } },
    { condition: { StringEquals: { "s3:ExistingObjectTag/level": "secret" } } },
  ],
  [
    "s3:authType, which nobody has",
    { condition: { Null: { "s3:authType": "true" } } },
    { condition: { StringEquals: { "s3:authType": "REST-HEADER" } } },
  ],
  [
    "a key that a header only claims (S47)",
    { condition: { IpAddress: { "aws:SourceIp": "127.0.0.1" } } },
    {
      condition: { IpAddress: { "aws:SourceIp": "203.0.113.9" } },
      path: "?aws:SourceIp=203.0.113.9",
      init: {
        headers: {
          "aws-sourceip": "203.0.113.9",
          "x-forwarded-for": "203.0.113.9",
          "x-amz-sourceip": "203.0.113.9",
        },
      },
    },
  ],
];

test.each(CONDITIONS)("%s is what the request has", async (_name, holds, fails) => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const Tagging = "level=public";
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body", Tagging }));
  const ask = async ({ condition, path = "", init = {} }: Asked) => {
    await putPolicy(client, Bucket, { ...READ, Condition: condition });
    return (await anonymously(endpoint, `${Bucket}/key${path}`, init)).status;
  };
  expect(await ask(holds)).toBe(200);
  expect(await ask(fails)).toBe(403);
});

test("a listing may be confined to a prefix", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const Condition = { StringEquals: { "s3:prefix": "mine/", "s3:delimiter": "/" } };
  await putPolicy(client, Bucket, { Action: "s3:ListBucket", on: [""], Condition });
  const list = (Prefix: string | undefined, Delimiter: string | undefined) =>
    statusOf(stranger.send(new ListObjectsV2Command({ Bucket, Prefix, Delimiter })));
  expect(await list("mine/", "/")).toBe(200);
  expect(await list("mine/", undefined)).toBe(403);
  expect(await list("", "/")).toBe(403);
  expect(await list(undefined, "/")).toBe(403);
});

test("tags that a request brings count, in a header and in a body", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const Condition = { StringEquals: { "s3:RequestObjectTag/team": "red" } };
  const Action = ["s3:PutObject", "s3:PutObjectTagging"];
  await putPolicy(client, Bucket, { Action, on: ["/*"], Condition });
  const put = (Tagging: string | undefined) =>
    statusOf(stranger.send(new PutObjectCommand({ Bucket, Key: "key", Body: "x", Tagging })));
  expect(await put(undefined)).toBe(403);
  expect(await put("team=blue")).toBe(403);
  expect(await put("team=red")).toBe(200);
  const tag = (Value: string) => {
    const Tagging = { TagSet: [{ Key: "team", Value }] };
    return statusOf(stranger.send(new PutObjectTaggingCommand({ Bucket, Key: "key", Tagging })));
  };
  expect(await tag("blue")).toBe(403);
  expect(await tag("red")).toBe(200);
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "key" }));
  expect(TagSet).toEqual([{ Key: "team", Value: "red" }]);
});

test("a copy needs both ends (S50)", async () => {
  const { client, stranger } = await startS3();
  const source = await givenOpenBucket(client);
  const target = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket: source, Key: "key", Body: "body" }));
  const copy = () =>
    refusal(
      stranger.send(
        new CopyObjectCommand({ Bucket: target, Key: "copy", CopySource: `${source}/key` }),
      ),
    );
  await putPolicy(client, target, { Action: "s3:PutObject", on: ["/*"] });
  expect(await copy()).toEqual(DENIED);
  await putPolicy(client, source, READ);
  const Condition = { StringEquals: { "s3:x-amz-copy-source": `${source}/other` } };
  await putPolicy(client, target, { Action: "s3:PutObject", on: ["/*"], Condition });
  expect(await copy()).toEqual(DENIED);
  await client.send(new DeleteBucketPolicyCommand({ Bucket: target }));
  expect(await copy()).toEqual(DENIED);
});

test("a public policy is refused, or worth nothing, where the bucket blocks it (S51)", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  const block = (more: Record<string, boolean>) =>
    client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: more }));
  const isPublic = async () =>
    (await client.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic;
  await block({ BlockPublicPolicy: true });
  const Policy = policyText(Bucket, [READ]);
  const put = () => client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect(await refusal(put())).toEqual(DENIED);
  expect(await isPublic()).toBe(false);

  await block({});
  await put();
  expect(await isPublic()).toBe(true);
  expect((await anonymously(endpoint, `${Bucket}/key`)).status).toBe(200);
  await block({ RestrictPublicBuckets: true });
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);
  const get = new GetObjectCommand({ Bucket, Key: "key" });
  expect(await refusal(stranger.send(get))).toEqual(DENIED);
  expect(await statusOf(client.send(get))).toBe(200);
});

test("the expected owner is a number or an id, at both ends of a copy (S57)", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("key");
  const id = await ownerIdOf(client);
  const get = (ExpectedBucketOwner: string) =>
    statusOf(client.send(new GetObjectCommand({ Bucket, Key: "key", ExpectedBucketOwner })));
  expect(await get(id)).toBe(200);
  expect(await get(accountNumberOf(id as AccountId))).toBe(200);
  expect(await get("111122223333")).toBe(403);
  const copy = (ExpectedSourceBucketOwner: string) =>
    statusOf(
      client.send(
        new CopyObjectCommand({
          Bucket,
          Key: "copy",
          CopySource: `${Bucket}/key`,
          ExpectedSourceBucketOwner,
        }),
      ),
    );
  expect(await copy("111122223333")).toBe(403);
  expect(await copy(id)).toBe(200);
});

test("nobody lists, makes or begins anything in parts (S52)", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, { Action: "s3:*", on: ["", "/*"] });
  expect(await anonymously(endpoint, "")).toMatchObject(DENIED);
  const make = await anonymously(endpoint, "bucket-of-nobody", { method: "PUT" });
  expect(make).toMatchObject(DENIED);
  const begin = await anonymously(endpoint, `${Bucket}/key?uploads`, { method: "POST" });
  expect(begin).toMatchObject(DENIED);
  expect(begin.text).toContain("Anonymous users cannot initiate multipart uploads");
  const copy = await anonymously(endpoint, `${Bucket}/key`, {
    method: "PUT",
    headers: { "x-amz-copy-source": `${Bucket}/other` },
  });
  expect(copy).toMatchObject(DENIED);
  expect(await refusal(client.send(new CreateBucketCommand({ Bucket: "Bad" })))).toMatchObject({
    status: 400,
  });
  const override = await anonymously(endpoint, `${Bucket}/key?response-content-type=text/html`);
  expect(override).toMatchObject({ status: 400, code: "InvalidRequest" });
  const put = await anonymously(endpoint, `${Bucket}/key`, { method: "PUT", body: "anybody's" });
  expect(put.status).toBe(200);
});
