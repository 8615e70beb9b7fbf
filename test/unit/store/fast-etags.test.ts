// ETags that are no MD5: for what is large, where nobody sent an MD5 to compare with; all else is as without the setting.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { masterKeyOf, MasterKeys } from "../../../src/store/encryption/master-keys.ts";
import { bodyOf, bytesOf, givenStore, md5, OWNER } from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** What S3's ETags of objects in parts look like, which no client compares with an MD5. */
const OPAQUE = /^[0-9a-f]{32}-1$/;

const givenFast = () =>
  givenStore({
    hasFastEtags: true,
    limits: { packBytesMax: MIB },
    keys: new MasterKeys([masterKeyOf(randomBytes(32))]),
  });

test("what is large has an ETag that no client takes for an MD5, another one each time, and is verified by its blocks", async () => {
  const lab = await givenFast();
  const bytes = bytesOf(3 * MIB, 1);
  const [first, second] = [await lab.put("key", bytes), await lab.put("key", bytes)];
  expect(first.etag).toMatch(OPAQUE);
  expect(second.etag).toMatch(OPAQUE);
  expect(second.etag).not.toBe(first.etag);
  expect((await lab.get("key")).equals(bytes)).toBe(true);
  const { findings } = await lab.store.verifyObjects({});
  expect(findings).toEqual(await noFindings());
});

test.each([
  ["what lies in the metadata", 10 * KIB],
  ["what lies in a pack", MIB],
])("%s has its MD5", async (_what, sizeBytes) => {
  const lab = await givenFast();
  const bytes = bytesOf(sizeBytes, 1);
  expect((await lab.put("key", bytes)).etag).toBe(md5(bytes));
});

test("where the client sent an MD5 it is compared, and is the ETag; so it is of bytes of unknown length", async () => {
  const lab = await givenFast();
  const bytes = bytesOf(2 * MIB, 1);
  const expectedMd5 = md5(bytes);
  expect((await lab.put("key", bytes, { expectedMd5 })).etag).toBe(expectedMd5);
  expect((await lab.put("key", bytes, { sizeBytes: undefined })).etag).toBe(expectedMd5);
  const wrong = lab.put("key", bytes, { expectedMd5: md5(Buffer.from("else")) });
  await expect(wrong).rejects.toMatchObject({ code: "BadDigest" });
});

test("without the setting all is an MD5", async () => {
  const lab = await givenStore({ limits: { packBytesMax: MIB } });
  const bytes = bytesOf(2 * MIB, 1);
  expect((await lab.put("key", bytes)).etag).toBe(md5(bytes));
});

test("sealed with a key of the store's own, too, and verified by the digest of what is stored", async () => {
  const lab = await givenFast();
  const bytes = bytesOf(2 * MIB, 1);
  const target = lab.target("key", { encryption: { kind: "managed" } });
  const object = await lab.store.putObject(target, bodyOf(bytes));
  expect(object.etag).toMatch(OPAQUE);
  const { findings } = await lab.store.verifyObjects({});
  expect(findings).toEqual(await noFindings());
});

test("parts, too: they are completed by what was answered, and once more by the same", async () => {
  const lab = await givenFast();
  const { bucket, store } = lab;
  const upload = await store.createUpload(lab.target("key"), OWNER, undefined);
  const pieces = [bytesOf(5 * MIB, 1), bytesOf(2 * MIB, 2), bytesOf(100, 3)];
  const parts = [];
  for (const [index, bytes] of pieces.entries()) {
    const body = bodyOf(bytes, index === 1 ? { expectedMd5: md5(bytes) } : {});
    const number = index + 1;
    const { etag } = await store.putPart({ bucket, upload }, number, body);
    parts.push({ number, etag, checksum: undefined });
  }
  expect(parts[0]?.etag).toMatch(OPAQUE);
  expect(parts.slice(1).map(({ etag }) => etag)).toEqual(pieces.slice(1).map(md5));
  const request = {
    bucket,
    key: "key",
    uploadId: upload.uploadId,
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  };
  const chosen = parts.filter(({ number }) => number !== 2);
  const object = await store.completeUpload({ ...request, parts: chosen });
  expect(object.etag).toMatch(/^[0-9a-f]{32}-2$/);
  const again = await store.completeUpload({ ...request, parts: chosen });
  expect(again.etag).toBe(object.etag);
  const other = chosen.map((part) => ({ ...part, etag: md5(Buffer.from("else")) }));
  const wrong = store.completeUpload({ ...request, parts: other });
  await expect(wrong).rejects.toMatchObject({ code: "NoSuchUpload" });
  expect((await lab.get("key")).length).toBe(5 * MIB + 100);
});

/** What verification says of a store in which nothing is wrong. */
async function noFindings() {
  const lab = await givenStore();
  return (await lab.store.verifyObjects({})).findings;
}
