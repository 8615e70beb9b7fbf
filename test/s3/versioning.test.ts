// Versions as clients meet them: the AWS SDK against a real server. What each kind of bucket keeps, what a version id
// reaches, what delete markers say, and how deleting them brings back what they hid.

import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectTaggingCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { MIB, patterned, refusal, startS3 } from "../support/s3-server.ts";
import { startVersioned } from "../support/versioned-bucket.ts";

const NO_VERSION = "x".repeat(32);

const tag = (Value: string) => ({ TagSet: [{ Key: "k", Value }] });

function putVersioning(body: string) {
  return {
    method: "PUT",
    path: "?versioning",
    body: `<VersioningConfiguration>${body}</VersioningConfiguration>`,
  };
}

test("versioning is off, then on, then suspended, and never off again", async () => {
  const { client, bucket: Bucket, setVersioning, send } = await startVersioned();
  const status = async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status;
  expect(await status()).toBeUndefined();
  await setVersioning("Enabled");
  expect(await status()).toBe("Enabled");
  await setVersioning("Suspended");
  expect(await status()).toBe("Suspended");
  expect((await send(putVersioning("<Status>Off</Status>"))).status).toBe(400);
  expect(await status()).toBe("Suspended");
});

test.each([
  ["an unknown status", "<Status>Disabled</Status>", "MalformedXML", 400],
  ["no status", "", "IllegalVersioningConfigurationException", 400],
  ["MFA delete", "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", "NotImplemented", 501],
  ["an unknown element", "<Status>Enabled</Status><All/>", "MalformedXML", 400],
])("a configuration with %s is refused", async (_given, xml, code, status) => {
  const lab = await startVersioned();
  const answer = await lab.send(putVersioning(xml));
  expect([answer.status, errorCode(answer)]).toEqual([status, code]);
  expect((await lab.send({ method: "GET", path: "?versioning" })).body).not.toContain("Status");
});

test("each write is a version, and each version is read by its id", async () => {
  const lab = await startVersioned("Enabled");
  const ids = [];
  for (const body of ["one", "two", "three"]) ids.push(await lab.put("key", body));
  expect(new Set(ids).size).toBe(3);
  expect(await lab.get("key")).toBe("three");
  expect(await Promise.all(ids.map((id) => lab.get("key", id)))).toEqual(["one", "two", "three"]);
  expect(await lab.listed()).toEqual([`*key ${ids[2]}`, `key ${ids[1]}`, `key ${ids[0]}`]);
  const listing = new ListObjectsV2Command({ Bucket: lab.bucket });
  expect((await lab.client.send(listing)).KeyCount).toBe(1);
});

test.each([40_000, 2 * MIB])("versions of %i bytes keep their own bytes", async (sizeBytes) => {
  const lab = await startVersioned("Enabled");
  const bodies = [patterned(sizeBytes, 1), patterned(sizeBytes, 2)];
  const ids = [];
  for (const body of bodies) ids.push(await lab.put("key", body));
  await lab.remove("key");
  for (const [index, VersionId] of ids.entries()) {
    const get = new GetObjectCommand({ Bucket: lab.bucket, Key: "key", VersionId });
    const bytes = await (await lab.client.send(get)).Body?.transformToByteArray();
    expect(Buffer.from(bytes ?? []).equals(Buffer.from(bodies[index] ?? []))).toBe(true);
  }
});

test("a deletion leaves a marker, and taking the marker away brings the object back", async () => {
  const lab = await startVersioned("Enabled");
  const id = await lab.put("key", "body");
  const gone = await lab.remove("key");
  expect(gone.DeleteMarker).toBe(true);
  expect(await lab.listed()).toEqual([`key ${id}`, `*key ${gone.VersionId} marker`]);
  expect(await refusal(lab.get("key"))).toEqual({ code: "NoSuchKey", status: 404 });
  expect(await lab.get("key", id)).toBe("body");

  expect(await lab.remove("key", gone.VersionId)).toEqual(gone);
  expect(await lab.get("key")).toBe("body");
  expect(await lab.remove("key", id)).toEqual({ VersionId: id, DeleteMarker: undefined });
  expect(await lab.listed()).toEqual([]);
});

