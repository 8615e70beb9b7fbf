// Presigned uploads as the AWS SDK makes them: headers that it moves into the URL count as if they had been sent.

import {
  CopyObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, test } from "vitest";
import { startS3 } from "../support/s3-server.ts";

test("metadata, tags and storage class of a presigned PUT are kept", async () => {
  const { client, givenBucket } = await startS3();
  const target = { Bucket: await givenBucket(), Key: "key" };
  const put = new PutObjectCommand({
    ...target,
    Metadata: { color: "gold" },
    Tagging: "a=b",
    StorageClass: "STANDARD_IA",
  });
  const answer = await fetch(await getSignedUrl(client, put), { method: "PUT", body: "bytes" });
  expect(answer.status).toBe(200);

  const found = await client.send(new GetObjectCommand(target));
  expect(found.Metadata).toEqual({ color: "gold" });
  expect(found.StorageClass).toBe("STANDARD_IA");
  const { TagSet } = await client.send(new GetObjectTaggingCommand(target));
  expect(TagSet).toEqual([{ Key: "a", Value: "b" }]);
});

test("a presigned copy copies", async () => {
  const { client, givenBucket } = await startS3();
  const Bucket = await givenBucket();
  await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: "bytes" }));
  const copy = new CopyObjectCommand({ Bucket, Key: "copied", CopySource: `${Bucket}/source` });
  const answer = await fetch(await getSignedUrl(client, copy), { method: "PUT" });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("<CopyObjectResult");
  const found = await client.send(new GetObjectCommand({ Bucket, Key: "copied" }));
  expect(await found.Body?.transformToString()).toBe("bytes");
});
