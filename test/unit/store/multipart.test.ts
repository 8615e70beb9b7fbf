// Multipart uploads through the store: parts in any order, ranges across them, what Complete refuses, and that a
// repeated Complete gets the same answer.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type {
  ChecksumAlgorithm,
  ChecksumType,
  ObjectChecksum,
} from "../../../src/core/checksum.ts";
import type { UploadRecord } from "../../../src/metadata/records.ts";
import type { CompletedPart, CompleteRequest } from "../../../src/store/object-store.ts";
import { createChecksumHasher } from "../../../src/util/checksum-hasher.ts";
import { bodyOf, bytesOf, givenStore, md5, OWNER, type StoreLab } from "../../support/store-lab.ts";

const MIB = 1024 * 1024;
const PART_BYTES = 5 * MIB;

interface Multipart extends StoreLab {
  readonly upload: UploadRecord;
  readonly putPart: (number: number, bytes: Uint8Array) => Promise<CompletedPart>;
  readonly complete: (
    parts: readonly CompletedPart[],
    more?: Partial<CompleteRequest>,
  ) => ReturnType<StoreLab["store"]["completeUpload"]>;
}

async function givenUpload(checksum?: {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}): Promise<Multipart> {
  const lab = await givenStore();
  const { store, bucket, target } = lab;
  const upload = await store.createUpload(target("key"), OWNER, checksum);
  return {
    ...lab,
    upload,
    putPart: async (number, bytes) => {
      const checksums: readonly ObjectChecksum[] =
        checksum === undefined ? [] : [checksumOf(checksum.algorithm, bytes)];
      const body = bodyOf(bytes, { checksums: () => checksums });
      const part = await store.putPart({ bucket, upload }, number, body);
      return { number, etag: part.etag, checksum: checksums[0] };
    },
    complete: (parts, more) =>
      store.completeUpload({
        bucket,
        key: "key",
        uploadId: upload.uploadId,
        parts,
        checksum: undefined,
        checksumType: undefined,
        expectedBytes: undefined,
        condition: undefined,
        ...more,
      }),
  };
}

function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): ObjectChecksum {
  const hasher = createChecksumHasher(algorithm);
  hasher.update(bytes);
  return { algorithm, type: "FULL_OBJECT", value: hasher.digestBase64() };
}

test("parts in any order become one object, whole and in ranges across them", async () => {
  const { putPart, complete, get } = await givenUpload();
  const bodies = [bytesOf(PART_BYTES, 1), bytesOf(PART_BYTES + 7, 2), bytesOf(1_000, 3)] as const;
  const third = await putPart(9, bodies[2]);
  const first = await putPart(2, bodies[0]);
  await putPart(5, bytesOf(PART_BYTES, 8));
  const second = await putPart(5, bodies[1]);
  await putPart(7, bytesOf(100, 9));

  const object = await complete([first, second, third]);

  const whole = Buffer.concat(bodies);
  const digests = Buffer.concat(bodies.map((body) => createHash("md5").update(body).digest()));
  expect(object).toMatchObject({ etag: `${md5(digests)}-3`, sizeBytes: whole.length });
  expect((await get("key")).equals(whole)).toBe(true);
  for (const [start, end] of [
    [0, 1],
    [PART_BYTES - 3, PART_BYTES + 3],
    [PART_BYTES, PART_BYTES * 2 + 8],
    [whole.length - 1_001, whole.length],
    [17, whole.length - 17],
  ] as const) {
    expect((await get("key", start, end)).equals(whole.subarray(start, end))).toBe(true);
  }
});

test("the same Complete again gets the same answer; another list does not", async () => {
  const { putPart, complete } = await givenUpload();
  const parts = [await putPart(1, bytesOf(PART_BYTES, 1)), await putPart(2, bytesOf(10, 2))];
  const object = await complete(parts);
  expect(await complete(parts)).toEqual(object);
  const other = complete(parts.slice(0, 1));
  await expect(other).rejects.toMatchObject({ code: "NoSuchUpload" });
});

test("F65 Completes at the same time get one object, and Abort comes too late", async () => {
  const { putPart, complete, store, bucket, upload } = await givenUpload();
  const parts = [await putPart(1, bytesOf(10, 1))];
  const [first, second] = await Promise.all([complete(parts), complete(parts)]);
  expect(second).toEqual(first);
  const abort = store.abortUpload(bucket, "key", upload.uploadId);
  await expect(abort).rejects.toMatchObject({ code: "NoSuchUpload" });
});

test("Complete refuses what does not fit, and the upload goes on", async () => {
  const { putPart, complete } = await givenUpload();
  const small = await putPart(1, bytesOf(100, 1));
  const last = await putPart(2, bytesOf(100, 2));
  const refusals = [
    [[last, small], {}, "InvalidPartOrder"],
    [[small, small], {}, "InvalidPartOrder"],
    [[small, last], {}, "EntityTooSmall"],
    [[{ ...small, etag: last.etag }], {}, "InvalidPart"],
    [[{ ...small, number: 3 }], {}, "InvalidPart"],
    [[], {}, "MalformedXML"],
    [[small], { expectedBytes: 99 }, "InvalidRequest"],
    [[small], { uploadId: "none" as UploadRecord["uploadId"] }, "NoSuchUpload"],
  ] as const;
  for (const [parts, more, code] of refusals) {
    await expect(complete(parts, more)).rejects.toMatchObject({ code });
  }
  await expect(complete([small])).resolves.toMatchObject({ sizeBytes: 100 });
});