test("a marker says what it is: as the latest with 404, by its id with 405", async () => {
  const lab = await startVersioned("Enabled");
  await lab.put("key", "body");
  const { VersionId: marker = "" } = await lab.remove("key");
  for (const method of ["GET", "HEAD"]) {
    const latest = await lab.send({ method, path: "key" });
    expect(latest.status).toBe(404);
    expect(latest.headers.get("x-amz-delete-marker")).toBe("true");
    expect(latest.headers.get("x-amz-version-id")).toBe(marker);
    const named = await lab.send({ method, path: `key?versionId=${marker}` });
    expect(named.status).toBe(405);
    expect(named.headers.get("x-amz-delete-marker")).toBe("true");
    expect(named.headers.get("last-modified")).toMatch(/ GMT$/);
    expect(named.headers.get("allow")).toBe("DELETE");
  }
});

test("deleting what never was makes a marker too, and markers pile up", async () => {
  const lab = await startVersioned("Enabled");
  for (let count = 1; count <= 3; count += 1) {
    expect((await lab.remove("key")).DeleteMarker).toBe(true);
    expect(await lab.listed()).toHaveLength(count);
  }
  const remove = lab.client.send(new DeleteBucketCommand({ Bucket: lab.bucket }));
  expect(await refusal(remove)).toEqual({ code: "BucketNotEmpty", status: 409 });
});

test("where versioning is suspended the null version is the one that is written over", async () => {
  const lab = await startVersioned();
  expect(await lab.put("key", "before")).toBe("");
  await lab.setVersioning("Enabled");
  const id = await lab.put("key", "version");
  expect(await lab.get("key", "null")).toBe("before");
  await lab.setVersioning("Suspended");
  expect(await lab.put("key", "null again")).toBe("");
  expect(await lab.listed()).toEqual(["*key null", `key ${id}`]);
  expect(await lab.get("key", "null")).toBe("null again");

  expect(await lab.remove("key")).toEqual({ VersionId: "null", DeleteMarker: true });
  expect(await lab.listed()).toEqual([`key ${id}`, "*key null marker"]);
  expect(await lab.remove("key", "null")).toEqual({ VersionId: "null", DeleteMarker: true });
  expect(await lab.get("key")).toBe("version");
});

test("in a bucket that never had versioning nothing is kept and no id is shown", async () => {
  const lab = await startVersioned();
  await lab.put("key", "one");
  await lab.put("key", "two");
  expect(await lab.listed()).toEqual(["*key null"]);
  const head = await lab.client.send(new HeadObjectCommand({ Bucket: lab.bucket, Key: "key" }));
  expect(head.VersionId).toBeUndefined();
  expect(await lab.remove("key")).toEqual({ VersionId: undefined, DeleteMarker: undefined });
  expect(await lab.listed()).toEqual([]);
});

test.each([
  ["that is not there", NO_VERSION, "NoSuchVersion", 404],
  ["that cannot be", "no-version", "InvalidArgument", 400],
  ["of nothing", "", "InvalidArgument", 400],
])("an id %s is refused by every operation that takes one", async (_given, id, code, status) => {
  const lab = await startVersioned("Enabled");
  await lab.put("key", "body");
  const requests = [
    { method: "GET", path: `key?versionId=${id}` },
    { method: "GET", path: `key?tagging&versionId=${id}` },
    { method: "DELETE", path: `key?tagging&versionId=${id}` },
    {
      method: "GET",
      path: `key?attributes&versionId=${id}`,
      headers: { "x-amz-object-attributes": "ETag" },
    },
    {
      method: "PUT",
      path: "other",
      headers: { "x-amz-copy-source": `/${lab.bucket}/key?versionId=${id}` },
    },
  ];
  for (const request of requests) {
    const answer = await lab.send(request);
    expect([request.path, answer.status, errorCode(answer)]).toEqual([request.path, status, code]);
  }
});

