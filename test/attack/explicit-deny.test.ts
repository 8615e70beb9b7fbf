// S43: what one policy denies, no other grant gives back: not another statement, not an access control list, not being the
// owner of the object.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectAclCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { accountNumberOf } from "../../src/core/account.ts";
import type { AccountId } from "../../src/core/ids.ts";
import { anonymously, givenOpenBucket, ownerIdOf, putPolicy } from "../support/open-bucket.ts";
import { refusal, startS3, statusOf } from "../support/s3-server.ts";

const DENIED = { code: "AccessDenied", status: 403 };
const EVERYTHING = { Action: "s3:*", on: ["", "/*"] };

test("S43: an explicit Deny outweighs every Allow, in whatever order they stand", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "open", Body: "body" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "closed", Body: "body" }));
  const denial = { Effect: "Deny", Action: "s3:GetObject", on: ["/closed"] } as const;
  for (const statements of [
    [EVERYTHING, denial],
    [denial, EVERYTHING],
  ]) {
    await putPolicy(client, Bucket, ...statements);
    const get = (Key: string) => stranger.send(new GetObjectCommand({ Bucket, Key }));
    expect(await refusal(get("closed"))).toEqual(DENIED);
    expect(await statusOf(get("open"))).toBe(200);
    expect(await statusOf(stranger.send(new ListObjectsV2Command({ Bucket })))).toBe(200);
  }
});

test("S43: neither does an access control list give it back, nor owning the object", async () => {
  const { client, stranger, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, EVERYTHING);
  await stranger.send(new PutObjectCommand({ Bucket, Key: "key", Body: "body" }));
  const acl = new PutObjectAclCommand({ Bucket, Key: "key", ACL: "public-read" });
  await stranger.send(acl);
  const account = accountNumberOf((await ownerIdOf(stranger)) as AccountId);
  const Principal = { AWS: account };
  await putPolicy(client, Bucket, { Effect: "Deny", Principal, ...EVERYTHING });
  expect(await refusal(stranger.send(new GetObjectCommand({ Bucket, Key: "key" })))).toEqual(
    DENIED,
  );
  const removal = stranger.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
  expect(await refusal(removal)).toEqual(DENIED);
  // Whom nothing denies still has what the list gives.
  expect((await anonymously(endpoint, `${Bucket}/key`)).status).toBe(200);
});
