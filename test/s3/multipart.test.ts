// A multipart upload as clients meet it, from CreateMultipartUpload over UploadPart to CompleteMultipartUpload or
// AbortMultipartUpload: what becomes of the parts, and each way in which it can be refused.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type {
  CompletedPart,
  CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommandInput,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import {
  ODD_KEYS,
  PART_BYTES,
  patterned,
  refusal,
  startS3,
  statusOf,
} from "../support/s3-server.ts";
import type { S3Lab, Upload } from "../support/s3-server.ts";

const complete = (
  { client }: S3Lab,
  upload: Upload,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) =>
  client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }),
  );
const read = async ({ client, bucket }: S3Lab, Key: string) => {
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return Buffer.from((await object.Body?.transformToByteArray()) ?? new Uint8Array());
};
const headOf = ({ client, bucket }: S3Lab, Key: string) =>
  client.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: "ENABLED" }));
const md5 = (data: Uint8Array) => createHash("md5").update(data).digest();
const partsEtag = (bodies: readonly Uint8Array[]) =>
  `"${md5(Buffer.concat(bodies.map(md5))).toString("hex")}-${bodies.length}"`;

test("parts become one object, with the metadata and tags that were given at the start", async () => {
  const lab = await startS3();
  const bodies = [patterned(PART_BYTES, 1), patterned(PART_BYTES + 7, 2), patterned(11, 3)];
  const etag = await lab.givenMultipart("key", bodies, {
    ContentType: "text/bla",
    Metadata: { foo: "bar" },
    StorageClass: "STANDARD_IA",
    Tagging: "Hello=World&foo=bar",
  });
  expect(etag).toBe(partsEtag(bodies));
  expect(Buffer.compare(await read(lab, "key"), Buffer.concat(bodies))).toBe(0);
  expect(await headOf(lab, "key")).toMatchObject({
    ContentType: "text/bla",
    Metadata: { foo: "bar" },
    StorageClass: "STANDARD_IA",
    ETag: etag,
    ContentLength: 2 * PART_BYTES + 18,
  });
  const place = { Bucket: lab.bucket, Key: "key" };
  const { TagSet } = await lab.client.send(new GetObjectTaggingCommand(place));
  expect(TagSet?.map((tag) => tag.Key)).toEqual(["Hello", "foo"]);
});

test("the answer names the object's address, and says the same when asked again", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("a key/b");
  const parts = [await lab.givenPart(upload, 1, "body")];
  const first = await complete(lab, upload, parts);
  expect(first.Location).toBe(`${lab.endpoint}/${lab.bucket}/a%20key/b`);
  expect(first).toMatchObject({ Bucket: lab.bucket, Key: "a key/b" });
  const second = await complete(lab, upload, parts);
  expect([second.ETag, second.ChecksumCRC64NVME]).toEqual([first.ETag, first.ChecksumCRC64NVME]);
});

test("an upload is not seen before it is completed", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "old");
  const upload = await lab.givenUpload("key");
  const part = await lab.givenPart(upload, 1, "new");
  expect((await read(lab, "key")).toString()).toBe("old");
  await complete(lab, upload, [part]);
  expect((await read(lab, "key")).toString()).toBe("new");
});

test("every odd key can be uploaded in parts", async () => {
  const lab = await startS3();
  for (const key of ODD_KEYS) {
    await lab.givenMultipart(key, [key]);
    expect((await read(lab, key)).toString()).toBe(key);
  }
});

test("a part that is sent again replaces the first one, and parts that are not named are left out", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  await lab.givenPart(upload, 2, "wrong");
  const second = await lab.givenPart(upload, 2, "right");
  await lab.givenPart(upload, 7, "never named");
  await complete(lab, upload, [second]);
  expect((await read(lab, "key")).toString()).toBe("right");
});

test("part numbers may have gaps", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const big = patterned(PART_BYTES);
  const parts = [await lab.givenPart(upload, 3, big), await lab.givenPart(upload, 10_000, "end")];
  await complete(lab, upload, parts);
  expect(Buffer.compare(await read(lab, "key"), Buffer.concat([big, Buffer.from("end")]))).toBe(0);
});

test("an aborted upload is gone, its parts too, and can neither be written nor completed", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const part = await lab.givenPart(upload, 1, "body");
  const abort = () => lab.client.send(new AbortMultipartUploadCommand(upload));
  expect((await abort()).$metadata.httpStatusCode).toBe(204);
  const gone = { code: "NoSuchUpload", status: 404 };
  expect(await refusal(abort())).toEqual(gone);
  expect(await refusal(lab.givenPart(upload, 1, "body"))).toEqual(gone);
  expect(await refusal(complete(lab, upload, [part]))).toEqual(gone);
  expect(await refusal(headOf(lab, "key"))).toMatchObject({ status: 404 });
});

