// The metadata made anew from shards alone: keys, bytes, headers and times are what they were; what is older gives way; what
// was never finished, or is lost, is told and brings nothing back.

import { expect, test } from "vitest";
import type { ShardName, ShardStore } from "../../../src/datanode/shard-store.ts";
import { readTail } from "../../../src/rebuild/read-tail.ts";
import { packedOf } from "../../support/pack-lab.ts";
import { givenRebuildLab, type RebuildLab } from "../../support/rebuild-lab.ts";
import {
  bodyOf,
  bytesOf,
  callsOf,
  HandClock,
  md5,
  OWNER,
  setIdOf,
} from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const PACKED = 40 * KIB;
const LARGE = 3 * MIB;

/** Comparing large buffers byte by byte takes the test runner very long. */
function digestOf(bytes: Buffer | undefined): string {
  return bytes === undefined ? "absent" : md5(bytes);
}

async function remove(
  store: RebuildLab["store"],
  bucket: RebuildLab["bucket"],
  key: string,
): Promise<void> {
  const request = { key, versionId: undefined, mayBypassGovernance: false };
  await store.deleteObjects(bucket, [request], OWNER.id);
}

test("brings packed and large objects back with what was said of them", async () => {
  const lab = await givenRebuildLab();
  const headers = { "content-type": "image/png", "x-odd": "a" };
  const userMetadata = { colour: "gold", __proto__x: "1" };
  const put = (key: string, sizeBytes: number, seed: number) =>
    lab.store.putObject(
      lab.target(key, { attributes: { headers, userMetadata } }),
      bodyOf(bytesOf(sizeBytes, seed)),
    );
  const before = [await put("packed/ä\u0000", PACKED, 1), await put("large", LARGE, 2)];
  const { tally, base, metadata, bucket, get } = await lab.rebuild();
  expect(base).toMatchObject({ source: "none", isWhole: false });
  expect(tally).toMatchObject({ objects: 2, buckets: 1, olderCopies: 0, unfinished: 0 });
  expect(tally.bytes).toBe(PACKED + LARGE);
  for (const object of before) {
    const found = await metadata.findObject(bucket.id, object.key);
    const { etag, sizeBytes, attributes, storageClass, modifiedAt } = object;
    expect(found).toMatchObject({ etag, sizeBytes, attributes, storageClass, modifiedAt });
  }
  expect(digestOf(await get("packed/ä\u0000"))).toBe(md5(bytesOf(PACKED, 1)));
  expect(digestOf(await get("large"))).toBe(md5(bytesOf(LARGE, 2)));
  expect((await metadata.findBucket("bucket"))?.objectCount).toBe(2);
  expect(await metadata.listDegradedSets(undefined, 10)).toEqual([]);
});

test("of several copies of a key the newest counts, and what was deleted is back", async () => {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  for (const seed of [1, 2, 3]) {
    clock.nowMs += 1_000;
    await lab.put("key", bytesOf(PACKED, seed));
    await lab.put("other", bytesOf(LARGE, seed));
  }
  await remove(lab.store, lab.bucket, "other");
  const { tally, get } = await lab.rebuild();
  expect(tally).toMatchObject({ objects: 2, olderCopies: 4 });
  expect(digestOf(await get("key"))).toBe(md5(bytesOf(PACKED, 3)));
  expect(digestOf(await get("other"))).toBe(md5(bytesOf(LARGE, 3)));
});

test("a store over what was made anew goes on: writes, overwrites, deletes", async () => {
  const lab = await givenRebuildLab();
  await lab.put("a", bytesOf(PACKED, 1));
  await lab.put("b", bytesOf(PACKED, 2));
  const { store, get, bucket, metadata } = await lab.rebuild();
  await store.putObject(lab.target("a", { bucket }), bodyOf(bytesOf(LARGE, 3)));
  await remove(store, bucket, "b");
  expect(digestOf(await get("a"))).toBe(md5(bytesOf(LARGE, 3)));
  expect(await get("b")).toBeUndefined();
  const verified = await store.verifyObjects({});
  expect(verified.findings).toMatchObject({ unreadable: 0 });
  expect((await metadata.listTrash(10)).length).toBe(1);
});

test("with two drives missing everything is back, and what they held is noted for repair", async () => {
  const lab = await givenRebuildLab();
  await lab.put("packed", bytesOf(PACKED, 1));
  const large = await lab.put("large", bytesOf(LARGE, 2));
  const { tally, get, metadata } = await lab.rebuild(lab.drives.slice(2));
  expect(tally.objects).toBe(2);
  expect(digestOf(await get("packed"))).toBe(md5(bytesOf(PACKED, 1)));
  expect(digestOf(await get("large"))).toBe(md5(bytesOf(LARGE, 2)));
  const degraded = await metadata.listDegradedSets(undefined, 10);
  expect(degraded.map(({ missing }) => missing.length)).toEqual([2, 2]);
  expect(degraded.map(({ id }) => id)).toContain(setIdOf(large));
});

test("too few shards are a loss that is told by name", async () => {
  const lab = await givenRebuildLab();
  await lab.put("packed", bytesOf(PACKED, 1));
  await lab.put("large", bytesOf(LARGE, 2));
  const { tally } = await lab.rebuildOnly(lab.drives.slice(3));
  expect(tally).toMatchObject({ objects: 0 });
  expect(tally.lost.count).toBe(2);
  expect(tally.lost.listed.join()).toContain("bucket/large");
});

