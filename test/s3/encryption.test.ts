// Encryption as clients meet it: SSE-S3 and SSE-C by header, what answers say of it, keys that are missing, wrong or
// malformed, multipart uploads, ranges, and copies between all kinds.

import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { MIB, PART_BYTES, startS3 } from "../support/s3-server.ts";

interface CustomerArguments {
  readonly SSECustomerAlgorithm: string;
  readonly SSECustomerKey: string;
  readonly SSECustomerKeyMD5: string;
}

function customer(seed: string): CustomerArguments {
  const bytes = Buffer.alloc(32, seed);
  return {
    SSECustomerAlgorithm: "AES256",
    SSECustomerKey: bytes.toString("base64"),
    SSECustomerKeyMD5: md5Of(bytes),
  };
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** The headers of a request that brings a key, by hand. */
function keyHeaders(given: Partial<Record<"algorithm" | "key" | "key-md5", string>>) {
  const prefix = "x-amz-server-side-encryption-customer-";
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [prefix + name, value]));
}

function asSource({ SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 }: CustomerArguments) {
  return {
    CopySourceSSECustomerAlgorithm: SSECustomerAlgorithm,
    CopySourceSSECustomerKey: SSECustomerKey,
    CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
  };
}

const ONE = customer("one ");
const TWO = customer("two ");
const MODES = [
  { name: "plain", write: {}, read: {}, source: {} },
  { name: "SSE-S3", write: { ServerSideEncryption: "AES256" }, read: {}, source: {} },
  { name: "SSE-C", write: ONE, read: ONE, source: asSource(ONE) },
  { name: "SSE-C with another key", write: TWO, read: TWO, source: asSource(TWO) },
] as const;

