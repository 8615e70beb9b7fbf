// What the bytes of versions live through: noncurrent ones keep their shards, deleted ones go after the grace and not under
// a reader, copies bring old ones back, and a Complete is answered again when its version is no longer the latest.

import { expect, test } from "vitest";
import {
  bodyOf,
  bytesOf,
  collect,
  givenStore,
  HandClock,
  OWNER,
  setIdOf,
  type StoreLab,
} from "../../support/store-lab.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** In a set of its own, in a pack, and in the metadata. */
const SIZES = [700_000, 40_000, 100];

async function givenVersions(sizeBytes: number, packBytesMax = 0) {
  const clock = new HandClock();
  const lab = await givenStore({ clock, limits: { trashGraceMs: MINUTE_MS, packBytesMax } });
  await lab.store.setVersioning(lab.bucket, "enabled");
  const first = await lab.put("key", bytesOf(sizeBytes, 1));
  const second = await lab.put("key", bytesOf(sizeBytes, 2));
  return { ...lab, clock, first, second };
}

async function read({ store, bucket }: StoreLab, versionId?: string): Promise<Buffer | undefined> {
  const reading = await store.openObject(bucket, "key", versionId);
  return reading && collect(reading.read(0, reading.object.sizeBytes));
}

/** Lets everything go that may. */
async function emptyTrash({ store }: StoreLab, clock: HandClock): Promise<void> {
  await store.collectTrash();
  clock.nowMs += 10 * MINUTE_MS;
  await store.collectTrash();
}

async function removeVersion({ store, bucket }: StoreLab, versionId: string) {
  const request = { key: "key", versionId, mayBypassGovernance: false };
  return store.deleteObjects(bucket, [request], OWNER.id);
}

test.each(SIZES)(
  "of %i bytes both versions are read, also behind a delete marker",
  async (size) => {
    const lab = await givenVersions(size, 100_000);
    await deleteKeys(lab.store, lab.bucket, ["key"]);
    await emptyTrash(lab, lab.clock);
    expect(await read(lab)).toBeUndefined();
    expect((await read(lab, lab.first.versionId))?.equals(bytesOf(size, 1))).toBe(true);
    expect((await read(lab, lab.second.versionId))?.equals(bytesOf(size, 2))).toBe(true);
  },
);

test.each(SIZES)(
  "of %i bytes a version that is deleted while it is read is read to its end",
  async (size) => {
    const lab = await givenVersions(size);
    const { store, bucket, first, clock } = lab;
    const reading = await store.openObject(bucket, "key", first.versionId);
    await removeVersion(lab, first.versionId);
    await store.collectTrash();
    clock.nowMs += 10 * MINUTE_MS;
    await store.collectTrash();
    const bytes = await collect(reading?.read(0, size) ?? (async function* () {})());
    expect(bytes.equals(bytesOf(size, 1))).toBe(true);
    expect(await store.openObject(bucket, "key", first.versionId)).toBeUndefined();
    expect((await read(lab))?.equals(bytesOf(size, 2))).toBe(true);
  },
);

test("the shards of a deleted version go after the grace, and no others", async () => {
  const lab = await givenVersions(SIZES[0] ?? 0);
  const files = async (setId: string) =>
    (await lab.shardFiles()).filter((file) => file.includes(setId)).length;
  await removeVersion(lab, lab.second.versionId);
  await emptyTrash(lab, lab.clock);
  expect(await files(setIdOf(lab.second))).toBe(0);
  expect(await files(setIdOf(lab.first))).toBe(6);
  expect((await read(lab))?.equals(bytesOf(SIZES[0] ?? 0, 1))).toBe(true);
});

test("a copy of an old version shares its shards, which stay until both are gone", async () => {
  const lab = await givenVersions(SIZES[0] ?? 0);
  const { store, bucket, first } = lab;
  const reading = await store.openObject(bucket, "key", first.versionId);
  if (reading === undefined) throw new Error("the version is there");
  const copy = await store.copyObject({ bucket, reading }, lab.target("key"), undefined);
  expect(setIdOf(copy)).toBe(setIdOf(first));
  await removeVersion(lab, first.versionId);
  await emptyTrash(lab, lab.clock);
  expect((await read(lab))?.equals(bytesOf(SIZES[0] ?? 0, 1))).toBe(true);
  await removeVersion(lab, copy.versionId);
  await emptyTrash(lab, lab.clock);
  expect(await lab.shardFiles()).toHaveLength(6);
});

test("verify looks at noncurrent versions", async () => {
  const lab = await givenVersions(SIZES[0] ?? 0);
  const { disk, path } = await lab.shardOf(lab.first, 0);
  await disk.unlink(path);
  const report = await lab.store.verifyObjects({});
  expect(report).toMatchObject({ objects: 2, belowRedundancy: 1 });
  expect((await read(lab, lab.first.versionId))?.equals(bytesOf(SIZES[0] ?? 0, 1))).toBe(true);
});

test("a Complete that is repeated gets its version, even when a newer one stands on it", async () => {
  const lab = await givenVersions(100);
  const { store, bucket } = lab;
  const upload = await store.createUpload(lab.target("key"), OWNER, undefined);
  const part = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(100, 3)));
  const request = {
    bucket,
    key: "key",
    uploadId: upload.uploadId,
    parts: [{ number: 1, etag: part.etag, checksum: undefined }],
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  };
  const object = await store.completeUpload(request);
  await lab.put("key", bytesOf(100, 4));
  expect(await store.completeUpload(request)).toEqual(object);
  await removeVersion(lab, object.versionId);
  await expect(store.completeUpload(request)).rejects.toMatchObject({ code: "NoSuchUpload" });
});

const someBody = () => bodyOf(bytesOf(100, 1));

test("a retention keeps a version until its time has come, and not a moment longer", async () => {
  const clock = new HandClock();
  const { store, target } = await givenStore({ clock });
  const name = "locked";
  const bucket = await store.createBucket({
    name,
    owner: OWNER,
    region: "us-east-1",
    hasLock: true,
  });
  const defaultRetention = { mode: "COMPLIANCE", unit: "days", count: 1 } as const;
  await store.putBucketLock(bucket, { defaultRetention });
  const byDefault = await store.putObject(target("key", { bucket }), someBody());
  expect(byDefault.lock.retention).toEqual({ mode: "COMPLIANCE", until: clock.now() + DAY_MS });
  const until = clock.now() + 2 * DAY_MS;
  const lock = { retention: { mode: "GOVERNANCE", until } as const, legalHold: undefined };
  const own = await store.putObject(target("key", { bucket, lock }), someBody());

  const remove = async (versionId: string) => {
    const request = { key: "key", versionId, mayBypassGovernance: false };
    const [outcome] = await store.deleteObjects(bucket, [request], OWNER.id);
    return outcome?.kind;
  };
  clock.nowMs += DAY_MS - 1;
  expect(await remove(byDefault.versionId)).toBe("refused");
  clock.nowMs += 1;
  expect(await remove(byDefault.versionId)).toBe("deleted");
  expect(await remove(own.versionId)).toBe("refused");
  clock.nowMs += DAY_MS;
  expect(await remove(own.versionId)).toBe("deleted");
});
