// What a refusal tells: to the owner of the bucket what stands in his way, to others nothing; of a policy that is no good,
// which of its texts.

import {
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { givenOpenBucket, policyText, putPolicy } from "../support/open-bucket.ts";
import { startS3 } from "../support/s3-server.ts";

const messageOf = async (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => "done",
    (error: Error) => error.message,
  );

test("the owner hears that the bucket's own policy denies, others only that they may not", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  await putPolicy(client, Bucket, { Effect: "Deny", Action: "s3:*", on: ["", "/*"] });
  const list = () => new ListObjectsV2Command({ Bucket });
  expect(await messageOf(client.send(list()))).toContain(
    `:root is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::${Bucket}" with an explicit deny in a resource-based policy`,
  );
  const put = client.send(new PutObjectCommand({ Bucket, Key: "a&b", Body: "" }));
  expect(await messageOf(put)).toContain(`s3:PutObject on resource: "arn:aws:s3:::${Bucket}/a&b"`);
  expect(await messageOf(stranger.send(list()))).toBe("Access Denied");
});

test("a public policy is refused by the name of the setting that blocks it", async () => {
  const { client, bucket: Bucket } = await startS3();
  const Policy = policyText(Bucket, [{ Action: "s3:GetObject", on: ["/*"] }]);
  const put = client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect(await messageOf(put)).toMatch(
    /s3:PutBucketPolicy .* blocked by the BlockPublicPolicy block public access setting/,
  );
});

test("a public list is refused by the name of the setting that blocks it", async () => {
  const { client, stranger } = await startS3();
  const Bucket = await givenOpenBucket(client);
  const PublicAccessBlockConfiguration = { BlockPublicAcls: true };
  await client.send(new PutObjectCommand({ Bucket, Key: "key", Body: "" }));
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  const ACL = "public-read";
  const object = { Bucket, Key: "key", ACL } as const;
  const why = "blocked by the BlockPublicAcls block public access setting";
  const refused = [
    ["s3:PutBucketAcl", client.send(new PutBucketAclCommand({ Bucket, ACL }))],
    ["s3:PutObjectAcl", client.send(new PutObjectAclCommand(object))],
    ["s3:PutObject", client.send(new PutObjectCommand({ ...object, Body: "" }))],
  ] as const;
  for (const [action, request] of refused) {
    const message = await messageOf(request);
    expect(message).toContain(`perform: ${action} on resource`);
    expect(message).toContain(why);
  }
  expect(await messageOf(stranger.send(new PutBucketAclCommand({ Bucket, ACL })))).toBe(
    "Access Denied",
  );
});

test("a policy that is no good is refused with the text that is not as it must be", async () => {
  const { client, bucket: Bucket } = await startS3();
  const GOOD = { Action: "s3:GetObject", on: ["/*"] };
  const cases = [
    [{ ...GOOD, Action: "s3:NoSuch" }, "s3:NoSuch"],
    [{ ...GOOD, on: ["-other/*"] }, `arn:aws:s3:::${Bucket}-other/*`],
    [{ ...GOOD, Principal: { AWS: "bob" } }, '"AWS" : "bob"'],
    [{ ...GOOD, Condition: { StringEquals: { "s3:Nothing": "x" } } }, "s3:Nothing"],
    [{ ...GOOD, on: ["/${aws:Nothing}"] }, "aws:Nothing"],
  ] as const;
  for (const [statement, text] of cases) {
    const Policy = policyText(Bucket, [statement]);
    const put = client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    await expect(put).rejects.toMatchObject({ name: "MalformedPolicy", Detail: text });
  }
});
