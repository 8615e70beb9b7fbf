// What requests say of their bodies in headers, and what they get when it is not so.

import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { CHECKSUM_ALGORITHMS, checksumHeader } from "../../../../src/core/checksum.ts";
import { openUploadBody } from "../../../../src/api/body/upload-body.ts";
import { readXmlBody } from "../../../../src/api/body/xml-body.ts";
import { storedContentEncoding } from "../../../../src/api/body/stored-content-encoding.ts";
import { createChecksumHasher, loadChecksumHasher } from "../../../../src/util/checksum-hasher.ts";
import {
  type Headers,
  readUpload,
  sha256,
  sourceOf,
  UNSIGNED,
  unsignedPlan,
} from "./given-body.ts";

const BYTES = Buffer.from("Kintsugi");
const LENGTH = { "content-length": String(BYTES.length) };
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest();

beforeAll(async () => {
  for (const algorithm of CHECKSUM_ALGORITHMS) await loadChecksumHasher(algorithm);
});

function checksumOf(algorithm: (typeof CHECKSUM_ALGORITHMS)[number]): string {
  const hasher = createChecksumHasher(algorithm);
  hasher.update(BYTES);
  return hasher.digestBase64();
}

test.each(CHECKSUM_ALGORITHMS)("%s in a header is verified and returned", async (algorithm) => {
  const value = checksumOf(algorithm);
  const name = checksumHeader(algorithm);
  const headers = { ...LENGTH, [name]: value, "x-amz-sdk-checksum-algorithm": algorithm };
  const { bytes, checksums } = await readUpload(UNSIGNED, headers, [BYTES]);
  expect(bytes.equals(BYTES)).toBe(true);
  expect(checksums).toEqual([{ algorithm, type: "FULL_OBJECT", value }]);
  const wrong = readUpload(UNSIGNED, headers, [Buffer.from("kintsugi")]);
  await expect(wrong).rejects.toMatchObject({ code: "BadDigest" });
});

test("without a checksum CRC64NVME is computed, as Amazon S3 does", async () => {
  const { checksums } = await readUpload(UNSIGNED, LENGTH, [BYTES]);
  expect(checksums).toEqual([
    { algorithm: "CRC64NVME", type: "FULL_OBJECT", value: checksumOf("CRC64NVME") },
  ]);
});

test("the SHA-256 of the payload is verified", async () => {
  const plan = { kind: "sha256", hex: sha256(BYTES) } as const;
  await readUpload(plan, LENGTH, [BYTES.subarray(0, 3), BYTES.subarray(3)]);
  const wrong = readUpload(plan, LENGTH, [Buffer.from("kintsugi")]);
  await expect(wrong).rejects.toMatchObject({ code: "XAmzContentSHA256Mismatch" });
});

test("Content-MD5 is handed on in hex", async () => {
  const headers = { ...LENGTH, "content-md5": md5(BYTES).toString("base64") };
  const { body } = await readUpload(UNSIGNED, headers, [BYTES]);
  expect(body.expectedMd5).toBe(md5(BYTES).toString("hex"));
});

test("a length that Transfer-Encoding leaves open is bounded", async () => {
  const headers = { "transfer-encoding": "chunked" };
  const { body, bytes } = await readUpload(UNSIGNED, headers, [BYTES]);
  expect([body.sizeBytes, bytes.length]).toEqual([undefined, BYTES.length]);
  const request = { headers: new Map(Object.entries(headers)) };
  const source = sourceOf(BYTES, BYTES);
  const bounded = await openUploadBody({ request, payload: UNSIGNED, source, sizeBytesMax: 9 });
  const reading = (async () => {
    for await (const chunk of bounded.chunks) expect(chunk.length).toBeLessThanOrEqual(9);
  })();
  await expect(reading).rejects.toMatchObject({ code: "EntityTooLarge" });
});

test.each([
  ["shorter", BYTES.subarray(1)],
  ["longer", Buffer.concat([BYTES, BYTES])],
])("a body %s than its Content-Length is incomplete", async (_, bytes) => {
  const upload = readUpload(UNSIGNED, LENGTH, [bytes]);
  await expect(upload).rejects.toMatchObject({ code: "IncompleteBody" });
});

const crc32 = { "x-amz-checksum-crc32": "AAAAAA==" };

