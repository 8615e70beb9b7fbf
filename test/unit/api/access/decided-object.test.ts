// A decision that looked at an object holds for that object, not for one that takes its place before it is read.

import { expect, test } from "vitest";
import { BucketSettings } from "../../../../src/api/bucket-settings.ts";
import { RequestAccess } from "../../../../src/api/access/request-access.ts";
import type { AccessParts } from "../../../../src/api/access/request-access.ts";
import { ANONYMOUS_ACCOUNT } from "../../../../src/core/account.ts";
import type { BucketView } from "../../../../src/store/bucket-view.ts";
import type { ObjectStore } from "../../../../src/store/object-store.ts";
import { realClock } from "../../../../src/util/clock.ts";
import { givenRequest } from "../../auth/given-request.ts";

const bucket = { id: 1, name: "b", ownerId: "owner", settingsVersion: 1 } as BucketView;
const PUBLIC = JSON.stringify([["group", "AllUsers", "READ"]]);

function givenAccess(objects: Readonly<Record<string, unknown>>, documents = {}): RequestAccess {
  const texts = new Map<string, string>(Object.entries(documents));
  const store = {
    findBucketConfig: async (_bucket: BucketView, name: string) => texts.get(name),
    findObject: async (_bucket: BucketView, key: string) => objects[key],
  } as unknown as ObjectStore;
  const parts: AccessParts = {
    store,
    settings: new BucketSettings(store),
    clock: realClock,
    region: "us-east-1",
    authentication: {
      account: ANONYMOUS_ACCOUNT,
      accessKey: "",
      method: "anonymous",
      version: undefined,
      signedAt: undefined,
      payload: { kind: "unsigned" },
    },
    request: givenRequest("GET", "/b/key", {}),
    connection: { isSecure: false, tlsVersion: undefined, remoteAddress: "127.0.0.1" },
    onCharged: () => undefined,
  };
  return new RequestAccess(parts);
}

const target = { bucket, key: "key", versionId: undefined };
const AGAIN = expect.objectContaining({ code: "ServiceUnavailable" });

test("by its list", async () => {
  const key = { key: "key", sequence: 7, ownerId: "owner", acl: PUBLIC, tags: [] };
  const access = givenAccess({ key });
  expect(await access.allows("s3:GetObject", target)).toBe(true);
  expect(() => access.confirm(bucket, { key: "key", sequence: 7 })).not.toThrow();
  expect(() => access.confirm(bucket, { key: "key", sequence: 8 })).toThrow(AGAIN);
});

test("by its tags", async () => {
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::b/*",
      Condition: { StringEquals: { "s3:ExistingObjectTag/a": "b" } },
    },
  });
  const key = { key: "key", sequence: 7, ownerId: "owner", tags: [{ key: "a", value: "b" }] };
  const access = givenAccess({ key }, { policy });
  expect(await access.allows("s3:GetObject", target)).toBe(true);
  expect(() => access.confirm(bucket, { key: "key", sequence: 8 })).toThrow(AGAIN);
});

test("by its absence", async () => {
  const access = givenAccess({}, { acl: PUBLIC });
  expect(await access.allows("s3:GetObject", target)).toBe(true);
  expect(() => access.confirm(bucket, { key: "key", sequence: 1 })).toThrow(AGAIN);
});

test("and where it looked at none, any will do", async () => {
  const access = givenAccess({}, { acl: PUBLIC });
  expect(await access.allows("s3:ListBucket", { ...target, key: "" })).toBe(true);
  expect(() => access.confirm(bucket, { key: "key", sequence: 1 })).not.toThrow();
});

test("a stored policy or list that cannot be read opens nothing (S44)", async () => {
  const broken = givenAccess({}, { policy: "{" });
  await expect(broken.allows("s3:ListBucket", { ...target, key: "" })).rejects.toThrow(
    /[Jj]son|read/,
  );
  const list = givenAccess({}, { acl: '[["group","AllUsers","OWN"]]' });
  await expect(list.allows("s3:ListBucket", { ...target, key: "" })).rejects.toThrow(
    /[Jj]son|read/,
  );
});
