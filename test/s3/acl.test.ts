// Access control lists as clients meet them: canned ones, grants in headers and in documents, on buckets and objects, and
// what the bucket's ownership makes of them.

import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import type { Grant, ObjectCannedACL, ObjectOwnership, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { anonymously, givenOpenBucket, ownerIdOf, putPolicy } from "../support/open-bucket.ts";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3, statusOf } from "../support/s3-server.ts";

const DENIED = { code: "AccessDenied", status: 403 };
const NOT_SUPPORTED = { code: "AccessControlListNotSupported", status: 400 };
const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";

/** Grants in short: `READ to AllUsers`. */
function inShort(grants: readonly Grant[] | undefined): readonly string[] {
  return (grants ?? []).map(({ Grantee, Permission }) => {
    const name = Grantee?.ID ?? Grantee?.URI?.split("/").at(-1);
    return `${Permission} to ${name}`;
  });
}

async function bucketAcl(client: S3Client, Bucket: string) {
  return inShort((await client.send(new GetBucketAclCommand({ Bucket }))).Grants);
}

async function objectAcl(client: S3Client, Bucket: string, Key = "key") {
  const { Owner, Grants } = await client.send(new GetObjectAclCommand({ Bucket, Key }));
  return { owner: Owner?.ID, grants: inShort(Grants) };
}

test("what nobody was granted anything on is its owner's alone", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("key");
  const id = await ownerIdOf(client);
  const acl = await client.send(new GetBucketAclCommand({ Bucket }));
  expect(acl.Owner).toEqual({ ID: id, DisplayName: "root" });
  expect(acl.Grants).toEqual([
    {
      Grantee: { Type: "CanonicalUser", ID: id, DisplayName: "root" },
      Permission: "FULL_CONTROL",
    },
  ]);
  expect(await objectAcl(client, Bucket)).toEqual({ owner: id, grants: [`FULL_CONTROL to ${id}`] });
});

test.each([
  ["private", []],
  ["public-read", ["READ to AllUsers"]],
  ["public-read-write", ["READ to AllUsers", "WRITE to AllUsers"]],
  ["authenticated-read", ["READ to AuthenticatedUsers"]],
] as const)("the canned list %s of a bucket and of an object", async (ACL, more) => {
  const { client } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const own = `FULL_CONTROL to ${await ownerIdOf(client)}`;
  await client.send(new PutBucketAclCommand({ Bucket, ACL }));
  expect(await bucketAcl(client, Bucket)).toEqual([...more, own]);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body", ACL }));
  expect((await objectAcl(client, Bucket)).grants).toEqual([...more, own]);
  await client.send(new PutObjectAclCommand({ Bucket, Key: "key", ACL: "private" }));
  expect((await objectAcl(client, Bucket)).grants).toEqual([own]);
});

test("a public list opens what it is of, to strangers and to nobody", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "open", Body: "x", ACL: "public-read" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "shut", Body: "x" }));
  const list = () => stranger.send(new ListObjectsV2Command({ Bucket }));
  expect((await anonymously(endpoint, `${Bucket}/open`)).status).toBe(200);
  expect(await anonymously(endpoint, `${Bucket}/shut`)).toMatchObject(DENIED);
  expect(await anonymously(endpoint, `${Bucket}/missing`)).toMatchObject(DENIED);
  expect(await refusal(list())).toEqual(DENIED);

  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read" }));
  expect((await list()).KeyCount).toBe(2);
  expect((await anonymously(endpoint, `${Bucket}/missing`)).code).toBe("NoSuchKey");
  const put = () => anonymously(endpoint, `${Bucket}/new`, { method: "PUT", body: "x" });
  expect(await put()).toMatchObject(DENIED);
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read-write" }));
  expect((await put()).status).toBe(200);
});

test("who has an account, and only who has one, is let in by authenticated-read", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const ACL = "authenticated-read";
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "x", ACL }));
  expect(await statusOf(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);
});

