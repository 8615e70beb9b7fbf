// The examples that AWS publishes, with its published key pair, signatures and all.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { authenticate } from "../../../src/auth/authenticate.ts";
import { EXAMPLE_KEY, givenRequest, givenSettings, type HeaderList } from "./given-request.ts";

const MAY_2013 = Date.parse("2013-05-24T00:00:00Z");
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BUCKET_HOST = "examplebucket.s3.amazonaws.com";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function authorization(signedHeaders: string, signature: string): string {
  const scope = `${EXAMPLE_KEY}/20130524/us-east-1/s3/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
}

const DATE = { "x-amz-date": "20130524T000000Z" };
const PLAIN = "host;x-amz-content-sha256;x-amz-date";

test.each([
  [
    "GET Object",
    givenRequest("GET", "/test.txt", {
      Host: BUCKET_HOST,
      Authorization: authorization(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      ),
      Range: "bytes=0-9",
      "x-amz-content-sha256": EMPTY,
      ...DATE,
    }),
  ],
  [
    "PUT Object",
    givenRequest("PUT", "/test$file.text", {
      Host: BUCKET_HOST,
      Date: "Fri, 24 May 2013 00:00:00 GMT",
      Authorization: authorization(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
      ),
      ...DATE,
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    }),
  ],
  [
    "GET Bucket Lifecycle",
    givenRequest("GET", "/?lifecycle", {
      Host: BUCKET_HOST,
      Authorization: authorization(
        PLAIN,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
      ),
      ...DATE,
      "x-amz-content-sha256": EMPTY,
    }),
  ],
  [
    "List Objects",
    givenRequest("GET", "/?max-keys=2&prefix=J", {
      Host: BUCKET_HOST,
      Authorization: authorization(
        PLAIN,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      ),
      ...DATE,
      "x-amz-content-sha256": EMPTY,
    }),
  ],
])("Signature V4, header: %s", (_, request) => {
  const result = authenticate(request, givenSettings({ nowMs: MAY_2013 }), undefined);
  expect(result).toMatchObject({ accessKey: EXAMPLE_KEY, method: "header" });
});

test("Signature V4, presigned: GET Object", () => {
  const target =
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  const request = givenRequest("GET", target, { Host: BUCKET_HOST });
  const result = authenticate(request, givenSettings({ nowMs: MAY_2013 }), undefined);
  expect(result).toMatchObject({ method: "presigned", payload: { kind: "unsigned" } });
});

const CHUNKED: HeaderList = [
  ["Host", "s3.amazonaws.com"],
  ["x-amz-date", "20130524T000000Z"],
  ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
  ["Content-Encoding", "aws-chunked"],
  ["x-amz-decoded-content-length", "66560"],
];

test("Signature V4, chunks: the chain of the published upload", () => {
  const request = givenRequest("PUT", "/examplebucket/chunkObject.txt", [
    ...CHUNKED,
    [
      "Authorization",
      authorization(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
      ),
    ],
    ["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"],
    ["Content-Length", "66824"],
  ]);
  const { payload } = authenticate(request, givenSettings({ nowMs: MAY_2013 }), undefined);
  if (payload.kind !== "chunked" || payload.verifier === undefined) throw new Error("not chunked");
  expect(payload.hasTrailer).toBe(false);
  const { verifier } = payload;
  const first = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
  const second = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497";
  const last = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9";
  expect(() => verifier.verifyChunk(sha256("a".repeat(1024)), second)).toThrow(
    expect.objectContaining({ code: "SignatureDoesNotMatch" }),
  );
  verifier.verifyChunk(sha256("a".repeat(65_536)), first);
  verifier.verifyChunk(sha256("a".repeat(1024)), second);
  verifier.verifyChunk(sha256(""), last);
});

test("Signature V4, chunks: the chain of the published upload with a trailer", () => {
  const request = givenRequest("PUT", "/examplebucket/chunkObject.txt", [
    ...CHUNKED,
    [
      "Authorization",
      authorization(
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
      ),
    ],
    ["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"],
    ["x-amz-trailer", "x-amz-checksum-crc32c"],
  ]);
  const { payload } = authenticate(request, givenSettings({ nowMs: MAY_2013 }), undefined);
  if (payload.kind !== "chunked" || payload.verifier === undefined) throw new Error("not chunked");
  expect(payload.hasTrailer).toBe(true);
  const { verifier } = payload;
  verifier.verifyChunk(
    sha256("a".repeat(65_536)),
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
  );
  verifier.verifyChunk(
    sha256("a".repeat(1024)),
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
  );
  verifier.verifyChunk(
    sha256(""),
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
  );
  verifier.verifyTrailer(
    sha256("x-amz-checksum-crc32c:sOO8/Q==\n"),
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  );
});

const V2_BUCKET = { Host: "johnsmith.s3.amazonaws.com" };

test.each([
  [
    "GET",
    "/photos/puppy.jpg",
    "johnsmith",
    [["Date", "Tue, 27 Mar 2007 19:36:42 +0000"]],
    "bWq2s1WEIj+Ydj0vQ697zp+IXMU=",
  ],
  [
    "PUT",
    "/photos/puppy.jpg",
    "johnsmith",
    [
      ["Content-Type", "image/jpeg"],
      ["Date", "Tue, 27 Mar 2007 21:15:45 +0000"],
    ],
    "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
  ],
  [
    "GET",
    "/",
    undefined,
    [["Date", "Wed, 28 Mar 2007 01:29:59 +0000"]],
    "qGdzdERIC03wnaRNKh6OqZehG9s=",
  ],
  [
    "GET",
    "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
    undefined,
    [["Date", "Wed, 28 Mar 2007 01:49:49 +0000"]],
    "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
  ],
  [
    "PUT",
    "/db-backup.dat.gz",
    "static.johnsmith.net",
    [
      ["Date", "Tue, 27 Mar 2007 21:06:08 +0000"],
      ["x-amz-acl", "public-read"],
      ["content-type", "application/x-download"],
      ["Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="],
      ["X-Amz-Meta-ReviewedBy", "joe@johnsmith.net"],
      ["X-Amz-Meta-ReviewedBy", "jane@johnsmith.net"],
      ["X-Amz-Meta-FileChecksum", "0x02661779"],
      ["X-Amz-Meta-ChecksumAlgorithm", "crc32"],
    ],
    "ilyl83RwaSoYIEdixDQcA4OnAnc=",
  ],
] as const)("Signature V2, header: %s %s", (...example) => {
  const [method, target, hostBucket, headers, signature] = example;
  const request = givenRequest(method, target, [
    ["Host", "any"],
    ...headers,
    ["Authorization", `AWS ${EXAMPLE_KEY}:${signature}`],
  ]);
  const nowMs = Date.parse(request.headers.get("date") ?? "");
  const result = authenticate(request, givenSettings({ nowMs }), hostBucket);
  expect(result).toMatchObject({ method: "header", payload: { kind: "unsigned" } });
});

test("Signature V2, presigned: GET Object", () => {
  const target =
    "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
  const settings = givenSettings({ nowMs: 1_175_139_620_000 });
  const result = authenticate(givenRequest("GET", target, V2_BUCKET), settings, "johnsmith");
  expect(result).toMatchObject({ method: "presigned", payload: { kind: "unsigned" } });
});
