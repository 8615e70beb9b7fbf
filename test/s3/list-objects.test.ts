// ListObjects and ListObjectsV2 as clients meet them: order, prefixes, delimiters, pages, encodings. What both
// versions share is shown on both.

import {
  ListObjectsCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  type ListObjectsCommandInput,
  type ListObjectsV2CommandInput,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { byUtf8, ODD_KEYS, refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab } from "../support/s3-server.ts";

interface Shown {
  readonly keys: readonly (string | undefined)[];
  readonly prefixes: readonly (string | undefined)[];
  readonly isTruncated: boolean | undefined;
}

interface SharedQuery {
  readonly Prefix?: string;
  readonly Delimiter?: string;
  readonly MaxKeys?: number;
  readonly EncodingType?: "url";
}

const v1 = ({ client, bucket }: S3Lab, query: Partial<ListObjectsCommandInput> = {}) =>
  client.send(new ListObjectsCommand({ Bucket: bucket, ...query }));
const v2 = ({ client, bucket }: S3Lab, query: Partial<ListObjectsV2CommandInput> = {}) =>
  client.send(new ListObjectsV2Command({ Bucket: bucket, ...query }));

/** The same question to both versions, which must agree. */
async function list(lab: S3Lab, query: SharedQuery = {}): Promise<Shown> {
  const [first, second] = (await Promise.all([v1(lab, query), v2(lab, query)])).map((page) => ({
    keys: (page.Contents ?? []).map((object) => object.Key),
    prefixes: (page.CommonPrefixes ?? []).map((entry) => entry.Prefix),
    isTruncated: page.IsTruncated,
  }));
  expect(first).toEqual(second);
  if (first === undefined) throw new Error("no answer");
  return first;
}

async function labWith(keys: readonly string[]): Promise<S3Lab> {
  const lab = await startS3();
  await Promise.all(keys.map((key) => lab.givenObject(key)));
  return lab;
}

test("an empty bucket lists nothing", async () => {
  const lab = await startS3();
  expect(await list(lab)).toEqual({ keys: [], prefixes: [], isTruncated: false });
  expect(await v2(lab)).toMatchObject({ KeyCount: 0, MaxKeys: 1_000, Prefix: "" });
  expect(await v1(lab)).toMatchObject({ Marker: "", MaxKeys: 1_000, Name: lab.bucket });
});

test("an entry shows size, ETag, date, class and checksum, and in the first version the owner", async () => {
  const lab = await startS3();
  const etag = await lab.givenObject("key", "hello", { ChecksumAlgorithm: "SHA256" });
  const expected = {
    Key: "key",
    Size: 5,
    ETag: etag,
    StorageClass: "STANDARD",
    ChecksumAlgorithm: ["SHA256"],
    ChecksumType: "FULL_OBJECT",
  };
  const [first] = (await v1(lab)).Contents ?? [];
  expect(first).toMatchObject(expected);
  expect(first?.LastModified).toBeInstanceOf(Date);
  expect(first?.Owner?.ID).toMatch(/^[0-9a-f]{64}$/);
  const [plain] = (await v2(lab)).Contents ?? [];
  expect(plain).toMatchObject(expected);
  expect(plain?.Owner).toBeUndefined();
  const [owned] = (await v2(lab, { FetchOwner: true })).Contents ?? [];
  expect(owned?.Owner).toEqual(first?.Owner);
});

test("keys come in the order of their UTF-8 bytes", async () => {
  const keys = ["\u{1F3FA}", "\uFF5E", "é", "z", "a", "B", "a/b", "a//b", "a!"];
  const lab = await labWith(keys);
  expect((await list(lab)).keys).toEqual(keys.toSorted(byUtf8));
});

interface RollUp {
  readonly given: string;
  readonly stored: readonly string[];
  readonly query: SharedQuery;
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}

const ROLL_UPS: readonly RollUp[] = [
  {
    given: "a delimiter rolls up",
    stored: ["foo/bar", "foo/bar/xyzzy", "quux/thud", "asdf"],
    query: { Delimiter: "/" },
    keys: ["asdf"],
    prefixes: ["foo/", "quux/"],
  },
  {
    given: "a prefix narrows, the delimiter counts after it",
    stored: ["foo/bar", "foo/baz/x", "foo/baz/y", "quux"],
    query: { Prefix: "foo/", Delimiter: "/" },
    keys: ["foo/bar"],
    prefixes: ["foo/baz/"],
  },
  {
    given: "a key that is the prefix itself stays a key",
    stored: ["asdf/", "asdf/x/y"],
    query: { Prefix: "asdf/", Delimiter: "/" },
    keys: ["asdf/"],
    prefixes: ["asdf/x/"],
  },
  {
    given: "a delimiter may be a letter",
    stored: ["bar", "baz", "cab", "foo"],
    query: { Delimiter: "a" },
    keys: ["foo"],
    prefixes: ["ba", "ca"],
  },
  {
    given: "a delimiter may have several characters",
    stored: ["a--b--c", "a-b", "x--y"],
    query: { Delimiter: "--" },
    keys: ["a-b"],
    prefixes: ["a--", "x--"],
  },
  {
    given: "a delimiter may be a percent sign",
    stored: ["b%ar", "b%az", "foo"],
    query: { Delimiter: "%" },
    keys: ["foo"],
    prefixes: ["b%"],
  },
  {
    given: "a delimiter may be a blank",
    stored: ["b ar", "b az", "foo"],
    query: { Delimiter: " " },
    keys: ["foo"],
    prefixes: ["b "],
  },
  {
    given: "an empty delimiter is none",
    stored: ["a/b"],
    query: { Delimiter: "" },
    keys: ["a/b"],
    prefixes: [],
  },
  {
    given: "wildcards of SQL are letters",
    stored: ["a_b", "axb", "a%b"],
    query: { Prefix: "a_" },
    keys: ["a_b"],
    prefixes: [],
  },
  {
    given: "a prefix may have no keys",
    stored: ["foo"],
    query: { Prefix: "d" },
    keys: [],
    prefixes: [],
  },
  {
    given: "an unreadable delimiter finds nothing",
    stored: ["bar"],
    query: { Delimiter: "\n" },
    keys: ["bar"],
    prefixes: [],
  },
  {
    given: "a folder's marker does not hide what is beside it",
    stored: ["a", "a/", "a/b", "a0"],
    query: { Delimiter: "/" },
    keys: ["a", "a0"],
    prefixes: ["a/"],
  },
];

test.each(ROLL_UPS)("$given", async ({ stored, query, keys, prefixes }) => {
  const lab = await labWith(stored);
  expect(await list(lab, query)).toEqual({ keys, prefixes, isTruncated: false });
});

test.each([1, 2, 3, 1_000])(
  "pages of %i show every entry once, keys and prefixes alike",
  async (size) => {
    const lab = await labWith(["a", "b/1", "b/2", "b/3", "c", "d/1", "e", "\u{1F3FA}/x"]);
    const config = { client: lab.client, pageSize: size };
    const seen: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2(config, {
      Bucket: lab.bucket,
      Delimiter: "/",
    })) {
      expect(page.KeyCount).toBeLessThanOrEqual(size);
      seen.push(...(page.Contents ?? []).map((object) => object.Key));
      seen.push(...(page.CommonPrefixes ?? []).map((entry) => entry.Prefix));
    }
    expect(seen.toSorted(byUtf8)).toEqual(
      ["a", "b/", "c", "d/", "e", "\u{1F3FA}/"].toSorted(byUtf8),
    );
  },
);

