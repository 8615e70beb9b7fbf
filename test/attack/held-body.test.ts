// A permission is tried before the body is read, and the sender decides when the body comes. What it was tried on must
// still be what it is used on.

import { PutObjectCommand } from "@aws-sdk/client-s3";
import { request as startRequest } from "node:http";
import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import {
  GetObjectAclCommand,
  GetObjectTaggingCommand,
  PutBucketAclCommand,
} from "@aws-sdk/client-s3";
import { givenOpenBucket, putPolicy } from "../support/open-bucket.ts";
import { startS3 } from "../support/s3-server.ts";

/** Sends the head, waits until the server wants the body, which it does once it has decided, and holds it back. */
async function holdBody(url: string, body: string): Promise<() => Promise<number>> {
  const headers = { expect: "100-continue", "content-length": Buffer.byteLength(body) };
  const sent: ClientRequest = startRequest(url, { method: "PUT", headers });
  const answered = once(sent, "response");
  sent.flushHeaders();
  await once(sent, "continue");
  return async () => {
    sent.end(body);
    const [answer] = (await answered) as [IncomingMessage];
    answer.resume();
    return answer.statusCode ?? 0;
  };
}

const MINE = `<AccessControlPolicy><AccessControlList><Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`;

test("who may list a bucket does not get the next object there by a list that he holds back", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await client.send(new PutBucketAclCommand({ Bucket, ACL: "public-read" }));
  const finish = await holdBody(`${endpoint}/${Bucket}/key?acl`, MINE);
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "the owner's" }));
  expect(await finish()).toBe(503);
  const { Grants } = await client.send(new GetObjectAclCommand({ Bucket, Key: "key" }));
  expect(Grants).toHaveLength(1);
  expect(Grants?.[0]?.Grantee?.Type).toBe("CanonicalUser");
});

test("tags do not land on an object that a policy would have spared by its tags", async () => {
  const { client, endpoint } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, {
    Action: "s3:PutObjectTagging",
    on: ["/*"],
    Condition: { StringEquals: { "s3:ExistingObjectTag/open": "yes" } },
  });
  const put = (Tagging: string) =>
    client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "bytes", Tagging }));
  await put("open=yes");
  const tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  const finish = await holdBody(`${endpoint}/${Bucket}/key?tagging`, tags);
  await put("open=no");
  expect(await finish()).toBe(403);
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "key" }));
  expect(TagSet).toEqual([{ Key: "open", Value: "no" }]);
});