test.each([0, 1, 4_000, 100_000, 3 * MIB + 1])(
  "SSE-S3 of %i bytes: named in every answer, and the ETag is the MD5",
  async (size) => {
    const { client, bucket: Bucket } = await startS3();
    const Body = Buffer.alloc(size, "words");
    const name = { Bucket, Key: "key" };
    const put = await client.send(
      new PutObjectCommand({ ...name, Body, ServerSideEncryption: "AES256" }),
    );
    const got = await client.send(new GetObjectCommand(name));
    const head = await client.send(new HeadObjectCommand(name));
    for (const answer of [put, got, head]) expect(answer.ServerSideEncryption).toBe("AES256");
    expect(Body.equals((await got.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(head.ContentLength).toBe(size);
    expect(put.ETag).toBe(`"${createHash("md5").update(Body).digest("hex")}"`);
  },
);

test("SSE-C: the key opens it, its MD5 is told, and the ETag is not the MD5 of the bytes", async () => {
  const { client, bucket: Bucket } = await startS3();
  const Body = Buffer.from("the words");
  const name = { Bucket, Key: "key" };
  const put = await client.send(new PutObjectCommand({ ...name, Body, ...ONE }));
  const got = await client.send(new GetObjectCommand({ ...name, ...ONE }));
  const head = await client.send(new HeadObjectCommand({ ...name, ...ONE }));
  for (const answer of [put, got, head]) {
    expect(answer.SSECustomerAlgorithm).toBe("AES256");
    expect(answer.SSECustomerKeyMD5).toBe(ONE.SSECustomerKeyMD5);
    expect(answer.ServerSideEncryption).toBeUndefined();
  }
  expect(await got.Body?.transformToString()).toBe("the words");
  expect(put.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(put.ETag).not.toContain(createHash("md5").update(Body).digest("hex"));
});

test("reading with no key, another key or a needless one", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("sealed", "words", ONE);
  await givenObject("plain", "words");
  await givenObject("managed", "words", { ServerSideEncryption: "AES256" });
  const get = (Key: string, more: object) =>
    client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  const head = (Key: string, more: object) =>
    client.send(new HeadObjectCommand({ Bucket, Key, ...more }));

  await expect(get("sealed", {})).rejects.toMatchObject({
    name: "InvalidRequest",
    message:
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
  });
  await expect(get("sealed", TWO)).rejects.toMatchObject({
    name: "AccessDenied",
    $metadata: { httpStatusCode: 403 },
  });
  for (const key of ["plain", "managed"]) {
    await expect(get(key, ONE)).rejects.toMatchObject({
      name: "InvalidRequest",
      message: "The encryption parameters are not applicable to this object.",
    });
  }
  await expect(head("sealed", {})).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
  await expect(head("sealed", TWO)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await expect(head("plain", ONE)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
});

const KEY = Buffer.alloc(32, "one ").toString("base64");
const KEY_MD5 = md5Of(Buffer.alloc(32, "one "));
const SHORT = Buffer.alloc(16, 1);

test.each([
  ["no algorithm", { key: KEY, "key-md5": KEY_MD5 }, "InvalidArgument"],
  ["no key", { algorithm: "AES256" }, "InvalidArgument"],
  ["no MD5", { algorithm: "AES256", key: KEY }, "InvalidArgument"],
  [
    "another algorithm",
    { algorithm: "AES192", key: KEY, "key-md5": KEY_MD5 },
    "InvalidEncryptionAlgorithmError",
  ],
  ["a wrong MD5", { algorithm: "AES256", key: KEY, "key-md5": md5Of(SHORT) }, "InvalidArgument"],
  [
    "a short key",
    { algorithm: "AES256", key: SHORT.toString("base64"), "key-md5": md5Of(SHORT) },
    "InvalidArgument",
  ],
  ["no Base64", { algorithm: "AES256", key: "%%%", "key-md5": KEY_MD5 }, "InvalidArgument"],
] as const)("a key with %s is refused, and not repeated", async (_given, headers, code) => {
  const { send } = await startS3();
  for (const method of ["PUT", "GET"]) {
    const answer = await send({ method, path: "key", headers: keyHeaders(headers) });
    expect(answer.status, method).toBe(400);
    expect(answer.body).toContain(`<Code>${code}</Code>`);
    expect(answer.body).not.toContain(KEY);
    expect(answer.body).not.toContain(SHORT.toString("base64"));
  }
});

test.each([
  ["PUT", "aes:kms", "InvalidArgument", 400],
  ["PUT", "aws:kms", "NotImplemented", 501],
  ["PUT", "aws:kms:dsse", "NotImplemented", 501],
  ["GET", "AES256", "InvalidArgument", 400],
] as const)("%s with x-amz-server-side-encryption: %s", async (method, value, code, status) => {
  const { send, givenObject } = await startS3();
  await givenObject("key", "words");
  const headers = { "x-amz-server-side-encryption": value };
  const answer = await send({ method, path: "key", headers });
  expect(answer.status).toBe(status);
  expect(answer.body).toContain(`<Code>${code}</Code>`);
});

test.each([
  ["a client's key and AES256", { ServerSideEncryption: "AES256", ...ONE }],
  ["a client's key and KMS", { ServerSideEncryption: "aws:kms", ...ONE }],
  ["a KMS key and AES256", { ServerSideEncryption: "AES256", SSEKMSKeyId: "key" }],
  ["a KMS key alone", { SSEKMSKeyId: "key" }],
] as const)("%s at once are refused", async (_given, more) => {
  const { client, bucket: Bucket } = await startS3();
  const request = new PutObjectCommand({ Bucket, Key: "key", Body: "words", ...more });
  await expect(client.send(request)).rejects.toMatchObject({ name: "InvalidArgument" });
});

test("a range of an encrypted object, and its attributes", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  await givenObject("key", body, ONE);
  const name = { Bucket, Key: "key", ...ONE };
  for (const [first, last] of [
    [0, 0],
    [65_535, 65_536],
    [100_000, 250_000],
    [299_999, 299_999],
  ] as const) {
    const got = await client.send(
      new GetObjectCommand({ ...name, Range: `bytes=${first}-${last}` }),
    );
    expect(got.ContentRange).toBe(`bytes ${first}-${last}/300000`);
    const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array(0);
    expect(body.subarray(first, last + 1).equals(bytes), `${first}-${last}`).toBe(true);
  }
  const attributes = { ObjectAttributes: ["ObjectSize" as const, "ETag" as const] };
  const found = await client.send(new GetObjectAttributesCommand({ ...name, ...attributes }));
  expect(found.ObjectSize).toBe(300_000);
  await expect(
    client.send(new GetObjectAttributesCommand({ Bucket, Key: "key", ...attributes })),
  ).rejects.toMatchObject({ name: "InvalidRequest" });
});

for (const source of MODES) {
  test.each(MODES)(`a copy from ${source.name} to $name`, async (target) => {
    const { client, bucket: Bucket, givenObject } = await startS3();
    for (const size of [100, 200_000, 2 * MIB]) {
      const body = Buffer.alloc(size, "copied ");
      await givenObject("from", body, source.write);
      const copied = await client.send(
        new CopyObjectCommand({
          Bucket,
          Key: "to",
          CopySource: `${Bucket}/from`,
          ...source.source,
          ...target.write,
        }),
      );
      const got = await client.send(new GetObjectCommand({ Bucket, Key: "to", ...target.read }));
      const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array(0);
      expect(body.equals(bytes)).toBe(true);
      for (const answer of [copied, got]) {
        expect(answer.ServerSideEncryption).toBe(target.name === "SSE-S3" ? "AES256" : undefined);
        expect(answer.SSECustomerKeyMD5).toBe(
          "SSECustomerKeyMD5" in target.write ? target.write.SSECustomerKeyMD5 : undefined,
        );
      }
    }
  });
}

test("the source of a copy must be opened, too; a copy onto itself may change the encryption", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("from", "words", ONE);
  const copy = (more: object) =>
    client.send(
      new CopyObjectCommand({ Bucket, Key: "to", CopySource: `${Bucket}/from`, ...more }),
    );
  await expect(copy({})).rejects.toMatchObject({ name: "InvalidRequest" });
  await expect(copy(asSource(TWO))).rejects.toMatchObject({ name: "AccessDenied" });
  await copy({ ...asSource(ONE), Key: "from", ServerSideEncryption: "AES256" });
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "from" }));
  expect(head.ServerSideEncryption).toBe("AES256");
});

