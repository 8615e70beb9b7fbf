// Every checksum algorithm through every way in: PUT by header and by trailer, parts, copies; and back out of GET, HEAD,
// lists and attributes.

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { beforeAll, expect, test } from "vitest";
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumElement,
  checksumHeader,
  checksumTypesOfParts,
} from "../../src/core/checksum.ts";
import { createChecksumHasher, loadChecksumHasher } from "../../src/util/checksum-hasher.ts";
import { PART_BYTES, patterned, refusal, startS3 } from "../support/s3-server.ts";
import type { S3Lab, Upload } from "../support/s3-server.ts";

const BODY = "Kintsugi, golden joinery";
const PARTS: readonly Uint8Array[] = [patterned(PART_BYTES), Buffer.from("end")];
const WHOLE = Buffer.concat(PARTS);

beforeAll(async () => {
  for (const algorithm of CHECKSUM_ALGORITHMS) await loadChecksumHasher(algorithm);
});

function checksumOf(algorithm: ChecksumAlgorithm, ...pieces: readonly (Uint8Array | string)[]) {
  const hasher = createChecksumHasher(algorithm);
  for (const piece of pieces) hasher.update(Buffer.from(piece));
  return hasher.digestBase64();
}

/** The checksum of the parts' checksums, as S3 defines it. */
function compositeOf(algorithm: ChecksumAlgorithm, parts: readonly Uint8Array[]): string {
  const values = parts.map((part) => Buffer.from(checksumOf(algorithm, part), "base64"));
  return `${checksumOf(algorithm, ...values)}-${parts.length}`;
}

const ofType = (algorithm: ChecksumAlgorithm, type: string) =>
  type === "COMPOSITE" ? compositeOf(algorithm, PARTS) : checksumOf(algorithm, WHOLE);

const member = (algorithm: ChecksumAlgorithm, value: string) => ({
  [checksumElement(algorithm)]: value,
});

/** Parts with the values that the client has computed itself, and the list that completes them. */
async function givenParts(
  lab: S3Lab,
  upload: Upload,
  algorithm: ChecksumAlgorithm,
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  for (const [index, body] of PARTS.entries()) {
    const declared = member(algorithm, checksumOf(algorithm, body));
    parts.push(await lab.givenPart(upload, index + 1, body, declared));
  }
  return parts;
}

const complete = (lab: S3Lab, upload: Upload, Parts: CompletedPart[], more = {}) =>
  lab.client.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }),
  );

test.each(CHECKSUM_ALGORITHMS)("%s in a header is verified, kept and shown", async (algorithm) => {
  const { bucket: Bucket, client, givenObject } = await startS3();
  const right = member(algorithm, checksumOf(algorithm, BODY));
  await givenObject("key", BODY, right);
  const wrong = givenObject("key", BODY, member(algorithm, checksumOf(algorithm, "other")));
  expect(await refusal(wrong)).toEqual({ code: "BadDigest", status: 400 });
  const object = { Bucket, Key: "key" };
  const shown = { ...right, ChecksumType: "FULL_OBJECT" };
  const head = await client.send(new HeadObjectCommand({ ...object, ChecksumMode: "ENABLED" }));
  expect(head).toMatchObject(shown);
  const ObjectAttributes = ["Checksum" as const];
  const attributes = new GetObjectAttributesCommand({ ...object, ObjectAttributes });
  expect((await client.send(attributes)).Checksum).toEqual(shown);
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  const listed = { ChecksumAlgorithm: [algorithm], ChecksumType: "FULL_OBJECT" };
  expect(Contents?.[0]).toMatchObject(listed);
});

/** Inline, in a pack, and in a set of its own: each keeps checksums in a form of its own. */
const SIZES = [1, 100_000, 2_000_000];

test.each(CHECKSUM_ALGORITHMS.flatMap((name) => SIZES.map((size) => [name, size] as const)))(
  "%s is kept with an object of %i bytes, and with its copy",
  async (algorithm, sizeBytes) => {
    const { bucket: Bucket, client, givenObject } = await startS3();
    const body = patterned(sizeBytes);
    const value = member(algorithm, checksumOf(algorithm, body));
    await givenObject("key", body, value);
    const CopySource = `${Bucket}/key`;
    await client.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource }));
    for (const Key of ["key", "copy"]) {
      const head = new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" });
      expect(await client.send(head)).toMatchObject(value);
    }
  },
);

test.each(CHECKSUM_ALGORITHMS)("%s in a trailer is verified and kept", async (algorithm) => {
  const { send } = await startS3();
  const put = (value: string) =>
    send({
      method: "PUT",
      path: "key",
      payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      headers: {
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": String(BODY.length),
        "x-amz-trailer": checksumHeader(algorithm),
      },
      body: `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${checksumHeader(algorithm)}:${value}\r\n\r\n`,
    });
  expect((await put(checksumOf(algorithm, "other"))).body).toContain("BadDigest");
  expect((await put(checksumOf(algorithm, BODY))).status).toBe(200);
  const headers = { "x-amz-checksum-mode": "ENABLED" };
  const got = await send({ method: "GET", path: "key", headers });
  expect(got.headers.get(checksumHeader(algorithm))).toBe(checksumOf(algorithm, BODY));
  expect(got.body).toBe(BODY);
});

const TYPED = CHECKSUM_ALGORITHMS.flatMap((algorithm) =>
  checksumTypesOfParts(algorithm).map((type) => [algorithm, type] as const),
);

