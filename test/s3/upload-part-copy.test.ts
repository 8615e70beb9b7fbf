// UploadPartCopy as clients meet it: parts from other objects and their ranges, and the ranges that are none.

import {
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart, UploadPartCopyCommandInput } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { MIB, PART_BYTES, patterned, refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab, Upload } from "../support/s3-server.ts";

type Query = Partial<UploadPartCopyCommandInput>;

const copyPart = (lab: S3Lab, upload: Upload, PartNumber: number, query: Query = {}) => {
  const CopySource = `${lab.bucket}/from`;
  const input = { ...upload, PartNumber, CopySource, ...query };
  return lab.client.send(new UploadPartCopyCommand(input));
};
const finish = async (lab: S3Lab, upload: Upload, Parts: CompletedPart[]) => {
  await lab.client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
  );
  const { Bucket, Key } = upload;
  const object = await lab.client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await object.Body?.transformToByteArray()) ?? new Uint8Array());
};

test("ranges of a source become parts", async () => {
  const lab = await startS3();
  const body = patterned(PART_BYTES + MIB + 5);
  await lab.givenObject("from", body);
  const upload = await lab.givenUpload("to");
  const parts: CompletedPart[] = [];
  for (const [index, range] of [
    `bytes=0-${PART_BYTES - 1}`,
    `bytes=${PART_BYTES}-${body.length - 1}`,
  ].entries()) {
    const { CopyPartResult } = await copyPart(lab, upload, index + 1, { CopySourceRange: range });
    parts.push({ ...CopyPartResult, PartNumber: index + 1 });
  }
  expect(Buffer.compare(await finish(lab, upload, parts), body)).toBe(0);
});

test("without a range the whole source becomes a part, a multipart object too", async () => {
  const lab = await startS3();
  const body = patterned(PART_BYTES + 1_000);
  await lab.givenMultipart("from", [body.subarray(0, PART_BYTES), body.subarray(PART_BYTES)]);
  const upload = await lab.givenUpload("to");
  const { CopyPartResult } = await copyPart(lab, upload, 1);
  expect(CopyPartResult?.LastModified).toBeInstanceOf(Date);
  const copied = await finish(lab, upload, [{ ...CopyPartResult, PartNumber: 1 }]);
  expect(Buffer.compare(copied, body)).toBe(0);
});

test.each([" ", "_", "__", "?versionId", "a+b", "%2F", "🏺"])(
  "the source %j is found",
  async (key) => {
    const lab = await startS3();
    await lab.givenObject(key, key);
    const upload = await lab.givenUpload("to");
    const CopySource = `${lab.bucket}/${encodeURIComponent(key)}`;
    const { CopyPartResult } = await copyPart(lab, upload, 1, { CopySource });
    const copied = await finish(lab, upload, [{ ...CopyPartResult, PartNumber: 1 }]);
    expect(copied.toString()).toBe(key);
  },
);

test("a copied part has the upload's checksum", async () => {
  const lab = await startS3();
  await lab.givenObject("from", "hello world");
  const upload = await lab.givenUpload("to", { ChecksumAlgorithm: "SHA256" });
  const { CopyPartResult } = await copyPart(lab, upload, 1);
  expect(CopyPartResult?.ChecksumSHA256).toBe("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=");
});

test.each(["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5"])(
  "the range %j is refused",
  async (CopySourceRange) => {
    const lab = await startS3();
    await lab.givenObject("from", "hello");
    const request = copyPart(lab, await lab.givenUpload("to"), 1, { CopySourceRange });
    expect(await refusal(request)).toEqual({ code: "InvalidArgument", status: 400 });
  },
);

test.each<[string, Query | ((bucket: string) => Query), string, number]>([
  ["a range beyond the end", { CopySourceRange: "bytes=0-21" }, "InvalidRange", 416],
  ["a source that is not there", (b) => ({ CopySource: `${b}/absent` }), "NoSuchKey", 404],
  ["a source's bucket that is not there", { CopySource: "no-such-bucket/x" }, "NoSuchBucket", 404],
  ["a condition that fails", { CopySourceIfMatch: '"other"' }, "PreconditionFailed", 412],
  ["an upload that is not there", { UploadId: "none" }, "NoSuchUpload", 404],
  ["a part number that is none", { PartNumber: 10_001 }, "InvalidArgument", 400],
])("%s is refused", async (_given, query, code, status) => {
  const lab = await startS3();
  await lab.givenObject("from", "hello");
  const upload = await lab.givenUpload("to");
  const more = typeof query === "function" ? query(lab.bucket) : query;
  expect(await refusal(copyPart(lab, upload, 1, more))).toEqual({ code, status });
});

test("a bucket of another account is no source", async () => {
  const lab = await startS3();
  const theirs = await lab.givenBucket(lab.stranger);
  const upload = await lab.givenUpload("to");
  const request = copyPart(lab, upload, 1, { CopySource: `${theirs}/x` });
  expect(await refusal(request)).toEqual({ code: "AccessDenied", status: 403 });
});