test("deleting a version that is not there is no error", async () => {
  const lab = await startVersioned("Enabled");
  const id = await lab.put("key", "body");
  expect(await lab.remove("key", NO_VERSION)).toEqual({
    VersionId: NO_VERSION,
    DeleteMarker: undefined,
  });
  expect(await lab.remove("key", "null")).toMatchObject({ DeleteMarker: undefined });
  expect(await lab.listed()).toEqual([`*key ${id}`]);
  expect(await refusal(lab.remove("key", "1"))).toEqual({ code: "InvalidArgument", status: 400 });
});

test("tags belong to their version", async () => {
  const lab = await startVersioned("Enabled");
  const { client, bucket: Bucket } = lab;
  const Key = "key";
  const [old, latest] = [await lab.put(Key, "one"), await lab.put(Key, "two")];
  const tagged = await client.send(
    new PutObjectTaggingCommand({ Bucket, Key, VersionId: old, Tagging: tag("old") }),
  );
  expect(tagged.VersionId).toBe(old);
  const plain = await client.send(
    new PutObjectTaggingCommand({ Bucket, Key, Tagging: tag("new") }),
  );
  expect(plain.VersionId).toBe(latest);
  const tagsOf = async (VersionId?: string) =>
    (await client.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }))).TagSet?.[0]?.Value;
  expect([await tagsOf(old), await tagsOf(latest), await tagsOf()]).toEqual(["old", "new", "new"]);
  await client.send(new DeleteObjectTaggingCommand({ Bucket, Key, VersionId: old }));
  expect([await tagsOf(old), await tagsOf()]).toEqual([undefined, "new"]);

  const { VersionId: marker } = await lab.remove(Key);
  const onMarker = client.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId: marker }));
  expect(await refusal(onMarker)).toEqual({ code: "MethodNotAllowed", status: 405 });
  const name = { Bucket, Key, VersionId: marker };
  const put = client.send(new PutObjectTaggingCommand({ ...name, Tagging: tag("none") }));
  await expect(put).rejects.toMatchObject({ Method: "PUT", ResourceType: "DeleteMarker" });
});

test("attributes are those of the version", async () => {
  const lab = await startVersioned("Enabled");
  const id = await lab.put("key", "one");
  await lab.put("key", "longer");
  const attributes = await lab.client.send(
    new GetObjectAttributesCommand({
      Bucket: lab.bucket,
      Key: "key",
      VersionId: id,
      ObjectAttributes: ["ObjectSize"],
    }),
  );
  expect(attributes).toMatchObject({ ObjectSize: 3, VersionId: id });
});

test("an old version is brought back by copying it onto its key", async () => {
  const lab = await startVersioned("Enabled");
  const { client, bucket: Bucket } = lab;
  const old = await lab.put("key", "old", { Metadata: { which: "old" } });
  await lab.put("key", "new");
  const CopySource = `${Bucket}/key?versionId=${old}`;
  const copy = await client.send(new CopyObjectCommand({ Bucket, Key: "key", CopySource }));
  expect(copy.CopySourceVersionId).toBe(old);
  expect(copy.VersionId).toMatch(/^[\w-]{32}$/);
  expect(copy.VersionId).not.toBe(old);
  const got = await client.send(new GetObjectCommand({ Bucket, Key: "key" }));
  expect(await got.Body?.transformToString()).toBe("old");
  expect(got).toMatchObject({ Metadata: { which: "old" }, VersionId: copy.VersionId });
  const bare = new CopyObjectCommand({ Bucket, Key: "key", CopySource: `${Bucket}/key` });
  expect(await refusal(client.send(bare))).toEqual({ code: "InvalidRequest", status: 400 });
});