test.each(MODES)("an upload in parts, copied ones among them: $name", async (mode) => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  const first = Buffer.alloc(PART_BYTES + 1, "first ");
  const second = Buffer.alloc(PART_BYTES, "second ");
  await givenObject("second", second, ONE);
  const created = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key: "key", ...mode.write }),
  );
  const isManaged = mode.name === "SSE-S3";
  expect(created.ServerSideEncryption).toBe(isManaged ? "AES256" : undefined);
  const upload = { Bucket, Key: "key", UploadId: created.UploadId };
  const one = await client.send(
    new UploadPartCommand({ ...upload, PartNumber: 1, Body: first, ...mode.read }),
  );
  const two = await client.send(
    new UploadPartCopyCommand({
      ...upload,
      PartNumber: 2,
      CopySource: `${Bucket}/second`,
      ...asSource(ONE),
      ...mode.read,
    }),
  );
  const completed = await client.send(
    new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: {
        Parts: [
          { PartNumber: 1, ETag: one.ETag },
          { PartNumber: 2, ETag: two.CopyPartResult?.ETag },
        ],
      },
      ...mode.read,
    }),
  );
  expect(completed.ServerSideEncryption).toBe(isManaged ? "AES256" : undefined);
  const whole = Buffer.concat([first, second]);
  const get = async (more: object) => {
    const request = new GetObjectCommand({ Bucket, Key: "key", ...mode.read, ...more });
    const { Body } = await client.send(request);
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  expect((await get({})).equals(whole)).toBe(true);
  expect((await get({ PartNumber: 2 })).equals(second)).toBe(true);
  const at = first.length - 3;
  expect(await get({ Range: `bytes=${at}-${at + 9}` })).toEqual(whole.subarray(at, at + 10));
});

test("parts come with the key of their upload, or not at all", async () => {
  const { client, bucket: Bucket, givenUpload } = await startS3();
  const sealed = await givenUpload("sealed", ONE);
  const plain = await givenUpload("plain");
  const part = (upload: object, more: object) =>
    client.send(
      new UploadPartCommand({
        Bucket,
        Key: "",
        UploadId: "",
        ...upload,
        PartNumber: 1,
        Body: "part",
        ...more,
      }),
    );
  await expect(part(sealed, {})).rejects.toMatchObject({
    name: "InvalidRequest",
    message:
      "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
  });
  await expect(part(sealed, TWO)).rejects.toMatchObject({
    name: "InvalidRequest",
    message: "The provided encryption parameters did not match the ones used originally.",
  });
  await expect(part(plain, ONE)).rejects.toMatchObject({ name: "InvalidRequest" });
  const { ETag } = await part(sealed, ONE);
  const complete = (more: object) =>
    client.send(
      new CompleteMultipartUploadCommand({
        ...sealed,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
        ...more,
      }),
    );
  await expect(complete(TWO)).rejects.toMatchObject({ name: "InvalidRequest" });
  await complete(ONE);
});
