// GetObjectAttributes as clients meet it: only what is asked for, parts in pages, checksums where there are some.

import { GetObjectAttributesCommand, UploadPartCommand } from "@aws-sdk/client-s3";
import { CompleteMultipartUploadCommand } from "@aws-sdk/client-s3";
import type {
  CompletedPart,
  GetObjectAttributesCommandInput,
  ObjectAttributes,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { PART_BYTES, patterned, refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

const ALL: ObjectAttributes[] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
const get = (
  { client, bucket }: S3Lab,
  Key: string,
  more: Partial<GetObjectAttributesCommandInput> = {},
) =>
  client.send(
    new GetObjectAttributesCommand({ Bucket: bucket, Key, ObjectAttributes: ALL, ...more }),
  );

test("an object of one PUT has no parts, and its ETag goes without quotes", async () => {
  const lab = await startS3();
  const etag = await lab.givenObject("key", "foo", { ChecksumAlgorithm: "SHA256" });
  const attributes = await get(lab, "key");
  expect(attributes).toMatchObject({
    ETag: etag.replaceAll('"', ""),
    ObjectSize: 3,
    StorageClass: "STANDARD",
    Checksum: {
      ChecksumSHA256: "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
      ChecksumType: "FULL_OBJECT",
    },
  });
  expect(attributes.ObjectParts).toBeUndefined();
  expect(attributes.VersionId).toBeUndefined();
  expect(attributes.LastModified).toBeInstanceOf(Date);
});

test("only what is asked for is told", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "foo");
  const { ObjectSize, ETag, StorageClass, Checksum } = await get(lab, "key", {
    ObjectAttributes: ["ObjectSize"],
  });
  expect([ObjectSize, ETag, StorageClass, Checksum]).toEqual([3, undefined, undefined, undefined]);
});

test("the parts of a multipart object come in pages", async () => {
  const lab = await startS3();
  const bodies = [patterned(PART_BYTES), patterned(PART_BYTES, 2), patterned(10)];
  await lab.givenMultipart("key", bodies);
  const whole = await get(lab, "key");
  expect(whole.ObjectSize).toBe(2 * PART_BYTES + 10);
  expect(whole.ObjectParts).toMatchObject({ TotalPartsCount: 3, IsTruncated: false });
  expect(whole.ObjectParts?.Parts).toMatchObject([
    { PartNumber: 1, Size: PART_BYTES },
    { PartNumber: 2, Size: PART_BYTES },
    { PartNumber: 3, Size: 10 },
  ]);
  const page = await get(lab, "key", { MaxParts: 1, PartNumberMarker: "1" });
  expect(page.ObjectParts).toMatchObject({
    TotalPartsCount: 3,
    MaxParts: 1,
    PartNumberMarker: "1",
    NextPartNumberMarker: "2",
    IsTruncated: true,
    Parts: [{ PartNumber: 2 }],
  });
});

test("parts show the checksums that they came with, the object the one made of them", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key", { ChecksumAlgorithm: "SHA256" });
  const request = { ...upload, PartNumber: 1, Body: "A".repeat(1_024) };
  const part = await lab.client.send(
    new UploadPartCommand({ ...request, ChecksumAlgorithm: "SHA256" }),
  );
  const { ETag, ChecksumSHA256 } = part;
  const Parts: CompletedPart[] = [{ PartNumber: 1, ETag, ChecksumSHA256 }];
  const complete = { ...upload, MultipartUpload: { Parts } };
  await lab.client.send(new CompleteMultipartUploadCommand(complete));
  const attributes = await get(lab, "key");
  expect(attributes.Checksum).toEqual({
    ChecksumSHA256: "Ok6Cs5b96ux6+MWQkJO7UBT5sKPBeXBLwvj/hK89smg=-1",
    ChecksumType: "COMPOSITE",
  });
  expect(attributes.ObjectParts?.Parts?.[0]?.ChecksumSHA256).toBe(ChecksumSHA256);
});

test("what is not there, and what cannot be asked", async () => {
  const lab = await startS3();
  await lab.givenObject("key");
  expect(await refusal(get(lab, "absent"))).toEqual({ code: "NoSuchKey", status: 404 });
  const odd = get(lab, "key", { ObjectAttributes: ["Colour" as "ETag"] });
  expect(await refusal(odd)).toEqual({ code: "InvalidArgument", status: 400 });
  const none = await lab.send({ method: "GET", path: "key?attributes=" });
  expect([none.status, errorCode(none)]).toEqual([400, "InvalidArgument"]);
});