test.each([
  ["GrantRead", { list: 200, write: 403, readAcl: 403, writeAcl: 403 }],
  ["GrantWrite", { list: 403, write: 200, readAcl: 403, writeAcl: 403 }],
  ["GrantReadACP", { list: 403, write: 403, readAcl: 200, writeAcl: 403 }],
  ["GrantWriteACP", { list: 403, write: 403, readAcl: 403, writeAcl: 200 }],
  ["GrantFullControl", { list: 200, write: 200, readAcl: 200, writeAcl: 200 }],
] as const)("%s on a bucket gives that and nothing else", async (name, expected) => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const grant = { [name]: `id="${await ownerIdOf(stranger)}"` };
  await client.send(new PutBucketAclCommand({ Bucket, ...grant }));
  const found = {
    list: await statusOf(stranger.send(new ListObjectsV2Command({ Bucket }))),
    write: await statusOf(stranger.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }))),
    readAcl: await statusOf(stranger.send(new GetBucketAclCommand({ Bucket }))),
    writeAcl: await statusOf(stranger.send(new PutBucketAclCommand({ Bucket, ACL: "private" }))),
  };
  expect(found).toEqual(expected);
});

test("a document replaces the list, and is read back", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const [ID, other] = [await ownerIdOf(client), await ownerIdOf(stranger)];
  const AccessControlPolicy = {
    Owner: { ID },
    Grants: [
      { Grantee: { Type: "CanonicalUser", ID: other }, Permission: "READ" },
      { Grantee: { Type: "Group", URI: ALL_USERS }, Permission: "READ_ACP" },
    ],
  } as const;
  const policy = { ...AccessControlPolicy, Grants: [...AccessControlPolicy.Grants] };
  await client.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: policy }));
  const expected = ["READ_ACP to AllUsers", `READ to ${other}`];
  expect(await bucketAcl(client, Bucket)).toEqual(expected);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "x" }));
  await client.send(new PutObjectAclCommand({ Bucket, Key: "key", AccessControlPolicy: policy }));
  expect((await objectAcl(stranger, Bucket)).grants).toEqual(expected);
  expect(await statusOf(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
});

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type=';
const grantXml = (grantee: string, permission = "READ") =>
  `<AccessControlPolicy><AccessControlList><Grant><Grantee ${XSI}"x">${grantee}</Grantee>` +
  `<Permission>${permission}</Permission></Grant></AccessControlList></AccessControlPolicy>`;

test.each([
  ["an unknown canned list", { "x-amz-acl": "everybody" }, "", "400 InvalidArgument"],
  ["an unknown account", {}, grantXml("<ID>nobody</ID>"), "400 InvalidArgument"],
  ["an unknown group", {}, grantXml("<URI>http://x/</URI>"), "400 InvalidArgument"],
  [
    "an unknown address",
    {},
    grantXml("<EmailAddress>a@b.invalid</EmailAddress>"),
    "400 UnresolvableGrantByEmailAddress",
  ],
  ["an unknown permission", {}, grantXml("<ID>x</ID>", "OWN"), "400 MalformedACLError"],
  ["no grantee", {}, grantXml(""), "400 MalformedACLError"],
  ["another document", {}, "<Tagging/>", "400 MalformedACLError"],
  ["nothing at all", {}, "", "400 MissingSecurityHeader"],
  ["a list twice", { "x-amz-acl": "private" }, grantXml("<ID>x</ID>"), "400 UnexpectedContent"],
  [
    "a canned list and grants",
    { "x-amz-acl": "private", "x-amz-grant-read": `uri="${ALL_USERS}"` },
    "",
    "400 InvalidRequest",
  ],
  ["a grant in no form", { "x-amz-grant-read": "stranger" }, "", "400 InvalidArgument"],
  [
    "another owner",
    {},
    "<AccessControlPolicy><Owner><ID>other</ID></Owner><AccessControlList/></AccessControlPolicy>",
    "403 AccessDenied",
  ],
] as const)("%s is refused", async (_name, headers, body, expected) => {
  const { client, bucket: Bucket, send } = await startS3();
  await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  const before = await bucketAcl(client, Bucket);
  const answer = await send({ method: "PUT", path: "?acl", headers, body });
  expect(`${answer.status} ${errorCode(answer)}`).toBe(expected);
  expect(await bucketAcl(client, Bucket)).toEqual(before);
});

