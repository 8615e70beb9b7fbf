// Full drives: new bytes are refused, before their body, once only the reserve is left; what was there is read, listed,
// completed, aborted and deleted; and with the room that deletes make, writes go on.

import { expect, test } from "vitest";
import type { ShardStore, SpaceInfo } from "../../src/datanode/shard-store.ts";
import type { SimDriveOptions } from "../../src/disk/sim-drive.ts";
import type { NewObject } from "../../src/store/object-store.ts";
import {
  bodyOf,
  bytesOf,
  callsOf,
  givenStore,
  HandClock,
  OWNER,
  type LabOptions,
  type StoreLab,
} from "../support/store-lab.ts";
import { deleteKeys } from "../support/delete-keys.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const CAPACITY = 4 * MIB;
/** On six drives: a shard of a quarter of it, and 1.6 MiB less on each. */
const LARGE = 400 * KIB;
const FULL = { code: "InsufficientStorage", status: 507 };

/** Drives are asked so often that a test need only poll. */
function givenFillable(
  drive: (position: number) => Partial<SimDriveOptions>,
  options: LabOptions = {},
): Promise<StoreLab & { readonly clock: HandClock }> {
  const clock = new HandClock();
  const limits = { spaceEveryMs: 2, reserveShare: 0.1, ...options.limits };
  return givenStore({ ...options, clock, drive, limits }).then((lab) => ({ ...lab, clock }));
}

/** Puts until only the reserve is left, whatever was refused by the drives themselves on the way. */
async function fill(lab: StoreLab): Promise<readonly string[]> {
  const keys: string[] = [];
  const outcomes = new Set<string>();
  let refusedCount = 0;
  for (let index = 0; refusedCount < 20; index += 1) {
    const key = `fill-${String(index).padStart(4, "0")}`;
    const code = await lab.put(key, bytesOf(LARGE, index)).then(
      () => "",
      (error: { code: string }) => error.code,
    );
    if (code === "") keys.push(key);
    else outcomes.add(code);
    refusedCount = code === "" ? 0 : refusedCount + 1;
  }
  expect([...outcomes]).toEqual(["InsufficientStorage"]);
  await expect.poll(() => codeOfPut(lab, 1)).toBe("InsufficientStorage");
  return keys;
}

/** What becomes of a write, and whether its body was asked for. */
async function attempt(lab: StoreLab, sizeBytes: number) {
  let isAsked = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    isAsked = true;
    yield bytesOf(sizeBytes, 1);
  }
  const body = bodyOf(bytesOf(sizeBytes, 1), { chunks: chunks() });
  const code = await lab.store.putObject(lab.target("attempt"), body).then(
    () => "",
    (error: { code: string }) => error.code,
  );
  return { code, isAsked };
}

async function codeOfPut(lab: StoreLab, sizeBytes: number): Promise<string> {
  return (await attempt(lab, sizeBytes)).code;
}

async function empty(
  lab: StoreLab & { readonly clock: HandClock },
  keys: readonly string[],
): Promise<void> {
  await deleteKeys(lab.store, lab.bucket, keys);
  await lab.store.collectTrash();
  lab.clock.nowMs += 60_000;
  expect(await lab.store.collectTrash()).toMatchObject({ waitingCount: 0 });
}

const KINDS: Readonly<Record<string, Partial<SimDriveOptions>>> = {
  "F43 bytes": { capacityBytes: CAPACITY },
  "F44 inodes": { capacityInodes: 60 },
};