test("an upload belongs to its key", async () => {
  const lab = await startS3();
  const upload = { ...(await lab.givenUpload("key")), Key: "other" };
  const gone = { code: "NoSuchUpload", status: 404 };
  expect(await refusal(lab.givenPart(upload, 1, "body"))).toEqual(gone);
  expect(await refusal(lab.client.send(new AbortMultipartUploadCommand(upload)))).toEqual(gone);
});

test.each<[string, (parts: CompletedPart[]) => CompletedPart[], string]>([
  ["no part", () => [], "MalformedXML"],
  ["parts out of order", (parts) => parts.toReversed(), "InvalidPartOrder"],
  ["a part twice", ([first = {}]) => [first, first], "InvalidPartOrder"],
  ["a part that was not sent", () => [{ PartNumber: 9_999, ETag: '"x"' }], "InvalidPart"],
  ["another ETag", ([first]) => [{ ...first, ETag: "f".repeat(32) }], "InvalidPart"],
  ["a part number that is none", ([first]) => [{ ...first, PartNumber: 0 }], "InvalidArgument"],
])("%s: refused, and the upload goes on", async (_given, change, code) => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const parts = [
    await lab.givenPart(upload, 1, patterned(PART_BYTES)),
    await lab.givenPart(upload, 2, "end"),
  ];
  expect(await refusal(complete(lab, upload, change(parts)))).toEqual({ code, status: 400 });
  await complete(lab, upload, parts);
});

test("a part before the last one must have five megabytes", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const parts = [
    await lab.givenPart(upload, 1, patterned(PART_BYTES - 1)),
    await lab.givenPart(upload, 2, "end"),
  ];
  expect(await refusal(complete(lab, upload, parts))).toEqual({
    code: "EntityTooSmall",
    status: 400,
  });
});

test("the size that the client expects is compared", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const parts = [await lab.givenPart(upload, 1, "body")];
  const wrong = complete(lab, upload, parts, { MpuObjectSize: 5 });
  expect(await refusal(wrong)).toEqual({ code: "InvalidRequest", status: 400 });
  await complete(lab, upload, parts, { MpuObjectSize: 4 });
});

test("completing may depend on what stands at the key", async () => {
  const lab = await startS3();
  const attempt = async (condition: Partial<CompleteMultipartUploadCommandInput>) => {
    const upload = await lab.givenUpload("key");
    return complete(lab, upload, [await lab.givenPart(upload, 1, "body")], condition);
  };
  const { ETag = "" } = await attempt({ IfNoneMatch: "*" });
  const failed = { code: "PreconditionFailed", status: 412 };
  expect(await refusal(attempt({ IfNoneMatch: "*" }))).toEqual(failed);
  expect(await refusal(attempt({ IfMatch: '"other"' }))).toEqual(failed);
  await attempt({ IfMatch: ETag });
  await lab.client.send(new DeleteObjectCommand({ Bucket: lab.bucket, Key: "key" }));
  expect(await refusal(attempt({ IfMatch: ETag }))).toEqual({ code: "NoSuchKey", status: 404 });
});

const A = "A".repeat(1_024);
const A_SHA256 = "arcu6553sHVAiX4MjW0j7I7vD4w6R+Gz9Ok0Q9lTa+0=";
const A_COMPOSITE = "Ok6Cs5b96ux6+MWQkJO7UBT5sKPBeXBLwvj/hK89smg=-1";

test("a composite checksum is made of the parts' and compared with the client's", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key", { ChecksumAlgorithm: "SHA256" });
  const request = { ...upload, PartNumber: 1, Body: A, ChecksumSHA256: A_SHA256 };
  const { ETag, ChecksumSHA256 } = await lab.client.send(new UploadPartCommand(request));
  expect(ChecksumSHA256).toBe(A_SHA256);
  const parts = [{ PartNumber: 1, ETag, ChecksumSHA256 }];
  const bad = { code: "BadDigest", status: 400 };
  for (const wrong of ["bad", A_SHA256, A_COMPOSITE.replace("-1", "-2")]) {
    expect(await refusal(complete(lab, upload, parts, { ChecksumSHA256: wrong }))).toEqual(bad);
  }
  const done = await complete(lab, upload, parts, { ChecksumSHA256: A_COMPOSITE });
  expect(done).toMatchObject({ ChecksumSHA256: A_COMPOSITE, ChecksumType: "COMPOSITE" });
  expect((await headOf(lab, "key")).ChecksumSHA256).toBe(A_COMPOSITE);
});