test.each<readonly [string, Headers, string]>([
  ["no length", {}, "MissingContentLength"],
  ["a length over the limit", { "content-length": "5368709121" }, "EntityTooLarge"],
  ["Content-MD5: not base64", { ...LENGTH, "content-md5": "AWS HAHAHA" }, "InvalidDigest"],
  ["Content-MD5: empty", { ...LENGTH, "content-md5": "" }, "InvalidDigest"],
  ["Content-MD5: short", { ...LENGTH, "content-md5": "YWJyYWNhZGFicmE=" }, "InvalidDigest"],
  ["two checksums", { ...LENGTH, ...crc32, "x-amz-checksum-sha1": "x" }, "InvalidRequest"],
  ["an unknown checksum", { ...LENGTH, "x-amz-checksum-md6": "AAAA" }, "InvalidRequest"],
  [
    "an unknown algorithm",
    { ...LENGTH, ...crc32, "x-amz-sdk-checksum-algorithm": "MD99" },
    "InvalidRequest",
  ],
  [
    "another algorithm than the checksum's",
    { ...LENGTH, ...crc32, "x-amz-sdk-checksum-algorithm": "SHA1" },
    "InvalidRequest",
  ],
  [
    "an algorithm without a checksum",
    { ...LENGTH, "x-amz-sdk-checksum-algorithm": "SHA1" },
    "InvalidRequest",
  ],
  [
    "a checksum of a wrong length",
    { ...LENGTH, "x-amz-checksum-sha256": "YWJj" },
    "InvalidRequest",
  ],
  ["a checksum that is not base64", { ...LENGTH, "x-amz-checksum-sha256": "bad" }, "BadDigest"],
  [
    "a trailer without framing",
    { ...LENGTH, "x-amz-trailer": "x-amz-checksum-crc32" },
    "InvalidRequest",
  ],
  [
    "aws-chunked without STREAMING",
    { ...LENGTH, "content-encoding": "aws-chunked" },
    "InvalidRequest",
  ],
])("refused before any byte is read: %s", async (_, headers, code) => {
  const request = { headers: new Map(Object.entries(headers)) };
  const opening = openUploadBody({ request, payload: UNSIGNED, source: sourceOf() });
  await expect(opening).rejects.toMatchObject({ code });
});

test.each<readonly [string | undefined, string]>([
  [undefined, "MissingContentLength"],
  ["-1", "InvalidArgument"],
  ["9223372036854775808", "InvalidArgument"],
  ["abc", "InvalidArgument"],
  ["", "InvalidArgument"],
  ["5368709121", "EntityTooLarge"],
])("x-amz-decoded-content-length: %s is refused", async (value, code) => {
  const headers = new Map(value === undefined ? [] : [["x-amz-decoded-content-length", value]]);
  const opening = openUploadBody({
    request: { headers },
    payload: unsignedPlan,
    source: sourceOf(),
  });
  await expect(opening).rejects.toMatchObject({ code });
});

test("an unknown trailer is refused before any byte is read", async () => {
  const headers = new Map([
    ["x-amz-decoded-content-length", "1"],
    ["x-amz-trailer", "x-amz-meta-late"],
  ]);
  const opening = openUploadBody({
    request: { headers },
    payload: unsignedPlan,
    source: sourceOf(),
  });
  await expect(opening).rejects.toMatchObject({ code: "InvalidRequest" });
});

interface XmlExample {
  readonly bytes?: Uint8Array;
  readonly headers?: Headers;
  readonly isDigestRequired?: boolean;
  readonly sizeBytesMax?: number;
}

function readXml({ bytes = BYTES, headers = {}, ...options }: XmlExample): Promise<string> {
  const all = new Map(Object.entries({ "content-length": String(bytes.length), ...headers }));
  return readXmlBody({
    request: { headers: all },
    payload: UNSIGNED,
    source: sourceOf(bytes),
    ...options,
  });
}

test("an XML body is read as strict UTF-8, its byte order mark kept", async () => {
  expect(await readXml({ bytes: Buffer.from("<a>é</a>") })).toBe("<a>é</a>");
  expect(await readXml({ bytes: Buffer.from("\uFEFF<a/>") })).toBe("\uFEFF<a/>");
  await expect(readXml({ bytes: Buffer.from([0x3c, 0xc3, 0x28]) })).rejects.toMatchObject({
    code: "MalformedXML",
  });
});

test("an XML body that may be absent needs no length", async () => {
  const request = { headers: new Map<string, string>() };
  expect(await readXmlBody({ request, payload: UNSIGNED, source: sourceOf() })).toBe("");
});

test("an XML body is bounded, whether it says its length or not", async () => {
  const refusal = { code: "MaxMessageLengthExceeded" };
  await expect(readXml({ sizeBytesMax: 7 })).rejects.toMatchObject(refusal);
  const request = { headers: new Map([["transfer-encoding", "chunked"]]) };
  const source = sourceOf(BYTES, BYTES);
  const reading = readXmlBody({ request, payload: UNSIGNED, source, sizeBytesMax: 9 });
  await expect(reading).rejects.toMatchObject(refusal);
});

test("an XML body that needs a digest takes any, and a right one", async () => {
  const isDigestRequired = true;
  await expect(readXml({ isDigestRequired })).rejects.toMatchObject({ code: "InvalidRequest" });
  const good = { "content-md5": md5(BYTES).toString("base64") };
  expect(await readXml({ isDigestRequired, headers: good })).toBe("Kintsugi");
  const checksum = { "x-amz-checksum-crc32c": checksumOf("CRC32C") };
  expect(await readXml({ isDigestRequired, headers: checksum })).toBe("Kintsugi");
  const wrongMd5 = { "content-md5": md5(Buffer.from("else")).toString("base64") };
  await expect(readXml({ headers: wrongMd5 })).rejects.toMatchObject({ code: "BadDigest" });
  await expect(readXml({ headers: crc32 })).rejects.toMatchObject({ code: "BadDigest" });
});

test.each([
  [undefined, undefined],
  ["gzip", "gzip"],
  ["deflate, gzip", "deflate, gzip"],
  ["gzip, aws-chunked", "gzip"],
  ["aws-chunked,gzip", "gzip"],
  ["aws-chunked", undefined],
  ["AWS-Chunked, aws-chunked", undefined],
])("of Content-Encoding %s is stored %s", (sent, stored) => {
  expect(storedContentEncoding(sent)).toBe(stored);
});