test.each(Object.entries(KINDS))(
  "%s: PUT, part and copy get 507 before the body; all else goes on; deletes make room",
  async (_, drive) => {
    const lab = await givenFillable(() => drive);
    const target = (key: string): NewObject => lab.target(key);
    await lab.put("inline", bytesOf(1_000, 1));
    const upload = await lab.store.createUpload(target("upload"), OWNER, undefined);
    const handle = { bucket: lab.bucket, upload };
    const part = await lab.store.putPart(handle, 1, bodyOf(bytesOf(LARGE, 3)));
    const keys = await fill(lab);
    expect(keys.length).toBeGreaterThan(5);
    const [first = "", second = ""] = keys;

    // Refused: whatever brings bytes, small ones included, and no byte of it is read.
    for (const sizeBytes of [0, 1_000, LARGE]) {
      expect(await attempt(lab, sizeBytes)).toEqual({ ...codeOf(FULL), isAsked: false });
    }
    const refusedPart = lab.store.putPart(handle, 2, bodyOf(bytesOf(LARGE, 3)));
    await expect(refusedPart).rejects.toMatchObject(FULL);
    await expect(copy(lab, "inline", "copy", "STANDARD")).rejects.toMatchObject(FULL);
    await expect(copy(lab, first, "copy", "REDUCED_REDUNDANCY")).rejects.toMatchObject(FULL);

    // Goes on: reading, listing, sharing, metadata, uploads' ends.
    expect((await lab.get(first)).equals(bytesOf(LARGE, 0))).toBe(true);
    const query = { bucketId: lab.bucket.id, prefix: "", delimiter: "", after: undefined };
    const { entries } = await lab.store.listObjects({ ...query, limit: 1_000 });
    expect(entries).toHaveLength(keys.length + 1);
    await copy(lab, first, "shared", "STANDARD");
    await lab.store.putObjectTags({ bucket: lab.bucket, key: second, versionId: undefined }, [
      { key: "a", value: "b" },
    ]);
    const other = await lab.store.createUpload(target("other"), OWNER, undefined);
    await lab.store.abortUpload(lab.bucket, "other", other.uploadId);
    await lab.store.completeUpload({
      bucket: lab.bucket,
      key: "upload",
      uploadId: upload.uploadId,
      parts: [{ number: 1, etag: part.etag, checksum: undefined }],
      checksum: undefined,
      checksumType: undefined,
      expectedBytes: undefined,
      condition: undefined,
    });
    expect((await lab.get("upload")).equals(bytesOf(LARGE, 3))).toBe(true);

    await empty(lab, keys.slice(1));
    await expect.poll(() => codeOfPut(lab, LARGE)).toBe("");
    expect((await lab.get("shared")).equals(bytesOf(LARGE, 0))).toBe(true);
  },
);

test("F43 one full drive gets no new shards and its shard is named; a second one: 507", async () => {
  const lab = await givenFillable((position) =>
    position < 2 ? { capacityBytes: (position + 1) * MIB } : {},
  );
  let count = 0;
  const missing = async (): Promise<number> => {
    count += 1;
    const { content } = await lab.put(`key-${count}`, bytesOf(LARGE, count));
    return content.kind === "set" ? content.set.missing.length : 0;
  };
  await expect.poll(missing, { timeout: 15_000 }).toBe(1);
  const created = lab.disks[0]?.inject({ calls: ["create"], effect: { kind: "hang" } });
  // It is not even asked: a call would hang until its deadline, and set the drive aside.
  expect(await missing()).toBe(1);
  expect(lab.store.awayCount()).toBe(0);
  created?.();
  for (let index = 1; index <= count; index += 1) {
    expect((await lab.get(`key-${index}`)).equals(bytesOf(LARGE, index))).toBe(true);
  }

  await expect
    .poll(() => missing().then(String, (error: { code: string }) => error.code))
    .toBe("InsufficientStorage");
  await expect.poll(() => codeOfPut(lab, 1)).toBe("InsufficientStorage");
});

test("a full drive beside one that is away: 503, since the one may be back in a moment", async () => {
  const lab = await givenFillable((position) => (position === 0 ? { capacityBytes: MIB } : {}));
  const put = () => lab.put("key", bytesOf(LARGE, 1)).then(({ content }) => content);
  await expect
    .poll(put, { timeout: 15_000 })
    .toMatchObject({ set: { missing: [expect.any(Number)] } });
  lab.disks[1]?.setOffline(true);
  lab.clock.nowMs += 1_000;
  for (const sizeBytes of [1_000, LARGE]) {
    expect(await attempt(lab, sizeBytes)).toEqual({ code: "ServiceUnavailable", isAsked: false });
  }
});