test("markers page through the first version, with a next one only beside a delimiter", async () => {
  const lab = await labWith(["a", "b/1", "b/2", "c"]);
  const plain = await v1(lab, { MaxKeys: 2 });
  expect([plain.IsTruncated, plain.NextMarker]).toEqual([true, undefined]);
  const first = await v1(lab, { MaxKeys: 2, Delimiter: "/" });
  expect(first.NextMarker).toBe("b/");
  const second = await v1(lab, { MaxKeys: 2, Delimiter: "/", Marker: "b/" });
  expect(second.Contents?.map((object) => object.Key)).toEqual(["c"]);
  expect([second.IsTruncated, second.NextMarker, second.Marker]).toEqual([false, undefined, "b/"]);
});

test("a listing starts after a key, whether or not it is there", async () => {
  const lab = await labWith(["bar", "baz", "foo", "quxx"]);
  for (const [after, expected] of [
    ["bar", ["baz", "foo", "quxx"]],
    ["blah", ["foo", "quxx"]],
    ["zzz", []],
    ["a\nb", ["bar", "baz", "foo", "quxx"]],
  ] as const) {
    const first = await v1(lab, { Marker: after });
    expect((first.Contents ?? []).map((object) => object.Key)).toEqual(expected);
    const second = await v2(lab, { StartAfter: after });
    expect((second.Contents ?? []).map((object) => object.Key)).toEqual(expected);
    expect(second.StartAfter).toBe(after);
  }
});