test("a bucket may be made with a list, and making it again must not change it", async () => {
  const { client, stranger } = await startS3();
  const Bucket = (await givenOpenBucket(client)).slice(0, 40);
  const made = { Bucket: `${Bucket}-granted`, ObjectOwnership: "ObjectWriter" } as const;
  const GrantRead = `id=${await ownerIdOf(stranger)}`;
  await client.send(new CreateBucketCommand({ ...made, GrantRead }));
  const list = () => statusOf(stranger.send(new ListObjectsV2Command({ Bucket: made.Bucket })));
  expect(await list()).toBe(200);
  const again = client.send(new CreateBucketCommand(made));
  expect(await refusal(again)).toEqual({ code: "BucketAlreadyExists", status: 409 });
  expect(await list()).toBe(200);
  expect(await statusOf(client.send(new CreateBucketCommand({ ...made, GrantRead })))).toBe(200);
});

/** A bucket that the stranger may write to. */
async function givenShared(client: S3Client, ownership: ObjectOwnership): Promise<string> {
  const Bucket = await givenOpenBucket(client, ownership);
  const Action = ["s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:GetObjectAcl"];
  await putPolicy(client, Bucket, { Action, on: ["/*"] });
  return Bucket;
}

const OWNERS: readonly (readonly [ObjectOwnership, ObjectCannedACL | undefined, string])[] = [
  ["BucketOwnerEnforced", undefined, "bucket"],
  ["BucketOwnerEnforced", "bucket-owner-full-control", "bucket"],
  ["BucketOwnerPreferred", undefined, "writer"],
  ["BucketOwnerPreferred", "bucket-owner-full-control", "bucket"],
  ["ObjectWriter", undefined, "writer"],
  ["ObjectWriter", "bucket-owner-full-control", "writer"],
];

test.each(OWNERS)("%s, %s: an object is the %s's", async (ownership, ACL, whose) => {
  const { client, stranger } = await startS3();
  const Bucket = await givenShared(client, ownership);
  const owner = whose === "bucket" ? await ownerIdOf(client) : await ownerIdOf(stranger);
  await stranger.send(new PutObjectCommand({ Bucket, Key: "put", Body: "x", ACL }));
  expect((await objectAcl(stranger, Bucket, "put")).owner).toBe(owner);

  const { UploadId } = await stranger.send(
    new CreateMultipartUploadCommand({ Bucket, Key: "parts", ACL }),
  );
  const parts = await stranger.send(new ListPartsCommand({ Bucket, Key: "parts", UploadId }));
  expect(parts.Owner?.ID).toBe(owner);
  const CopySource = `${Bucket}/put`;
  await stranger.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource, ACL }));
  expect((await objectAcl(stranger, Bucket, "copy")).owner).toBe(owner);
});

test("the owner of a bucket reads what is another's only as far as its list says", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenShared(client, "ObjectWriter");
  const put = (ACL: ObjectCannedACL | undefined) =>
    stranger.send(new PutObjectCommand({ Bucket, Key: "key", Body: "theirs", ACL }));
  const get = () => statusOf(client.send(new GetObjectCommand({ Bucket, Key: "key" })));
  await put(undefined);
  expect(await get()).toBe(403);
  expect(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key: "key" })))).toBe(403);
  // The bucket's policy does not give away what is not the bucket owner's either.
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);
  await put("bucket-owner-read");
  expect(await get()).toBe(200);
  const acl = client.send(new GetObjectAclCommand({ Bucket, Key: "key" }));
  expect(await refusal(acl)).toEqual(DENIED);
  await put("bucket-owner-full-control");
  expect((await objectAcl(client, Bucket)).owner).toBe(await ownerIdOf(stranger));

  await put(undefined);
  const own = new PutObjectCommand({ Bucket, Key: "own", Body: "ours" });
  await client.send(own);
  expect(await statusOf(client.send(new GetObjectCommand({ Bucket, Key: "own" })))).toBe(200);
  await client.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
  expect(await get()).toBe(404);
});

