// Copies: a set of its own is shared, everything else is written again with the MD5 of all bytes as its ETag.

import { expect, test } from "vitest";
import type { ChecksumAlgorithm } from "../../../src/core/checksum.ts";
import type { NewObject } from "../../../src/store/object-store.ts";
import { createChecksumHasher } from "../../../src/util/checksum-hasher.ts";
import {
  bodyOf,
  bytesOf,
  givenStore,
  HandClock,
  md5,
  OWNER,
  setIdOf,
  type StoreLab,
} from "../../support/store-lab.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const MIB = 1024 * 1024;

async function copy(
  { store, bucket, target }: StoreLab,
  from: string,
  to: Partial<NewObject> & { readonly key: string },
  checksum?: ChecksumAlgorithm,
) {
  const reading = await store.openObject(bucket, from);
  if (reading === undefined) throw new Error("no object");
  return store.copyObject({ bucket, reading }, target(to.key, to), checksum);
}

test("a set is shared; the copy has its own attributes and outlives the source", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  const source = await lab.put("a", bytes);
  const attributes = { headers: { "content-type": "text/plain" }, userMetadata: {} };
  const made = await copy(lab, "a", { key: "b", attributes });
  expect(setIdOf(made)).toBe(setIdOf(source));
  expect(made).toMatchObject({ etag: source.etag, attributes });
  await deleteKeys(lab.store, lab.bucket, ["a"]);
  expect((await lab.get("b")).equals(bytes)).toBe(true);
  expect(lab.store.openReadings()).toBe(0);
});

test("an object is copied onto itself with other attributes", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  await lab.put("a", bytes);
  await copy(lab, "a", { key: "a", attributes: { headers: {}, userMetadata: { x: "1" } } });
  expect((await lab.get("a")).equals(bytes)).toBe(true);
  expect(await lab.metadata.listTrash(10)).toEqual([]);
});

test("another storage class, small and multipart objects are written again", async () => {
  const lab = await givenStore();
  const { store, bucket, target } = lab;
  const large = bytesOf(MIB, 1);
  const source = await lab.put("large", large);
  const cold = await copy(lab, "large", { key: "cold", storageClass: "STANDARD_IA" });
  expect(setIdOf(cold)).not.toBe(setIdOf(source));
  await lab.put("small", bytesOf(100, 2));
  expect(await copy(lab, "small", { key: "small-2" })).toMatchObject({ sizeBytes: 100 });

  const upload = await store.createUpload(target("parts"), OWNER, undefined);
  const part = await store.putPart({ bucket, upload }, 1, bodyOf(large));
  await store.completeUpload({
    bucket,
    key: "parts",
    uploadId: upload.uploadId,
    parts: [{ number: 1, etag: part.etag, checksum: undefined }],
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });
  const whole = await copy(lab, "parts", { key: "whole" });
  expect(whole).toMatchObject({ etag: md5(large), content: { kind: "set" } });
  for (const key of ["cold", "whole"]) expect((await lab.get(key)).equals(large)).toBe(true);
});

test("a checksum that is asked for is computed; the set is shared all the same", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  const source = await lab.put("a", bytes);
  const hasher = createChecksumHasher("SHA256");
  hasher.update(bytes);
  const made = await copy(lab, "a", { key: "b" }, "SHA256");
  const value = hasher.digestBase64();
  expect(made.checksum).toEqual({ algorithm: "SHA256", type: "FULL_OBJECT", value });
  expect(setIdOf(made)).toBe(setIdOf(source));
  expect(lab.store.openReadings()).toBe(0);
});

test("a source that is replaced after it was opened is copied as it was", async () => {
  const lab = await givenStore();
  const { store, bucket, target } = lab;
  const bytes = bytesOf(MIB, 1);
  await lab.put("a", bytes);
  const reading = await store.openObject(bucket, "a");
  if (reading === undefined) throw new Error("no object");
  await lab.put("a", bytesOf(MIB, 2));
  await store.copyObject({ bucket, reading }, target("b"), undefined);
  expect((await lab.get("b")).equals(bytes)).toBe(true);
});

test("a condition that does not hold refuses the copy and frees the source", async () => {
  const lab = await givenStore();
  await lab.put("a", bytesOf(MIB, 1));
  const refused = copy(lab, "a", { key: "a", condition: { ifNoneMatch: "*" } });
  await expect(refused).rejects.toMatchObject({ code: "PreconditionFailed" });
  const absent = copy(lab, "a", { key: "b", condition: { ifMatch: "abc" } });
  await expect(absent).rejects.toMatchObject({ code: "NoSuchKey" });
  expect(lab.store.openReadings()).toBe(0);
});

test("a copy that is refused before its first byte is read lets go of the source", async () => {
  const clock = new HandClock();
  const lab = await givenStore({ clock });
  const { store, bucket, target } = lab;
  await lab.put("small", bytesOf(100, 1));
  await lab.put("large", bytesOf(MIB, 2));
  const upload = await store.createUpload(target("target"), OWNER, undefined);
  for (const disk of lab.disks) disk.setOffline(true);
  // What is known of the drives is no longer fresh.
  clock.nowMs += 1_000;
  for (const from of ["small", "large"]) {
    const refused = { code: "ServiceUnavailable" };
    const storageClass = "STANDARD_IA";
    await expect(copy(lab, from, { key: "b", storageClass })).rejects.toMatchObject(refused);
    const reading = await store.openObject(bucket, from);
    if (reading === undefined) throw new Error("no object");
    const source = { reading, start: 0, end: 100 };
    await expect(store.copyPart({ bucket, upload }, 1, source)).rejects.toMatchObject(refused);
  }
  expect(store.openReadings()).toBe(0);
});