test("multipart objects are back with their parts, the small last one among them", async () => {
  const lab = await givenRebuildLab();
  const { store, bucket, target } = lab;
  const attributes = { headers: { "content-type": "video/mp4" }, userMetadata: { a: "b" } };
  const upload = await store.createUpload(target("parts", { attributes }), OWNER, undefined);
  const bodies = [bytesOf(5 * MIB, 1), bytesOf(5 * MIB, 2), bytesOf(100, 3)];
  const parts: { number: number; etag: string; checksum: undefined }[] = [];
  for (const [index, bytes] of bodies.entries()) {
    const number = index * 2 + 1;
    const { etag } = await store.putPart({ bucket, upload }, number, bodyOf(bytes));
    parts.push({ number, etag, checksum: undefined });
  }
  await store.putPart({ bucket, upload }, 2, bodyOf(bytesOf(200, 4)));
  const open = await store.createUpload(target("open"), OWNER, undefined);
  await store.putPart({ bucket, upload: open }, 1, bodyOf(bytesOf(PACKED, 5)));
  const object = await store.completeUpload({
    bucket,
    key: "parts",
    uploadId: upload.uploadId,
    parts,
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });
  const rebuilt = await lab.rebuild();
  expect(rebuilt.tally).toMatchObject({ objects: 1, multipart: 1 });
  expect(rebuilt.tally.parts.count).toBe(1);
  const found = await rebuilt.metadata.findObject(rebuilt.bucket.id, "parts");
  expect(found).toMatchObject({
    etag: object.etag,
    sizeBytes: 10 * MIB + 100,
    attributes,
    content: { kind: "manifest", partCount: 3 },
  });
  expect(digestOf(await rebuilt.get("parts"))).toBe(md5(Buffer.concat(bodies)));
});

test("an upload whose completion was refused does not become the object", async () => {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  const { store, bucket, target } = lab;
  await lab.put("key", bytesOf(PACKED, 1));
  clock.nowMs += 1_000;
  const upload = await store.createUpload(target("key"), OWNER, undefined);
  const { etag } = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(PACKED, 2)));
  const completing = store.completeUpload({
    bucket,
    key: "key",
    uploadId: upload.uploadId,
    parts: [{ number: 1, etag, checksum: undefined }],
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: { ifNoneMatch: "*" },
  });
  await expect(completing).rejects.toMatchObject({ code: "PreconditionFailed" });
  const { tally, get } = await lab.rebuild();
  expect(tally.parts.count).toBe(1);
  expect(digestOf(await get("key"))).toBe(md5(bytesOf(PACKED, 1)));
});

test("where a bucket had versions, older copies of a key are its versions", async () => {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  await lab.put("key", bytesOf(PACKED, 1));
  await lab.metadata.setVersioning(lab.bucket.id, "enabled");
  const bucket = (await lab.metadata.findBucket("bucket")) ?? lab.bucket;
  for (const seed of [2, 3]) {
    clock.nowMs += 1_000;
    const tags = [{ key: "seed", value: String(seed) }];
    const target = lab.target("key", { bucket, tags });
    await lab.store.putObject(target, bodyOf(bytesOf(PACKED, seed)));
  }
  const { tally, metadata, bucket: anew, get } = await lab.rebuild();
  expect(tally).toMatchObject({ objects: 3, olderCopies: 0 });
  expect(anew.versioning).toBe("enabled");
  const query = { bucketId: anew.id, prefix: "", delimiter: "", keyMarker: undefined };
  const { entries } = await metadata.listVersions({
    ...query,
    versionIdMarker: undefined,
    limit: 10,
  });
  expect(entries.length).toBe(3);
  expect(digestOf(await get("key"))).toBe(md5(bytesOf(PACKED, 3)));
  expect((await metadata.findObject(anew.id, "key"))?.tags).toEqual([{ key: "seed", value: "3" }]);
});

test("what was never durable at the end of a pack does not hide what was before it", async () => {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  const first = await lab.put("key", bytesOf(PACKED, 1));
  clock.nowMs += 1_000;
  await lab.put("key", bytesOf(PACKED, 2));
  // As after a kill amid the second append: no footers, and of its blocks too few are what was written.
  const { set } = packedOf(first);
  const torn = lab.drives.map((drive, position) => cutShort(drive, set.id, position < 3));
  const { tally, get } = await lab.rebuild(torn);
  expect(tally).toMatchObject({ objects: 1, unfinished: 1 });
  expect(digestOf(await get("key"))).toBe(md5(bytesOf(PACKED, 1)));
});

/** Of the shards of a pack the footer is gone, and of the torn ones the last bytes of its data are zeros. */
function cutShort(drive: ShardStore, setId: string, isTorn: boolean): ShardStore {
  const endOf = async (name: ShardName): Promise<number> => {
    const size = await drive.size(name);
    if (name.setId !== setId) return size;
    const tail = await readTail(drive, name);
    return tail?.endOffset ?? size;
  };
  return {
    ...callsOf(drive),
    size: endOf,
    read: async (name, offset, target) => {
      await drive.read(name, offset, target);
      const from = Math.max((await endOf(name)) - 1_000 - offset, 0);
      if (isTorn && name.setId === setId) target.fill(0, Math.min(from, target.length));
    },
  };
}