test("with lists out of force everything is the bucket owner's, whoever wrote it", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenShared(client, "ObjectWriter");
  const put = (ACL?: ObjectCannedACL) =>
    stranger.send(new PutObjectCommand({ Bucket, Key: "key", Body: "theirs", ACL }));
  await put("public-read");
  const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
  await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
  expect(await statusOf(client.send(new GetObjectCommand({ Bucket, Key: "key" })))).toBe(200);
  const id = await ownerIdOf(client);
  expect(await objectAcl(client, Bucket)).toEqual({ owner: id, grants: [`FULL_CONTROL to ${id}`] });
  expect(await refusal(put("private"))).toEqual(NOT_SUPPORTED);
  // Differs from AWS: from the bucket's owner it says nothing that does not hold anyway.
  const own = new PutObjectCommand({ Bucket, Key: "own", Body: "x", ACL: "private" });
  expect(await statusOf(client.send(own))).toBe(200);
  expect(await refusal(client.send(new PutBucketAclCommand({ Bucket, ACL: "private" })))).toEqual(
    NOT_SUPPORTED,
  );
  const acl = new PutObjectAclCommand({ Bucket, Key: "key", ACL: "private" });
  expect(await refusal(client.send(acl))).toEqual(NOT_SUPPORTED);
  // Its policy still opens it; its lists no longer do.
  expect((await anonymously(endpoint, `${Bucket}/key`)).status).toBe(200);
  await putPolicy(client, Bucket, { Action: "s3:PutObject", on: ["/*"] });
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);

  await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
  const none = client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
  expect(await refusal(none)).toEqual({ code: "OwnershipControlsNotFoundError", status: 404 });
  expect((await anonymously(endpoint, `${Bucket}/key`)).status).toBe(200);
});

test("lists that grant something are not put out of force without a word", async () => {
  const { client } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read" }));
  const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
  const put = () =>
    client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
  const refused = { code: "InvalidBucketAclWithObjectOwnership", status: 400 };
  expect(await refusal(put())).toEqual(refused);
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "private" }));
  await put();
  const { OwnershipControls: found } = await client.send(
    new GetBucketOwnershipControlsCommand({ Bucket }),
  );
  expect(found).toEqual(OwnershipControls);
});

test("whom a list lets write, it lets tag what is written, and nothing that stands there", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "ours", Body: "x" }));
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read-write" }));
  const put = new PutObjectCommand({ Bucket, Key: "theirs", Body: "x", Tagging: "a=b" });
  expect(await statusOf(stranger.send(put))).toBe(200);
  const Tagging = { TagSet: [{ Key: "a", Value: "b" }] };
  const tag = new PutObjectTaggingCommand({ Bucket, Key: "ours", Tagging });
  expect(await refusal(stranger.send(tag))).toEqual(DENIED);
  // Tags are the bucket owner's to read and to set, whosever the object is.
  const tags = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "theirs" }));
  expect(tags.TagSet).toEqual(Tagging.TagSet);
});

test("nobody opens to everybody what a policy lets everybody leave there", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, { Action: "s3:PutObject", on: ["/*"] });
  const put = (acl?: string) => {
    const headers = acl === undefined ? {} : { "x-amz-acl": acl };
    return anonymously(endpoint, `${Bucket}/key`, { method: "PUT", body: "bytes", headers });
  };
  expect((await put()).status).toBe(200);
  expect(await put("public-read")).toMatchObject(DENIED);
  expect(await anonymously(endpoint, `${Bucket}/key`)).toMatchObject(DENIED);
  await putPolicy(client, Bucket, { Action: ["s3:PutObject", "s3:PutObjectAcl"], on: ["/*"] });
  expect((await put("public-read")).status).toBe(200);
  expect((await anonymously(endpoint, `${Bucket}/key`)).text).toBe("bytes");
});

test("whom a list lets write, it lets open what he writes", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read-write" }));
  const headers = { "x-amz-acl": "public-read" };
  const put = () =>
    anonymously(endpoint, `${Bucket}/key`, { method: "PUT", body: "bytes", headers });
  expect((await put()).status).toBe(200);
  expect((await put()).status).toBe(200);
});
