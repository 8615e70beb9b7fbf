// Bytes that lie in the metadata and have rotted there are refused, never served: small objects, and parts of uploads.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import { givenStore, OWNER } from "../../support/store-lab.ts";

function flipped(given: Uint8Array | undefined): Buffer {
  const bytes = Buffer.from(given ?? []);
  bytes.writeUInt8(bytes.readUInt8(1) ^ 4, 1);
  return bytes;
}

/** Metadata whose inline bytes have one bit changed on their way out. */
function rotten(metadata: MetadataStore): MetadataStore {
  return new Proxy(metadata, {
    get: (target, name) => {
      if (name === "readInline") {
        return async (dataId: number) => flipped(await target.readInline(dataId));
      }
      if (name === "findObjectWithBytes") {
        return async (bucketId: number, key: string) => {
          const found = await target.findObjectWithBytes(bucketId, key);
          return found?.bytes ? { ...found, bytes: flipped(found.bytes) } : found;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a small object with a flipped bit is refused", async () => {
  const { get, put } = await givenStore({ wrapMetadata: rotten });
  await put("key", Buffer.from("some bytes"));
  await expect(get("key")).rejects.toMatchObject({ code: "InternalError" });
});

test("so is an object with such a part, as older versions kept them", async () => {
  const { bucket, get, metadata, store, target } = await givenStore({ wrapMetadata: rotten });
  const upload = await store.createUpload(target("key"), OWNER, undefined);
  const bytes = Buffer.from("some bytes");
  const part = await metadata.putPart({
    bucketId: bucket.id,
    key: "key",
    uploadId: upload.uploadId,
    number: 1,
    sizeBytes: bytes.length,
    etag: createHash("md5").update(bytes).digest("hex"),
    uploadedAt: 0,
    checksums: [],
    encryption: undefined,
    content: { kind: "inline", bytes },
  });
  await store.completeUpload({
    bucket,
    key: "key",
    uploadId: upload.uploadId,
    parts: [{ number: 1, etag: part.etag, checksum: undefined }],
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });
  await expect(get("key")).rejects.toMatchObject({ code: "InternalError" });
});

/** Metadata that fails where it meets one key, as where rot has damaged its row. */
function rottenKey(metadata: MetadataStore, bad: string): MetadataStore {
  return new Proxy(metadata, {
    get: (target, name) => {
      if (name === "deleteObjects") {
        return async (...[bucketId, requests, marker]: Parameters<typeof target.deleteObjects>) => {
          if (requests.some(({ key }) => key === bad)) throw new Error("the row is damaged");
          return target.deleteObjects(bucketId, requests, marker);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a damaged row keeps no other from being deleted with it", async () => {
  const lab = await givenStore({ wrapMetadata: (metadata) => rottenKey(metadata, "bad") });
  const { bucket, put, store } = lab;
  for (const key of ["a", "bad", "c"]) await put(key, Buffer.from(key));
  const outcomes = await deleteKeys(store, bucket, ["a", "bad", "c"]);
  expect(outcomes).toMatchObject([
    { kind: "deleted", wasThere: true },
    { kind: "refused", refusal: { code: "InternalError" } },
    { kind: "deleted", wasThere: true },
  ]);
  expect(await store.findObject(bucket, "c")).toBeUndefined();
  await expect(deleteKeys(store, bucket, ["bad"])).rejects.toThrow("the row is damaged");
});