test.each(TYPED)("an upload in parts with %s, %s", async (ChecksumAlgorithm, ChecksumType) => {
  const lab = await startS3();
  const upload = await lab.givenUpload("key", { ChecksumAlgorithm, ChecksumType });
  const parts = await givenParts(lab, upload, ChecksumAlgorithm);
  const listed = await lab.client.send(new ListPartsCommand(upload));
  expect(listed).toMatchObject({ ChecksumAlgorithm, ChecksumType });
  const first = member(ChecksumAlgorithm, checksumOf(ChecksumAlgorithm, PARTS[0] ?? ""));
  expect(listed.Parts?.[0]).toMatchObject(first);
  const whole = member(ChecksumAlgorithm, ofType(ChecksumAlgorithm, ChecksumType));
  const wrong = member(ChecksumAlgorithm, checksumOf(ChecksumAlgorithm, "other"));
  const refused = complete(lab, upload, parts, { ...wrong, ChecksumType });
  expect(await refusal(refused)).toEqual({ code: "BadDigest", status: 400 });
  const done = await complete(lab, upload, parts, { ...whole, ChecksumType });
  expect(done).toMatchObject({ ...whole, ChecksumType });
  const object = { Bucket: lab.bucket, Key: "key" };
  const second = new HeadObjectCommand({ ...object, PartNumber: 2, ChecksumMode: "ENABLED" });
  const ofSecond = member(ChecksumAlgorithm, checksumOf(ChecksumAlgorithm, PARTS[1] ?? ""));
  expect(await lab.client.send(second)).toMatchObject({ ...ofSecond, PartsCount: 2 });
});

test.each(CHECKSUM_ALGORITHMS)("a copy of parts has %s of all its bytes", async (algorithm) => {
  const { bucket: Bucket, client, givenMultipart, givenUpload } = await startS3();
  await givenMultipart("from", PARTS);
  const CopySource = `${Bucket}/from`;
  const ChecksumAlgorithm = algorithm;
  const copy = new CopyObjectCommand({ Bucket, Key: "to", CopySource, ChecksumAlgorithm });
  const expected = member(algorithm, checksumOf(algorithm, WHOLE));
  const { CopyObjectResult } = await client.send(copy);
  expect(CopyObjectResult).toMatchObject({ ...expected, ChecksumType: "FULL_OBJECT" });
  const upload = await givenUpload("parts", { ChecksumAlgorithm });
  const part = new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource });
  expect((await client.send(part)).CopyPartResult).toMatchObject(expected);
});

test.each(CHECKSUM_ALGORITHMS.filter((name) => checksumTypesOfParts(name).length === 1))(
  "%s of parts is of one type alone",
  async (ChecksumAlgorithm) => {
    const { givenUpload } = await startS3();
    const [type] = checksumTypesOfParts(ChecksumAlgorithm);
    const ChecksumType = type === "COMPOSITE" ? "FULL_OBJECT" : "COMPOSITE";
    const upload = givenUpload("key", { ChecksumAlgorithm, ChecksumType });
    expect(await refusal(upload)).toEqual({ code: "InvalidRequest", status: 400 });
  },
);

test("an upload that names no algorithm gets CRC64NVME, whatever its parts came with", async () => {
  const lab = await startS3();
  const bare = await lab.send({ method: "POST", path: "key?uploads" });
  const UploadId = /<UploadId>([^<]+)/.exec(bare.body)?.[1] ?? "";
  const upload = { Bucket: lab.bucket, Key: "key", UploadId };
  const [first, second] = [
    await lab.givenPart(upload, 1, PARTS[0] ?? "", { ChecksumAlgorithm: "CRC32" }),
    await lab.givenPart(upload, 2, PARTS[1] ?? "", { ChecksumAlgorithm: "SHA256" }),
  ];
  expect(first).toMatchObject(member("CRC32", checksumOf("CRC32", PARTS[0] ?? "")));
  expect(first.ChecksumCRC64NVME).toBeUndefined();
  const done = await complete(lab, upload, [first, second]);
  const whole = member("CRC64NVME", checksumOf("CRC64NVME", WHOLE));
  expect(done).toMatchObject({ ...whole, ChecksumType: "FULL_OBJECT" });
  const ObjectAttributes = ["ObjectParts" as const, "Checksum" as const];
  const object = { Bucket: lab.bucket, Key: "key", ObjectAttributes };
  const { Checksum, ObjectParts } = await lab.client.send(new GetObjectAttributesCommand(object));
  expect(Checksum).toEqual({ ...whole, ChecksumType: "FULL_OBJECT" });
  const ofSecond = member("CRC64NVME", checksumOf("CRC64NVME", PARTS[1] ?? ""));
  expect(ObjectParts?.Parts?.[1]).toMatchObject(ofSecond);
});

test("a part without a checksum gets the upload's, where that is of all bytes in the end", async () => {
  const lab = await startS3();
  const send = ({ UploadId }: Upload) =>
    lab.send({ method: "PUT", path: `key?partNumber=1&uploadId=${UploadId}`, body: BODY });
  const begin = (ChecksumType: "COMPOSITE" | "FULL_OBJECT") =>
    lab.givenUpload("key", { ChecksumAlgorithm: "CRC32C", ChecksumType });
  const full = await send(await begin("FULL_OBJECT"));
  expect(full.headers.get("x-amz-checksum-crc32c")).toBe(checksumOf("CRC32C", BODY));
  const composite = await send(await begin("COMPOSITE"));
  expect([composite.status, composite.body]).toEqual([
    400,
    expect.stringContaining("expected checksum Type: crc32c, actual checksum Type: null"),
  ]);
});
