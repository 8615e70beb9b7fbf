// What is not there: settings that were never made answer as S3 does, operations that do not exist yet answer 501 by
// name, and neither is a way past the signature or the owner.

import {
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketRequestPaymentCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  ListBucketInventoryConfigurationsCommand,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { UNCONFIGURED, UNSUPPORTED } from "../../src/api/operations/index.ts";
import type { Route } from "../../src/api/operation.ts";
import { errorCode } from "../support/raw-http.ts";
import { refusal, startS3 } from "../support/s3-server.ts";

function request({ method, target, query, headers }: Route) {
  const params = (query ?? []).map((name) => (name.includes("=") ? name : `${name}=`)).join("&");
  return {
    method,
    path: `${target === "object" ? "key" : ""}?${params}`,
    headers: Object.fromEntries((headers ?? []).map((name) => [name, "x"])),
  };
}

const REACHABLE = UNSUPPORTED.filter(({ route }) => route.target !== "service");

test.each(REACHABLE.map(({ name, route }) => [name, route] as const))(
  "%s answers 501 by its own name",
  async (name, route) => {
    const { send, givenObject } = await startS3();
    await givenObject("key", "kept");

    const answer = await send({ ...request(route), headers: { "content-length": "0" } });

    expect([answer.status, errorCode(answer)]).toEqual([501, "NotImplemented"]);
    expect(answer.body).toContain(name);
    expect((await send({ method: "GET", path: "key" })).body).toBe("kept");
  },
);

test.each(UNCONFIGURED.map(({ name, route }) => [name, route] as const))(
  "%s answers as if nothing was ever set",
  async (_name, route) => {
    const { send, givenObject } = await startS3();
    await givenObject("key");

    const answer = await send(request(route));

    expect([200, 400, 404]).toContain(answer.status);
    expect(answer.body).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n</);
    expect(errorCode(answer)).not.toBe("NotImplemented");
  },
);

test("clients understand the defaults", async () => {
  const { client, bucket, givenObject } = await startS3();
  await givenObject("key");
  const Bucket = bucket;

  const versioning = await client.send(new GetBucketVersioningCommand({ Bucket }));
  expect(versioning.Status).toBeUndefined();
  const acl = await client.send(new GetBucketAclCommand({ Bucket }));
  expect(acl.Grants?.map(({ Permission }) => Permission)).toEqual(["FULL_CONTROL"]);
  expect(acl.Grants?.[0]?.Grantee).toMatchObject({ Type: "CanonicalUser", ID: acl.Owner?.ID });
  const objectAcl = await client.send(new GetObjectAclCommand({ Bucket, Key: "key" }));
  expect(objectAcl.Owner).toEqual(acl.Owner);
  const missing = client.send(new GetObjectAclCommand({ Bucket, Key: "missing" }));
  expect(await refusal(missing)).toEqual({ code: "NoSuchKey", status: 404 });
  const payment = await client.send(new GetBucketRequestPaymentCommand({ Bucket }));
  expect(payment.Payer).toBe("BucketOwner");
  const inventory = await client.send(new ListBucketInventoryConfigurationsCommand({ Bucket }));
  expect(inventory.IsTruncated).toBe(false);
});

test("clients understand that there is none", async () => {
  const { client, bucket } = await startS3();
  const Bucket = bucket;
  const found = await Promise.all([
    refusal(client.send(new GetBucketPolicyCommand({ Bucket }))),
    refusal(client.send(new GetBucketCorsCommand({ Bucket }))),
    refusal(client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))),
  ]);
  expect(found).toEqual([
    { code: "NoSuchBucketPolicy", status: 404 },
    { code: "NoSuchCORSConfiguration", status: 404 },
    { code: "NoSuchLifecycleConfiguration", status: 404 },
  ]);
});

test("another account learns nothing from them", async () => {
  const { stranger, bucket } = await startS3();
  const denied = { code: "AccessDenied", status: 403 };
  const Bucket = bucket;
  expect(await refusal(stranger.send(new GetBucketAclCommand({ Bucket })))).toEqual(denied);
  const put = stranger.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  expect(await refusal(put)).toEqual(denied);
});

test("in a bucket without versioning every object is one version, called null", async () => {
  const { client, bucket, givenObject } = await startS3();
  const keys = ["a", "b/1", "b/2", "c"];
  for (const key of keys) await givenObject(key);

  const seen: (string | undefined)[] = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 2, KeyMarker, VersionIdMarker }),
    );
    for (const version of page.Versions ?? []) {
      expect(version).toMatchObject({ VersionId: "null", IsLatest: true, Size: 4 });
      seen.push(version.Key);
    }
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  } while (KeyMarker !== undefined);
  expect(seen).toEqual(keys);

  const rolled = await client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Delimiter: "/" }),
  );
  expect(rolled.CommonPrefixes).toEqual([{ Prefix: "b/" }]);
  const bad = client.send(new ListObjectVersionsCommand({ Bucket: bucket, VersionIdMarker: "x" }));
  expect(await refusal(bad)).toEqual({ code: "InvalidArgument", status: 400 });
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    expect(page.KeyCount).toBe(keys.length);
  }
});