test("a token outweighs start-after, and is echoed", async () => {
  const lab = await labWith(["bar", "baz", "foo", "quxx"]);
  const first = await v2(lab, { StartAfter: "bar", MaxKeys: 1 });
  const ContinuationToken = first.NextContinuationToken;
  const second = await v2(lab, { StartAfter: "bar", ContinuationToken });
  expect(second).toMatchObject({ ContinuationToken, StartAfter: "bar", IsTruncated: false });
  expect(second.Contents?.map((object) => object.Key)).toEqual(["foo", "quxx"]);
});

test("an empty token is none", async () => {
  const lab = await labWith(["a"]);
  const answer = await lab.send({ method: "GET", path: "?continuation-token=&list-type=2" });
  expect(answer.status).toBe(200);
  expect(answer.body).toContain("<ContinuationToken/>");
  expect(answer.body).toContain("<Key>a</Key>");
});

test("max-keys 0 shows nothing and says that nothing is missing", async () => {
  const lab = await labWith(["a"]);
  expect(await list(lab, { MaxKeys: 0 })).toEqual({ keys: [], prefixes: [], isTruncated: false });
});

test("asking for more than a thousand entries gets pages of a thousand", async () => {
  const lab = await labWith(["a"]);
  expect((await v1(lab, { MaxKeys: 5_000 })).MaxKeys).toBe(1_000);
  expect((await v2(lab, { MaxKeys: 5_000 })).MaxKeys).toBe(1_000);
});

test("with encoding-type=url keys, prefixes and delimiters are encoded", async () => {
  const lab = await labWith(["foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b"]);
  const query = { Delimiter: "/", EncodingType: "url" } as const;
  expect(await list(lab, query)).toEqual({
    keys: ["asdf%2Bb"],
    prefixes: ["foo%2B1/", "foo/", "quux%20ab/"],
    isTruncated: false,
  });
  expect((await v2(lab, query)).EncodingType).toBe("url");
});

test("every odd key is listed, encoded or not", async () => {
  const lab = await labWith(ODD_KEYS);
  const plain = await list(lab);
  expect(plain.keys.toSorted(byUtf8)).toEqual([...ODD_KEYS].toSorted(byUtf8));
  const encoded = await list(lab, { EncodingType: "url" });
  expect(encoded.keys.map((key) => decodeURIComponent(key ?? "")).toSorted(byUtf8)).toEqual(
    [...ODD_KEYS].toSorted(byUtf8),
  );
});

test("a key that no XML can hold leaves the answer well-formed", async () => {
  const { send } = await startS3();
  await send({ method: "PUT", path: "a%01b%EF%BF%BE", body: "x" });
  const plain = await send({ method: "GET", path: "?list-type=2" });
  expect(plain.status).toBe(200);
  expect(plain.body).not.toContain("\u0001");
  const encoded = await send({ method: "GET", path: "?encoding-type=url&list-type=2" });
  expect(encoded.body).toContain("<Key>a%01b%EF%BF%BE</Key>");
});

test.each([
  ["max-keys=blah", "InvalidArgument"],
  ["max-keys=-1", "InvalidArgument"],
  ["encoding-type=base64", "InvalidArgument"],
])("%s is refused by both versions", async (query, code) => {
  const { send } = await startS3();
  for (const path of [`?${query}`, `?list-type=2&${query}`]) {
    const answer = await send({ method: "GET", path });
    expect([answer.status, errorCode(answer)]).toEqual([400, code]);
  }
});

test("a token that was never given out is refused", async () => {
  const lab = await startS3();
  const request = v2(lab, { ContinuationToken: "made-up" });
  expect(await refusal(request)).toEqual({ code: "InvalidArgument", status: 400 });
});

test("a bucket that is not there, and one of somebody else", async () => {
  const lab = await startS3();
  const theirs = await lab.givenBucket(lab.stranger);
  for (const read of [v1, v2]) {
    expect(await refusal(read({ ...lab, bucket: "no-such-bucket" }))).toMatchObject({
      status: 404,
    });
    expect(await refusal(read({ ...lab, bucket: theirs }))).toMatchObject({ status: 403 });
  }
});
