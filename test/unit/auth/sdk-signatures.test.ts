// Whatever the AWS SDK signs is accepted: random keys, queries and metadata, in the header and presigned; and whatever
// is changed afterwards is not.

import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { authenticate } from "../../../src/auth/authenticate.ts";
import type { WireRequest } from "../../../src/core/wire-request.ts";
import { EXAMPLE_KEY, givenRequest, givenSettings, refusalOf } from "./given-request.ts";
import { catchRequest, givenClient } from "./sign-with-sdk.ts";

const Bucket = "golden";

/** Any key that a URL can carry: no lone surrogates. */
const anyKey = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
    fc.stringMatching(/^[ +%/.!'()*~&=?#:;,@$\\{}|^<>"`a-z]{1,40}$/),
  )
  .filter((key) => !/\p{Surrogate}/u.test(key));

const anyMetadata = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/),
  fc.stringMatching(/^[ -~]{0,30}$/),
  { maxKeys: 4 },
);

const accepted = { accessKey: EXAMPLE_KEY };

async function presigned(
  command: GetObjectCommand | PutObjectCommand,
  options: Parameters<typeof getSignedUrl>[2] = {},
): Promise<string> {
  const url = await getSignedUrl(givenClient(), command, options);
  return url.slice("http://localhost:9000".length);
}

const HOST = { host: "localhost:9000" };

test("requests signed in the header", async () => {
  const client = givenClient();
  await fc.assert(
    fc.asyncProperty(anyKey, anyMetadata, async (Key, Metadata) => {
      const input = { Bucket, Key, Metadata, Body: "body" };
      const request = await catchRequest(client, (sdk) => sdk.send(new PutObjectCommand(input)));
      const result = authenticate(request, givenSettings(), undefined);
      expect(result).toMatchObject({ ...accepted, method: "header" });
    }),
  );
});

test("queries signed in the header", async () => {
  const client = givenClient();
  await fc.assert(
    fc.asyncProperty(anyKey, anyKey, async (Prefix, StartAfter) => {
      const input = { Bucket, Prefix, StartAfter, Delimiter: "/ +" };
      const request = await catchRequest(client, (sdk) =>
        sdk.send(new ListObjectsV2Command(input)),
      );
      expect(authenticate(request, givenSettings(), undefined)).toMatchObject(accepted);
    }),
  );
});

test("presigned URLs", async () => {
  await fc.assert(
    fc.asyncProperty(anyKey, anyMetadata, async (Key, Metadata) => {
      const target = await presigned(new PutObjectCommand({ Bucket, Key, Metadata }));
      const result = authenticate(givenRequest("PUT", target, HOST), givenSettings(), undefined);
      expect(result).toMatchObject({
        ...accepted,
        method: "presigned",
        payload: { kind: "unsigned" },
      });
    }),
  );
});

test("the same key encoded another way, as proxies and other clients do, keeps its signature", async () => {
  const target = await presigned(new GetObjectCommand({ Bucket, Key: "a b!'()*~+é/c" }));
  const [path = "", query = ""] = target.split("?");
  const lower = path.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase());
  const plain = decodeURIComponent(path.replaceAll("%2B", "+").replaceAll("%20", "%2520"))
    .replaceAll("%20", "%20")
    .replaceAll("é", Buffer.from("é").toString("latin1"));
  for (const same of [path, lower, plain, path.replaceAll("%21", "!")]) {
    const request = givenRequest("GET", `${same}?${query}`, HOST);
    expect(authenticate(request, givenSettings(), undefined)).toMatchObject(accepted);
  }
});