test.each([
  ["CRC32", "ChecksumCRC32", "WgDhBQ=="],
  ["CRC32C", "ChecksumCRC32C", "xU+Krw=="],
  ["CRC64NVME", "ChecksumCRC64NVME", "i+6LR0y3eFo="],
] as const)("a full-object %s is combined from the parts'", async (algorithm, member, value) => {
  const lab = await startS3();
  const more = { ChecksumAlgorithm: algorithm, ChecksumType: "FULL_OBJECT" } as const;
  const upload = await lab.givenUpload("key", more);
  const parts: CompletedPart[] = [];
  for (const [index, letter] of ["A", "B", "C"].entries()) {
    const { $metadata: _, ...part } = await lab.client.send(
      new UploadPartCommand({
        ...upload,
        PartNumber: index + 1,
        Body: letter.repeat(PART_BYTES),
        ChecksumAlgorithm: algorithm,
      }),
    );
    parts.push({ ...part, PartNumber: index + 1 });
  }
  const done = await complete(lab, upload, parts, { [member]: value });
  expect(done).toMatchObject({ [member]: value, ChecksumType: "FULL_OBJECT" });
  expect(await headOf(lab, "key")).toMatchObject({ [member]: value, ChecksumType: "FULL_OBJECT" });
});

test("an upload without a word about checksums still gets one of all its bytes", async () => {
  const { send } = await startS3();
  const begun = await send({ method: "POST", path: "key?uploads=" });
  const id = /<UploadId>([^<]+)</.exec(begun.body)?.[1] ?? "";
  const part = await send({
    method: "PUT",
    path: `key?partNumber=1&uploadId=${id}`,
    body: "hello world",
  });
  const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
  const done = await send({ method: "POST", path: `key?uploadId=${id}`, body: xml });
  expect(done.status).toBe(200);
  expect(done.body).toContain("<ChecksumCRC64NVME>jSnVw/bqjr4=</ChecksumCRC64NVME>");
});

test.each<[string, Partial<CreateMultipartUploadCommandInput>, string, number]>([
  [
    "SHA256 of all bytes",
    { ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" },
    "InvalidRequest",
    400,
  ],
  [
    "a composite CRC64NVME",
    { ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" },
    "InvalidRequest",
    400,
  ],
  ["an unknown algorithm", { ChecksumAlgorithm: "MD4" as "SHA1" }, "InvalidRequest", 400],
  [
    "an unknown storage class",
    { StorageClass: "LUKEWARM" as "STANDARD" },
    "InvalidStorageClass",
    400,
  ],
  ["encryption by KMS", { ServerSideEncryption: "aws:kms" }, "NotImplemented", 501],
])("an upload with %s is refused", async (_given, more, code, status) => {
  const { client, bucket } = await startS3();
  const request = new CreateMultipartUploadCommand({ Bucket: bucket, Key: "key", ...more });
  expect(await refusal(client.send(request))).toEqual({ code, status });
});

test("a part with another checksum than the upload's is refused", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key", { ChecksumAlgorithm: "SHA256" });
  const request = { ...upload, PartNumber: 1, Body: "body", ChecksumAlgorithm: "CRC32" } as const;
  expect(await refusal(lab.client.send(new UploadPartCommand(request)))).toEqual({
    code: "InvalidRequest",
    status: 400,
  });
});

test("the answer that begins an upload says which checksum it takes", async () => {
  const { client, bucket } = await startS3();
  const begin = (algorithm: "CRC64NVME" | "SHA1") =>
    client.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key: "k", ChecksumAlgorithm: algorithm }),
    );
  expect(await begin("SHA1")).toMatchObject({
    ChecksumAlgorithm: "SHA1",
    ChecksumType: "COMPOSITE",
  });
  expect(await begin("CRC64NVME")).toMatchObject({ ChecksumType: "FULL_OBJECT" });
});

test.each(["0", "10001", "-1", "one", "", "1.5"])("part number %j is none", async (number) => {
  const lab = await startS3();
  const { UploadId } = await lab.givenUpload("key");
  const path = `key?partNumber=${number}&uploadId=${UploadId}`;
  const answer = await lab.send({ method: "PUT", path, body: "body" });
  expect([answer.status, errorCode(answer)]).toEqual([400, "InvalidArgument"]);
});

test("two writers who complete, and one who aborts, agree on what happened", async () => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key");
  const parts = [await lab.givenPart(upload, 1, "body")];
  const abort = lab.client.send(new AbortMultipartUploadCommand(upload));
  const outcomes = await Promise.allSettled([
    complete(lab, upload, parts),
    complete(lab, upload, parts),
    abort,
  ]);
  const [first, second, third] = outcomes.map((outcome) => outcome.status === "fulfilled");
  expect([first, second]).toEqual([!third, !third]);
  expect(await statusOf(headOf(lab, "key"))).toBe(third ? 404 : 200);
});
