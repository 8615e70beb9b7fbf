// Quotas: set and asked for through the admin API and its command, enforced for every way in, shown by status.

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { setQuota } from "../../src/cli/quota-command.ts";
import { showStatus } from "../../src/cli/admin-commands.ts";
import { atFileEnd } from "../support/at-file-end.ts";
import { codeOfAnswer, startAdmin } from "../support/admin-server.ts";
import { commandScreen } from "../support/command-screen.ts";
import { refusal } from "../support/s3-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const Bucket = "photos";
const FULL = { code: "QuotaExceeded", status: 403 };

async function givenLab(onEnd?: (end: () => Promise<void>) => void) {
  const lab = await startAdmin({}, onEnd);
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket }));
  const put = (Key: string, sizeBytes: number) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: "x".repeat(sizeBytes) }));
  const quota = (body: object) =>
    lab.send({ method: "POST", path: "/v1/quota", body: JSON.stringify(body) });
  return { lab, client, put, quota };
}

test("no way of writing gets past a quota; what makes a bucket no larger is taken", async () => {
  const { client, put, quota } = await givenLab();
  await put("key", 600);
  expect((await quota({ bucket: Bucket, bytes: 1_000 })).status).toBe(200);
  expect(await refusal(put("other", 401))).toEqual(FULL);
  const CopySource = `${Bucket}/key`;
  const copy = new CopyObjectCommand({ Bucket, Key: "copy", CopySource });
  expect(await refusal(client.send(copy))).toEqual(FULL);
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key: "parts" }),
  );
  const upload = { Bucket, Key: "parts", UploadId };
  const givenPart = (sizeBytes: number) =>
    client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: "x".repeat(sizeBytes) }));
  expect(await refusal(givenPart(401))).toEqual(FULL);
  const { ETag } = await givenPart(400);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const complete = () =>
    client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
  await put("other", 400);
  // What counts is how full the bucket is when the object is made.
  expect(await refusal(complete())).toEqual(FULL);
  await put("key", 600);
  expect(await refusal(put("key", 601))).toEqual(FULL);
  await client.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
  await complete();
});

test("a part that is larger than the quota is refused with versioning suspended, too", async () => {
  const { client, quota } = await givenLab();
  const VersioningConfiguration = { Status: "Suspended" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  await quota({ bucket: Bucket, bytes: 1_000 });
  const Key = "parts";
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const given = (sizeBytes: number) =>
    client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x".repeat(sizeBytes) }),
    );
  expect(await refusal(given(1_001))).toEqual(FULL);
  await given(1_000);
});

test("a quota is asked for, changed and taken away; a bucket beyond it keeps what it has", async () => {
  const { put, quota } = await givenLab();
  await put("key", 600);
  const asked = await quota({ bucket: Bucket });
  expect(JSON.parse(asked.body)).toEqual({ type: "report", bucket: Bucket, objectBytes: 600 });
  const set = JSON.parse((await quota({ bucket: Bucket, bytes: 100 })).body) as object;
  expect(set).toMatchObject({ objectBytes: 600, quotaBytes: 100 });
  expect(await refusal(put("more", 1))).toEqual(FULL);
  await put("key", 500);
  await quota({ bucket: Bucket, bytes: null });
  await put("more", 1_000);
});

/** For requests that change nothing. */
let unchanged: ReturnType<typeof givenLab> | undefined;

test.each<[string, object, number, string]>([
  ["no bucket", { bytes: 1 }, 400, "InvalidArgument"],
  ["an unknown bucket", { bucket: "nowhere", bytes: 1 }, 404, "NoSuchBucket"],
  ["fewer than no bytes", { bucket: Bucket, bytes: -1 }, 400, "InvalidArgument"],
  ["half a byte", { bucket: Bucket, bytes: 0.5 }, 400, "InvalidArgument"],
  ["words", { bucket: Bucket, bytes: "1GiB" }, 400, "InvalidArgument"],
  ["another field", { bucket: Bucket, byte: 1 }, 400, "InvalidArgument"],
])("a quota for %s is refused", async (_given, body, status, code) => {
  unchanged ??= givenLab(atFileEnd);
  const { quota } = await unchanged;
  const answer = await quota(body);
  expect([answer.status, codeOfAnswer(answer)]).toEqual([status, code]);
});

test("the command sets and shows it, and status names the fullest buckets", async () => {
  const { lab, put } = await givenLab();
  await put("key", 512);
  const { context, printed } = commandScreen(lab.endpoint, lab.keys);
  expect(await setQuota(context, Bucket, undefined)).toBe(0);
  expect(await setQuota(context, Bucket, 1_024)).toBe(0);
  expect(await setQuota(context, Bucket, 512)).toBe(1);
  expect(printed).toEqual([
    "photos holds 512 B and has no quota\n",
    "photos holds 512 B of 1.0 KiB\n",
    "photos holds 512 B of 512 B\n",
  ]);
  await showStatus(context);
  expect(printed.at(-1)).toContain("quotas      photos 512 B of 512 B");
  const { body: page } = await lab.send({ path: "/metrics" });
  expect(page).toContain(`kintsugi_bucket_quota_bytes{bucket="photos"} 512`);
  expect(page).toContain(`kintsugi_bucket_object_bytes{bucket="photos"} 512`);
  expect(await setQuota(context, Bucket, "none")).toBe(0);
});
