// Headers that a presigned URL carries in its query.

import { CopyObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, test } from "vitest";
import { withHoistedHeaders } from "../../../src/auth/hoisted-headers.ts";
import { givenRequest } from "./given-request.ts";
import { givenClient } from "./sign-with-sdk.ts";

const HOST = { host: "localhost:9000" };

function headersOf(url: string, sent: Readonly<Record<string, string>> = {}) {
  const target = url.slice("http://localhost:9000".length);
  const request = givenRequest("PUT", target, { ...HOST, ...sent });
  return Object.fromEntries(withHoistedHeaders(request).headers);
}

test("metadata, tags and class that the SDK signs into a URL are headers; its checksum of nothing is not", async () => {
  const input = { Bucket: "b", Key: "k", Metadata: { a: "b" }, Tagging: "q=1" };
  const command = new PutObjectCommand({ ...input, StorageClass: "STANDARD_IA" });
  expect(headersOf(await getSignedUrl(givenClient(), command))).toEqual({
    ...HOST,
    "x-amz-meta-a": "b",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-tagging": "q=1",
  });
});

test("the source of a copy is a header", async () => {
  const command = new CopyObjectCommand({ Bucket: "b", Key: "k", CopySource: "b/é k" });
  expect(headersOf(await getSignedUrl(givenClient(), command))).toMatchObject({
    "x-amz-copy-source": Buffer.from("b/é k").toString("latin1"),
  });
});

test("a header that was sent wins over the query", async () => {
  const command = new PutObjectCommand({ Bucket: "b", Key: "k", Metadata: { a: "b" } });
  expect(
    headersOf(await getSignedUrl(givenClient(), command), { "x-amz-meta-a": "sent" }),
  ).toMatchObject({
    "x-amz-meta-a": "sent",
  });
});

test("without a signature in the query nothing is hoisted", () => {
  const request = givenRequest("PUT", "/b/k?x-amz-copy-source=b/secret", HOST);
  expect(withHoistedHeaders(request)).toBe(request);
});
