// ListParts as clients meet it: order, pages across the marker, both ways in which a page ends, each error code.

import { ListPartsCommand, paginateListParts } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab, Upload } from "../support/s3-server.ts";

async function uploadWith(lab: S3Lab, numbers: readonly number[]): Promise<Upload> {
  const upload = await lab.givenUpload("key/ü+");
  for (const number of numbers) await lab.givenPart(upload, number, `part ${number}`);
  return upload;
}

test("lists parts in order with size, quoted ETag and date", async () => {
  const lab = await startS3();
  const upload = await uploadWith(lab, [3, 1]);
  const page = await lab.client.send(new ListPartsCommand({ ...upload, MaxParts: 5_000 }));
  expect(page.Parts?.map((part) => part.PartNumber)).toEqual([1, 3]);
  expect(page.Parts?.[0]).toMatchObject({
    Size: 6,
    ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
  });
  expect(page.Parts?.[0]?.LastModified).toBeInstanceOf(Date);
  expect(page).toMatchObject({
    Bucket: lab.bucket,
    Key: "key/ü+",
    UploadId: upload.UploadId,
    IsTruncated: false,
    MaxParts: 1_000,
    StorageClass: "STANDARD",
  });
  expect(page.Owner?.ID).toBe(page.Initiator?.ID);
});

test("the SDK's paginator visits every part exactly once", async () => {
  const lab = await startS3();
  const upload = await uploadWith(lab, [1, 2, 5, 9]);
  const seen: (number | undefined)[] = [];
  for await (const page of paginateListParts({ client: lab.client, pageSize: 2 }, upload)) {
    seen.push(...(page.Parts ?? []).map((part) => part.PartNumber));
  }
  expect(seen).toEqual([1, 2, 5, 9]);
});

test("a page that is cut names where the next one begins", async () => {
  const lab = await startS3();
  const upload = await uploadWith(lab, [1, 4, 6]);
  const first = await lab.client.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
  expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "4" });
  const last = await lab.client.send(new ListPartsCommand({ ...upload, PartNumberMarker: "4" }));
  expect(last).toMatchObject({ IsTruncated: false, PartNumberMarker: "4" });
  expect(last.NextPartNumberMarker).toBeUndefined();
});

test("parts show the checksums that they came with", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key", { ChecksumAlgorithm: "CRC32" });
  await lab.givenPart(upload, 1, "hello world");
  const page = await lab.client.send(new ListPartsCommand(upload));
  expect(page).toMatchObject({ ChecksumAlgorithm: "CRC32", ChecksumType: "COMPOSITE" });
  expect(page.Parts?.[0]?.ChecksumCRC32).toBe("DUoRhQ==");
});

test("an upload without parts has none", async () => {
  const lab = await startS3();
  const page = await lab.client.send(new ListPartsCommand(await lab.givenUpload("key")));
  expect([page.Parts, page.IsTruncated]).toEqual([undefined, false]);
});

test.each([
  ["an unknown upload", { UploadId: "nope" }, "NoSuchUpload", 404],
  ["an upload of another key", { Key: "other" }, "NoSuchUpload", 404],
  ["a negative max-parts", { MaxParts: -1 }, "InvalidArgument", 400],
  ["an odd marker", { PartNumberMarker: "x" }, "InvalidArgument", 400],
])("%s is refused", async (_given, change, code, status) => {
  const lab = await startS3();
  const upload = await uploadWith(lab, [1]);
  const request = lab.client.send(new ListPartsCommand({ ...upload, ...change }));
  expect(await refusal(request)).toEqual({ code, status });
});