test("F45 the metadata's own disk full: 507 for new bytes, though the drives have room", async () => {
  const space = { freeBytes: 31 * MIB, totalBytes: GIB, freeInodes: 10, totalInodes: 10 };
  let left: SpaceInfo = space;
  const lab = await givenFillable(() => ({}), {
    metadataSpace: async () => left,
    limits: { reserveShare: 0.01 },
  });
  await expect.poll(() => attempt(lab, 1_000)).toEqual({ ...codeOf(FULL), isAsked: false });
  await deleteKeys(lab.store, lab.bucket, ["any"]);
  left = { ...space, freeBytes: 40 * MIB };
  await expect.poll(() => codeOfPut(lab, 1_000)).toBe("");
});

// The default: one in a hundred, of bytes and of inodes, at most 2 GiB and 10,000 inodes.
test.each([
  ["a small disk with room", { freeBytes: 11 * MIB, totalBytes: GIB }, ""],
  ["a small disk without", { freeBytes: 10 * MIB, totalBytes: GIB }, "InsufficientStorage"],
  ["a tiny one", { freeBytes: 100 * KIB, totalBytes: 8 * MIB }, ""],
  ["a large one with room", { freeBytes: 2 * GIB, totalBytes: 4_000 * GIB }, ""],
  ["a large one without", { freeBytes: 2 * GIB - 1, totalBytes: 4_000 * GIB }, FULL.code],
  ["few inodes", { freeBytes: GIB, totalBytes: GIB, freeInodes: 2, totalInodes: 300 }, FULL.code],
  ["some", { freeBytes: GIB, totalBytes: GIB, freeInodes: 3, totalInodes: 300 }, ""],
  ["many", { freeBytes: GIB, totalBytes: GIB, freeInodes: 10_000, totalInodes: 9 * MIB }, ""],
  ["a file system that tells nothing", { freeBytes: 0, totalBytes: 0 }, ""],
])("the default reserve: %s", async (_, space, code) => {
  const whole = { freeInodes: undefined, totalInodes: undefined, ...space };
  const wrap = (drive: ShardStore) => ({ ...callsOf(drive), space: async () => whole });
  const lab = await givenStore({ wrap });
  expect(await codeOfPut(lab, 1)).toBe(code);
});

// SQLite's log and what it owes the database: 32 MiB, but no more than a fourth of a tiny disk.
test.each([
  ["a small disk with room", { freeBytes: 32 * MIB, totalBytes: GIB }, ""],
  ["a small disk without", { freeBytes: 32 * MIB - 1, totalBytes: GIB }, FULL.code],
  ["a tiny one with room", { freeBytes: 2 * MIB, totalBytes: 8 * MIB }, ""],
  ["a tiny one without", { freeBytes: 2 * MIB - 1, totalBytes: 8 * MIB }, FULL.code],
  ["a larger one", { freeBytes: 999 * MIB, totalBytes: 100 * 1_000 * MIB }, FULL.code],
])("the default reserve for metadata: %s", async (_, space, code) => {
  const whole = { freeInodes: undefined, totalInodes: undefined, ...space };
  const lab = await givenStore({ metadataSpace: async () => whole });
  expect(await codeOfPut(lab, 1)).toBe(code);
});

function codeOf({ code }: { readonly code: string }) {
  return { code };
}

async function copy(lab: StoreLab, from: string, to: string, storageClass: string) {
  const reading = await lab.store.openObject(lab.bucket, from);
  if (reading === undefined) throw new Error(`no object ${from}`);
  const source = { bucket: lab.bucket, reading };
  return lab.store.copyObject(source, lab.target(to, { storageClass }), undefined);
}