test("S30: another method, key, parameter or host is refused", async () => {
  const target = await presigned(new GetObjectCommand({ Bucket, Key: "a/b" }));
  const others: readonly WireRequest[] = [
    givenRequest("PUT", target, HOST),
    givenRequest("GET", target.replace("/a/b", "/a/c"), HOST),
    givenRequest("GET", target.replace("/a/b", "/a//b"), HOST),
    givenRequest("GET", target.replace("/a/b", "/x/../a/b"), HOST),
    givenRequest("GET", target.replace("/a/b", "/a%252Fb"), HOST),
    givenRequest("GET", `${target}&versionId=1`, HOST),
    givenRequest("GET", `${target}&partNumber=1`, HOST),
    givenRequest("GET", target.replace("GetObject", "HeadObject"), HOST),
    givenRequest("GET", target.replace("Expires=900", "Expires=90000"), HOST),
    givenRequest("GET", target, { host: "localhost:9001" }),
  ];
  for (const request of others) {
    const refusal = refusalOf(() => authenticate(request, givenSettings(), undefined));
    expect(refusal.code).toBe("SignatureDoesNotMatch");
  }
});

test("a signed literal plus does not become a space", async () => {
  const client = givenClient();
  const request = await catchRequest(client, (sdk) =>
    sdk.send(new ListObjectsV2Command({ Bucket, Prefix: "a+b" })),
  );
  expect(authenticate(request, givenSettings(), undefined)).toMatchObject(accepted);
  const changed = { ...request, rawQuery: request.rawQuery.replace("a%2Bb", "a+b") };
  const refusal = refusalOf(() => authenticate(changed, givenSettings(), undefined));
  expect(refusal.code).toBe("SignatureDoesNotMatch");
});

test("S31: a copy source that the URL does not cover is refused", async () => {
  const target = await presigned(new PutObjectCommand({ Bucket, Key: "k" }));
  for (const name of ["x-amz-copy-source", "x-amz-tagging", "x-amz-acl", "x-amz-meta-a"]) {
    const request = givenRequest("PUT", target, { ...HOST, [name]: "other/secret" });
    const refusal = refusalOf(() => authenticate(request, givenSettings(), undefined));
    expect(refusal).toMatchObject({ code: "AccessDenied", detail: { HeadersNotSigned: name } });
  }
});

test("a copy source that the header's signature covers is accepted, and not when changed", async () => {
  const input = { Bucket, Key: "k", CopySource: "golden/a%20b" };
  const request = await catchRequest(givenClient(), (sdk) =>
    sdk.send(new CopyObjectCommand(input)),
  );
  expect(authenticate(request, givenSettings(), undefined)).toMatchObject(accepted);
  const headers = new Map(request.headers).set("x-amz-copy-source", "golden/secret");
  const refusal = refusalOf(() =>
    authenticate({ ...request, headers }, givenSettings(), undefined),
  );
  expect(refusal.code).toBe("SignatureDoesNotMatch");
});

test("a URL signed for a public host is accepted behind a proxy, virtual-host style too", async () => {
  const settings = givenSettings({ publicHosts: ["other.example", "localhost:9000"] });
  const target = await presigned(new GetObjectCommand({ Bucket, Key: "k" }));
  const inside = { host: "10.0.0.7:9000" };
  expect(authenticate(givenRequest("GET", target, inside), settings, undefined)).toMatchObject(
    accepted,
  );

  const client = givenClient({ forcePathStyle: false });
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "k" }));
  const virtual = url.slice("http://golden.localhost:9000".length);
  const request = givenRequest("GET", virtual, { host: "golden.internal:9000" });
  expect(authenticate(request, settings, "golden")).toMatchObject(accepted);
  for (const hostBucket of [undefined, "silver"]) {
    const refusal = refusalOf(() => authenticate(request, settings, hostBucket));
    expect(refusal.code).toBe("SignatureDoesNotMatch");
  }
});

test("a streamed upload announces a trailer without chunk signatures", async () => {
  const Body = Readable.from([Buffer.from("abc")]);
  const input = { Bucket, Key: "k", Body, ContentLength: 3 };
  const client = givenClient({ endpoint: "https://localhost:9000" });
  const request = await catchRequest(client, (sdk) => sdk.send(new PutObjectCommand(input)));
  expect(authenticate(request, givenSettings(), undefined).payload).toEqual({
    kind: "chunked",
    verifier: undefined,
    hasTrailer: true,
  });
});