test.each(["CRC32", "CRC32C", "CRC64NVME"] as const)(
  "FULL_OBJECT %s of the parts is that of all bytes",
  async (algorithm) => {
    const { putPart, complete } = await givenUpload({ algorithm, type: "FULL_OBJECT" });
    const bodies = [bytesOf(PART_BYTES, 1), bytesOf(12_345, 2)] as const;
    const parts = [await putPart(1, bodies[0]), await putPart(2, bodies[1])];
    const expected = checksumOf(algorithm, Buffer.concat(bodies));
    const wrong = { ...expected, value: checksumOf(algorithm, bodies[0]).value };

    const refused = complete(parts, { checksum: wrong });
    await expect(refused).rejects.toMatchObject({ code: "BadDigest" });
    const object = await complete(parts, { checksum: expected, checksumType: "FULL_OBJECT" });

    expect(object.checksum).toEqual(expected);
  },
);

test.each(["CRC32", "SHA1", "SHA256"] as const)(
  "COMPOSITE %s is of the parts' checksums, each of which must be named",
  async (algorithm) => {
    const { putPart, complete } = await givenUpload({ algorithm, type: "COMPOSITE" });
    const parts = [await putPart(1, bytesOf(PART_BYTES, 1)), await putPart(2, bytesOf(77, 2))];
    const values = parts.map((part) => Buffer.from(part.checksum?.value ?? "", "base64"));
    const value = `${checksumOf(algorithm, Buffer.concat(values)).value}-2`;

    const unnamed = complete(parts.map((part) => ({ ...part, checksum: undefined })));
    await expect(unnamed).rejects.toMatchObject({ code: "InvalidRequest" });
    const swapped = complete(parts.map((part) => ({ ...part, checksum: parts[0]?.checksum })));
    await expect(swapped).rejects.toMatchObject({ code: "InvalidPart" });
    const otherType = complete(parts, { checksumType: "FULL_OBJECT" });
    await expect(otherType).rejects.toMatchObject({ code: "InvalidRequest" });
    const object = await complete(parts);

    expect(object.checksum).toEqual({ algorithm, type: "COMPOSITE", value });
  },
);

test("a part copied from a range has the bytes and the checksum of that range", async () => {
  const { complete, store, bucket, upload, put, get } = await givenUpload({
    algorithm: "CRC32C",
    type: "FULL_OBJECT",
  });
  const source = bytesOf(2 * MIB, 4);
  await put("source", source);
  const reading = await store.openObject(bucket, "source");
  if (reading === undefined) throw new Error("no object");
  const range = { reading, start: 1_000, end: MIB + 1 };
  const part = await store.copyPart({ bucket, upload }, 1, range);
  const expected = source.subarray(1_000, MIB + 1);
  expect(part).toMatchObject({ etag: md5(expected), checksums: [checksumOf("CRC32C", expected)] });
  await complete([{ number: 1, etag: part.etag, checksum: undefined }]);
  expect((await get("key")).equals(expected)).toBe(true);
  expect(store.openReadings()).toBe(0);
});

test("a part of an upload that was aborted meanwhile is refused and leaves no shards", async () => {
  const { store, bucket, upload, shardFiles } = await givenUpload();
  async function* aborting(): AsyncGenerator<Uint8Array> {
    yield bytesOf(MIB, 1);
    await store.abortUpload(bucket, "key", upload.uploadId);
  }
  const body = bodyOf(bytesOf(MIB, 1), { chunks: aborting() });
  const refused = store.putPart({ bucket, upload }, 1, body);
  await expect(refused).rejects.toMatchObject({ code: "NoSuchUpload" });
  expect(await shardFiles()).toEqual([]);
});

test("a copied part of an upload that names no algorithm has the checksum that S3 keeps by default", async () => {
  const { complete, store, bucket, upload, put } = await givenUpload();
  const source = bytesOf(MIB, 4);
  await put("source", source);
  const reading = await store.openObject(bucket, "source");
  if (reading === undefined) throw new Error("no object");
  const part = await store.copyPart({ bucket, upload }, 1, { reading, start: 0, end: MIB });
  const object = await complete([{ number: 1, etag: part.etag, checksum: undefined }]);
  expect(object.checksum).toEqual(checksumOf("CRC64NVME", source));
});

test("an object of parts that was opened is read whole, though it is replaced before its first byte is asked for", async () => {
  const { bucket, complete, put, putPart, store } = await givenUpload();
  const small = bytesOf(1_000, 1);
  await complete([await putPart(1, small)]);
  const reading = await store.openObject(bucket, "key");
  await put("key", bytesOf(10, 2));
  const chunks: Buffer[] = [];
  for await (const window of reading?.read(0, small.length) ?? []) {
    chunks.push(...window.chunks.map((chunk) => Buffer.from(chunk)));
    window.release();
  }
  expect(Buffer.concat(chunks).equals(small)).toBe(true);
});
