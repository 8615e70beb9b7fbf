// Policies that deny by what a request asks for: by a lock that stands in its body, by a condition that it leaves out. A
// condition key that the server did not fill in would let all of it through.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { accountNumberOf } from "../../src/core/account.ts";
import type { AccountId } from "../../src/core/ids.ts";
import type { GivenStatement } from "../support/open-bucket.ts";
import { ownerIdOf, putPolicy } from "../support/open-bucket.ts";
import { startS3, statusOf } from "../support/s3-server.ts";
import { startLocked } from "../support/versioned-bucket.ts";

const DAY_MS = 86_400_000;

const deny = (Action: string, Condition: unknown): GivenStatement => ({
  Effect: "Deny",
  Action,
  on: ["/*"],
  Condition,
});

test("a policy that limits locks limits those that come in the body (S56)", async () => {
  const { client, bucket: Bucket, put } = await startLocked();
  await put("key", "bytes");
  await putPolicy(
    client,
    Bucket,
    deny("s3:PutObjectRetention", {
      NumericGreaterThan: { "s3:object-lock-remaining-retention-days": "10" },
    }),
    deny("s3:PutObjectRetention", { StringEquals: { "s3:object-lock-mode": "COMPLIANCE" } }),
    deny("s3:PutObjectLegalHold", { StringEquals: { "s3:object-lock-legal-hold": "OFF" } }),
  );
  const retain = (days: number, Mode: "COMPLIANCE" | "GOVERNANCE") => {
    const Retention = { Mode, RetainUntilDate: new Date(Date.now() + days * DAY_MS) };
    return statusOf(client.send(new PutObjectRetentionCommand({ Bucket, Key: "key", Retention })));
  };
  const hold = (Status: "OFF" | "ON") => {
    const LegalHold = { Status };
    return statusOf(client.send(new PutObjectLegalHoldCommand({ Bucket, Key: "key", LegalHold })));
  };
  expect(await retain(30, "GOVERNANCE")).toBe(403);
  expect(await retain(5, "COMPLIANCE")).toBe(403);
  expect(await retain(5, "GOVERNANCE")).toBe(200);
  expect(await hold("ON")).toBe(200);
  expect(await hold("OFF")).toBe(403);
});

test("a policy may let another account set short locks alone", async () => {
  const { client, stranger, bucket: Bucket, put } = await startLocked();
  await put("key", "bytes");
  await putPolicy(client, Bucket, {
    Action: "s3:PutObjectRetention",
    Principal: { AWS: accountNumberOf((await ownerIdOf(stranger)) as AccountId) },
    on: ["/*"],
    Condition: { StringEquals: { "s3:object-lock-mode": "GOVERNANCE" } },
  });
  const retain = (Mode: "COMPLIANCE" | "GOVERNANCE") => {
    const Retention = { Mode, RetainUntilDate: new Date(Date.now() + DAY_MS) };
    const input = { Bucket, Key: "key", Retention };
    return statusOf(stranger.send(new PutObjectRetentionCommand(input)));
  };
  expect(await retain("GOVERNANCE")).toBe(200);
  expect(await retain("COMPLIANCE")).toBe(403);
});

test("a policy that asks for conditional writes gets them, in one piece and in parts", async () => {
  const { client, bucket: Bucket, givenUpload, givenPart } = await startS3();
  await putPolicy(
    client,
    Bucket,
    deny("s3:PutObject", {
      Null: { "s3:if-none-match": "true" },
      Bool: { "s3:ObjectCreationOperation": "true" },
    }),
  );
  const put = (Key: string, IfNoneMatch?: string) =>
    statusOf(client.send(new PutObjectCommand({ Bucket, Key, Body: "bytes", IfNoneMatch })));
  expect(await put("one")).toBe(403);
  expect(await put("one", "*")).toBe(200);
  const CopySource = `${Bucket}/one`;
  const copy = new CopyObjectCommand({ Bucket, Key: "copy", CopySource });
  expect(await statusOf(client.send(copy))).toBe(403);
  const upload = await givenUpload("parts");
  const part = await givenPart(upload, 1, "bytes");
  const complete = (IfNoneMatch?: string) => {
    const MultipartUpload = { Parts: [part] };
    const input = { ...upload, MultipartUpload, IfNoneMatch };
    return statusOf(client.send(new CompleteMultipartUploadCommand(input)));
  };
  expect(await complete()).toBe(403);
  expect(await complete("*")).toBe(200);
});
