// Looking at buckets and what is in them over the admin API: whole, page by page, of all accounts, and whatever a key is
// made of.

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeOfAnswer, startAdmin, type AdminLab } from "../support/admin-server.ts";
import { withEnds } from "../support/at-end.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

let lab: AdminLab;
const endings: (() => Promise<void>)[] = [];

const HOSTILE = ["<img src=x onerror=alert(1)>", "a&b=c+d %2F", "line\nbreak", "é日本😀", "'\"`"];

beforeAll(async () => {
  lab = await startAdmin({}, (end) => endings.push(end));
  await withEnds(fill);
});
afterAll(async () => {
  for (const end of endings) await end();
});

async function fill(): Promise<void> {
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  const other = sdkClientOf(lab.server.endpoint, lab.otherKeys);
  for (const Bucket of ["photos", "versions"]) {
    await client.send(new CreateBucketCommand({ Bucket }));
  }
  await client.send(
    new CreateBucketCommand({ Bucket: "locked", ObjectLockEnabledForBucket: true }),
  );
  await other.send(new CreateBucketCommand({ Bucket: "of-another" }));
  for (const Key of ["a/1", "a/2", "b/1", "c", ...HOSTILE]) {
    await client.send(new PutObjectCommand({ Bucket: "photos", Key, Body: "12345" }));
  }
  const Bucket = "versions";
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  for (const Body of ["1", "22"]) {
    await client.send(new PutObjectCommand({ Bucket, Key: "k", Body }));
  }
  await client.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "k2", Body: "333" }));
}

interface Page {
  readonly [field: string]: unknown;
  readonly entries: readonly Record<string, unknown>[];
  readonly next?: unknown;
}

async function ask(path: string, params: Record<string, string> = {}): Promise<Page> {
  const query = new URLSearchParams(params).toString().replaceAll("+", "%20");
  const answer = await lab.send({ path, query });
  expect([answer.status, answer.body]).toEqual([200, answer.body]);
  return JSON.parse(answer.body) as Page;
}

test("the buckets of all accounts, with what they hold and how they are set", async () => {
  const { buckets, next } = await ask("/v1/buckets");
  expect(next).toBeUndefined();
  expect(buckets).toMatchObject([
    { name: "locked", hasLock: true, versioning: "enabled", objectCount: 0 },
    { name: "of-another", hasLock: false, versioning: "off" },
    { name: "photos", objectCount: 4 + HOSTILE.length, objectBytes: 5 * (4 + HOSTILE.length) },
    { name: "versions", versioning: "enabled", objectBytes: 6 },
  ]);
  expect(await ask("/v1/buckets", { prefix: "p" })).toMatchObject({
    buckets: [{ name: "photos" }],
  });
});

test("pages of buckets follow each other", async () => {
  const names: unknown[] = [];
  let after: string | undefined;
  do {
    const page = await ask("/v1/buckets", {
      limit: "1",
      ...(after === undefined ? {} : { after }),
    });
    names.push(...(page["buckets"] as { name: string }[]).map(({ name }) => name));
    after = page.next as string | undefined;
  } while (after !== undefined);
  expect(names).toEqual(["locked", "of-another", "photos", "versions"]);
});

test("objects by prefix and delimiter", async () => {
  const bucket = "photos";
  const rolled = await ask("/v1/objects", { bucket, delimiter: "/", limit: "1000" });
  expect(rolled.entries).toContainEqual({ kind: "prefix", prefix: "a/" });
  expect(rolled.entries).toContainEqual(
    expect.objectContaining({ kind: "object", key: "c", sizeBytes: 5, storageClass: "STANDARD" }),
  );
  const below = await ask("/v1/objects", { bucket, delimiter: "/", prefix: "a/" });
  expect(below.entries.map(({ key }) => key)).toEqual(["a/1", "a/2"]);
});

test("every key comes back as it was given, page by page", async () => {
  const keys: unknown[] = [];
  let after: string | undefined;
  do {
    const page = await ask("/v1/objects", {
      bucket: "photos",
      limit: "2",
      ...(after === undefined ? {} : { after }),
    });
    keys.push(...page.entries.map(({ key }) => key));
    after = page.next as string | undefined;
  } while (after !== undefined);
  expect(keys).toHaveLength(4 + HOSTILE.length);
  expect(new Set(keys)).toEqual(new Set(["a/1", "a/2", "b/1", "c", ...HOSTILE]));
});

test("versions of a bucket, and of one key alone", async () => {
  const bucket = "versions";
  const all = await ask("/v1/versions", { bucket });
  expect(all.entries).toMatchObject([
    { kind: "delete-marker", key: "k", isLatest: true },
    { kind: "object", key: "k", isLatest: false, sizeBytes: 2 },
    { kind: "object", key: "k", isLatest: false, sizeBytes: 1 },
    { kind: "object", key: "k2", isLatest: true, sizeBytes: 3 },
  ]);
  const first = await ask("/v1/versions", { bucket, key: "k", limit: "2" });
  expect(first.entries).toMatchObject([{ kind: "delete-marker" }, { sizeBytes: 2 }]);
  const { after, afterVersion } = first.next as { after: string; afterVersion: string };
  const second = await ask("/v1/versions", { bucket, key: "k", limit: "2", after, afterVersion });
  expect([second.entries.length, second.next]).toEqual([1, undefined]);
});

test.each([
  ["/v1/objects", "", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=nobody", 404, "NoSuchBucket"],
  ["/v1/objects", "bucket=..%2F..", 404, "NoSuchBucket"],
  ["/v1/objects", "bucket=photos&bucket=photos", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&limit=0", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&limit=1e3", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&limit=100000", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&owner=me", 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&__proto__=1", 400, "InvalidArgument"],
  ["/v1/objects", `bucket=photos&prefix=${"p".repeat(1_025)}`, 400, "InvalidArgument"],
  ["/v1/objects", "bucket=photos&prefix=%FF", 400, "InvalidURI"],
  ["/v1/versions", "bucket=photos&afterVersion=x", 400, "InvalidArgument"],
  ["/v1/versions", "bucket=photos&key=a&prefix=b", 400, "InvalidArgument"],
  ["/v1/buckets", "limit=-1", 400, "InvalidArgument"],
  ["/v1/status", "x=1", 400, "InvalidArgument"],
])("%s?%s is refused", async (path, query, status, code) => {
  const answer = await lab.send({ path, query });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([status, code]);
});
