// ListMultipartUploads as clients meet it: uploads in progress by key and age, prefixes, delimiters, pages.

import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { ListMultipartUploadsCommandInput } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

const list = ({ client, bucket }: S3Lab, query: Partial<ListMultipartUploadsCommandInput> = {}) =>
  client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...query }));

test("uploads come by key, those of one key by their age", async () => {
  const lab = await startS3();
  const second = await lab.givenUpload("b");
  const third = await lab.givenUpload("b");
  const first = await lab.givenUpload("a", { StorageClass: "STANDARD_IA" });
  const page = await list(lab);
  const ids = page.Uploads?.map((upload) => upload.UploadId);
  expect(ids).toEqual([first.UploadId, second.UploadId, third.UploadId]);
  expect(page.Uploads?.[0]).toMatchObject({ Key: "a", StorageClass: "STANDARD_IA" });
  expect(page.Uploads?.[0]?.Initiated).toBeInstanceOf(Date);
  expect(page.Uploads?.[0]?.Owner?.ID).toBe(page.Uploads?.[0]?.Initiator?.ID);
  expect(page).toMatchObject({ Bucket: lab.bucket, MaxUploads: 1_000, IsTruncated: false });
});

test("what is completed or aborted is not listed", async () => {
  const lab = await startS3();
  await lab.givenMultipart("done", ["body"]);
  await lab.client.send(new AbortMultipartUploadCommand(await lab.givenUpload("aborted")));
  await lab.givenUpload("open");
  expect((await list(lab)).Uploads?.map((upload) => upload.Key)).toEqual(["open"]);
});

test("a prefix narrows and a delimiter rolls up", async () => {
  const lab = await startS3();
  for (const key of ["a", "b/1", "b/2", "b/c/3", "d"]) await lab.givenUpload(key);
  const top = await list(lab, { Delimiter: "/" });
  expect(top.Uploads?.map((upload) => upload.Key)).toEqual(["a", "d"]);
  expect(top.CommonPrefixes).toEqual([{ Prefix: "b/" }]);
  const below = await list(lab, { Delimiter: "/", Prefix: "b/" });
  expect(below.Uploads?.map((upload) => upload.Key)).toEqual(["b/1", "b/2"]);
  expect(below.CommonPrefixes).toEqual([{ Prefix: "b/c/" }]);
});

test.each([1, 2, 3])("pages of %i show every upload once", async (MaxUploads) => {
  const lab = await startS3();
  for (const key of ["a", "b", "b", "b", "c"]) await lab.givenUpload(key);
  const seen: (string | undefined)[] = [];
  let markers: Partial<ListMultipartUploadsCommandInput> = {};
  for (;;) {
    const page = await list(lab, { MaxUploads, ...markers });
    seen.push(...(page.Uploads ?? []).map((upload) => upload.UploadId));
    if (!page.IsTruncated) break;
    expect(page.Uploads).toHaveLength(MaxUploads);
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
});

test("pages go on after a prefix that was rolled up", async () => {
  const lab = await startS3();
  for (const key of ["a/1", "a/2", "b"]) await lab.givenUpload(key);
  const first = await list(lab, { Delimiter: "/", MaxUploads: 1 });
  expect(first).toMatchObject({ IsTruncated: true, NextKeyMarker: "a/" });
  const second = await list(lab, { Delimiter: "/", KeyMarker: first.NextKeyMarker });
  expect(second.CommonPrefixes).toBeUndefined();
  expect(second.Uploads?.map((upload) => upload.Key)).toEqual(["b"]);
});

test("keys are encoded where that is asked for", async () => {
  const lab = await startS3();
  await lab.givenUpload("a b+c/ü");
  const page = await list(lab, { EncodingType: "url" });
  expect(page.Uploads?.[0]?.Key).toBe("a%20b%2Bc/%C3%BC");
  expect(page.EncodingType).toBe("url");
});

test("odd questions are refused", async () => {
  const lab = await startS3();
  expect(await refusal(list(lab, { MaxUploads: -1 }))).toEqual({
    code: "InvalidArgument",
    status: 400,
  });
});