test("a version of two mebibytes is copied when it no longer is the latest, whole and in part", async () => {
  const lab = await startVersioned("Enabled");
  const { client, bucket: Bucket } = lab;
  const bytes = patterned(2 * MIB);
  const id = await lab.put("key", bytes);
  await lab.put("key", "new");
  const CopySource = `${Bucket}/key?versionId=${id}`;
  await client.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource }));
  const got = await client.send(new GetObjectCommand({ Bucket, Key: "copy" }));
  const copied = await got.Body?.transformToByteArray();
  expect(Buffer.from(copied ?? []).equals(Buffer.from(bytes))).toBe(true);
  const upload = await lab.givenUpload("parts");
  const part = await client.send(
    new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource }),
  );
  expect(part.CopySourceVersionId).toBe(id);
});

test("a delete marker is no source of a copy", async () => {
  const lab = await startVersioned("Enabled");
  await lab.put("key", "body");
  const { VersionId } = await lab.remove("key");
  const copy = (CopySource: string) =>
    refusal(
      lab.client.send(new CopyObjectCommand({ Bucket: lab.bucket, Key: "copy", CopySource })),
    );
  expect(await copy(`${lab.bucket}/key`)).toEqual({ code: "NoSuchKey", status: 404 });
  expect(await copy(`${lab.bucket}/key?versionId=${VersionId}`)).toEqual({
    code: "InvalidRequest",
    status: 400,
  });
});

test("conditions of a write look at the latest version, which a marker is not", async () => {
  const lab = await startVersioned("Enabled");
  const once = { IfNoneMatch: "*" };
  await lab.put("key", "one", once);
  expect((await refusal(lab.put("key", "two", once))).status).toBe(412);
  await lab.remove("key");
  expect((await refusal(lab.put("key", "two", { IfMatch: "*" }))).status).toBe(404);
  await lab.put("key", "three", once);
  expect(await lab.get("key")).toBe("three");
});

test("a completed upload is a version, and completing it again says the same", async () => {
  const lab = await startVersioned("Enabled");
  const first = await lab.put("key", "first");
  await lab.givenMultipart("key", ["parts"]);
  const [latest, ...others] = await lab.listed();
  expect(others).toEqual([`key ${first}`]);
  expect(await lab.get("key", latest?.slice("*key ".length))).toBe("parts");
});

test("DeleteObjects tells of each version and each marker", async () => {
  const lab = await startVersioned("Enabled");
  const id = await lab.put("key", "body");
  const remove = (Objects: { Key: string; VersionId?: string }[]) =>
    lab.client.send(new DeleteObjectsCommand({ Bucket: lab.bucket, Delete: { Objects } }));
  const made = (await remove([{ Key: "key" }])).Deleted?.[0];
  expect(made).toMatchObject({ Key: "key", DeleteMarker: true });
  expect(made?.VersionId).toBeUndefined();
  const marker = made?.DeleteMarkerVersionId ?? "";
  const { Deleted, Errors } = await remove([
    { Key: "key", VersionId: id },
    { Key: "key", VersionId: marker },
    { Key: "key", VersionId: "1" },
  ]);
  expect(Deleted).toEqual([
    { Key: "key", VersionId: id },
    { Key: "key", VersionId: marker, DeleteMarker: true, DeleteMarkerVersionId: marker },
  ]);
  expect(Errors).toMatchObject([{ Key: "key", VersionId: "1", Code: "NoSuchVersion" }]);
  expect(await lab.listed()).toEqual([]);
});

test("another account reaches no version", async () => {
  const lab = await startVersioned("Enabled");
  const VersionId = await lab.put("key", "body");
  const denied = { code: "AccessDenied", status: 403 };
  const at = { Bucket: lab.bucket, Key: "key", VersionId };
  expect(await refusal(lab.stranger.send(new GetObjectCommand(at)))).toEqual(denied);
  expect(await refusal(lab.stranger.send(new GetObjectTaggingCommand(at)))).toEqual(denied);
  const others = await startS3();
  const CopySource = `${lab.bucket}/key?versionId=${VersionId}`;
  const Bucket = await others.givenBucket(lab.stranger);
  const copy = new CopyObjectCommand({ Bucket, Key: "copy", CopySource });
  expect(await refusal(lab.stranger.send(copy))).toEqual(denied);
});
