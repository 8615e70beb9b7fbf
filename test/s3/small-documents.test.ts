// Settings of buckets that are a word or two: acceleration and who pays are kept, and the latter enforced; notifications,
// logs, websites and replication can be switched off, and asking for them is refused by name.

import {
  DeleteBucketReplicationCommand,
  DeleteBucketWebsiteCommand,
  DeleteObjectsCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketRequestPaymentCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketAccelerateConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3, statusOf } from "../support/s3-server.ts";

test("acceleration is a word that is kept", async () => {
  const { client, bucket: Bucket, send } = await startS3();
  const get = async () =>
    (await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status;
  expect(await get()).toBeUndefined();
  for (const Status of ["Enabled", "Suspended"] as const) {
    const AccelerateConfiguration = { Status };
    await client.send(
      new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration }),
    );
    expect(await get()).toBe(Status);
  }
  const body = "<AccelerateConfiguration><Status>On</Status></AccelerateConfiguration>";
  const odd = await send({ method: "PUT", path: "?accelerate=", body });
  expect([odd.status, errorCode(odd)]).toEqual([400, "MalformedXML"]);
});

test("who pays is kept", async () => {
  const { client, bucket: Bucket, send } = await startS3();
  const get = async () => (await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer;
  for (const Payer of ["Requester", "BucketOwner"] as const) {
    const RequestPaymentConfiguration = { Payer };
    await client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
    expect(await get()).toBe(Payer);
  }
  const body = "<RequestPaymentConfiguration><Payer>Me</Payer></RequestPaymentConfiguration>";
  const odd = await send({ method: "PUT", path: "?requestPayment=", body });
  expect([odd.status, errorCode(odd)]).toEqual([400, "MalformedXML"]);
});

test("who pays has to say so, but for the owner, and nobody in particular never can", async () => {
  const { client, stranger, bucket: Bucket, endpoint, givenObject } = await startS3();
  await givenObject("key", "body");
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
  const allow = { Effect: "Allow", Principal: "*", Action: "s3:*", Resource };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  const off = { BlockPublicPolicy: false, RestrictPublicBuckets: false };
  await client.send(
    new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: off }),
  );
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  const get = (by: S3Client, RequestPayer?: "requester") =>
    by.send(new GetObjectCommand({ Bucket, Key: "key", RequestPayer }));
  const RequestPaymentConfiguration = { Payer: "Requester" as const };
  await client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));

  const denied = { code: "AccessDenied", status: 403 };
  expect(await refusal(get(stranger))).toEqual(denied);
  expect((await get(stranger, "requester")).RequestCharged).toBe("requester");
  expect((await get(client)).RequestCharged).toBeUndefined();
  expect((await get(client, "requester")).RequestCharged).toBeUndefined();
  const deletion = { Bucket, Delete: { Objects: [{ Key: "key" }] } };
  const { Errors } = await stranger.send(new DeleteObjectsCommand(deletion));
  expect(Errors?.map(({ Code }) => Code)).toEqual(["AccessDenied"]);
  expect(await refusal(stranger.send(new ListObjectsV2Command({ Bucket })))).toEqual(denied);
  const url = `${endpoint}/${Bucket}/key`;
  expect((await fetch(url, { headers: { "x-amz-request-payer": "requester" } })).status).toBe(403);
  const presigned = await getSignedUrl(
    stranger,
    new GetObjectCommand({ Bucket, Key: "key", RequestPayer: "requester" }),
  );
  expect((await fetch(presigned)).headers.get("x-amz-request-charged")).toBe("requester");
  const free = { Payer: "BucketOwner" as const };
  await client.send(
    new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: free }),
  );
  expect((await get(stranger)).RequestCharged).toBeUndefined();
  expect((await fetch(url)).status).toBe(200);
});

test("what is not done can be switched off", async () => {
  const { client, bucket: Bucket } = await startS3();
  const answers = [
    client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })),
    client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }),
    ),
    client.send(new DeleteBucketWebsiteCommand({ Bucket })),
    client.send(new DeleteBucketReplicationCommand({ Bucket })),
  ];
  expect(await Promise.all(answers.map((answer) => statusOf(answer)))).toEqual([
    200, 200, 204, 204,
  ]);
});

test("what is not done cannot be asked for", async () => {
  const { client, bucket: Bucket } = await startS3();
  const LoggingEnabled = { TargetBucket: Bucket, TargetPrefix: "" };
  const QueueArn = "arn:aws:sqs:us-east-1:1:q";
  const QueueConfigurations = [{ QueueArn, Events: ["s3:ObjectCreated:*" as const] }];
  const asked = [
    () =>
      client.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } })),
    () =>
      client.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          NotificationConfiguration: { QueueConfigurations },
        }),
      ),
  ];
  for (const one of asked) {
    expect(await refusal(one())).toEqual({ code: "NotImplemented", status: 501 });
  }
});
