// The metadata made anew from the drives where there is some to begin with: what that let go of does not come back, what it
// did not know of does, and what compaction has moved since is found. And what was refused is nobody's.

import { expect, test } from "vitest";
import { S3Error } from "../../../src/core/s3-error.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { CLOCK_JOB } from "../../../src/metadata/sqlite/rebuild/play-until.ts";
import { ClaimStage } from "../../../src/metadata/sqlite/rebuild/claim-stage.ts";
import { DraftDatabase } from "../../../src/metadata/sqlite/rebuild/draft-database.ts";
import { findMoved } from "../../../src/rebuild/find-moved.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import { packedOf } from "../../support/pack-lab.ts";
import { givenRebuildLab, type Rebuilt, type RebuildLab } from "../../support/rebuild-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { openSqliteInProcess } from "../../support/sqlite-in-process.ts";
import { bodyOf, bytesOf, HandClock, md5, OWNER } from "../../support/store-lab.ts";

const PACKED = 40 * 1024;
const MINUTE = 60_000;

function put(lab: RebuildLab, { store, bucket }: Rebuilt, key: string, seed: number) {
  return store.putObject(lab.target(key, { bucket }), bodyOf(bytesOf(PACKED, seed)));
}

async function digest({ get }: Rebuilt, key: string): Promise<string> {
  const bytes = await get(key);
  return bytes === undefined ? "absent" : md5(bytes);
}

/** A store over SQLite, whose metadata can be kept. */
async function givenLife() {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  await lab.put("first", bytesOf(PACKED, 0));
  const life = await lab.rebuild();
  return { clock, lab, life };
}

test("of a pack that was growing, what the base had deleted stays deleted, and what came later is there", async () => {
  const { clock, lab, life } = await givenLife();
  const kept = await put(lab, life, "kept", 1);
  const gone = await put(lab, life, "gone", 2);
  expect(packedOf(gone).set.id).toBe(packedOf(kept).set.id);
  await deleteKeys(life.store, life.bucket, ["gone"]);
  clock.nowMs += 2 * MINUTE;
  await life.metadata.putProgress(CLOCK_JOB, String(clock.nowMs));
  life.keep();
  clock.nowMs += 1_000;
  const later = await put(lab, life, "later", 3);
  expect(packedOf(later).set.id).toBe(packedOf(kept).set.id);

  const rebuilt = await lab.rebuild();
  expect(rebuilt.base.source).toBe("database");
  expect(await digest(rebuilt, "gone")).toBe("absent");
  expect(await digest(rebuilt, "kept")).toBe(md5(bytesOf(PACKED, 1)));
  expect(await digest(rebuilt, "later")).toBe(md5(bytesOf(PACKED, 3)));
  expect(rebuilt.tally).toMatchObject({ objects: 1, claims: 1 });
});

test("of a pack that was growing, what was under way before the last that was named is not lost", async () => {
  const { clock, lab, life } = await givenLife();
  const slow = await put(lab, life, "slow", 1);
  const quick = await put(lab, life, "quick", 2);
  expect(packedOf(slow).offset).toBeLessThan(packedOf(quick).offset);
  clock.nowMs += 1_000;
  // As if the change that names it had come after the base.
  await deleteKeys(life.store, life.bucket, ["slow"]);
  life.keep();
  const rebuilt = await lab.rebuild();
  expect(await digest(rebuilt, "slow")).toBe(md5(bytesOf(PACKED, 1)));
  expect(await digest(rebuilt, "quick")).toBe(md5(bytesOf(PACKED, 2)));
});

/** Three objects and one of a part are kept; then one is deleted, and the pack emptied by compaction. */
async function givenMoves() {
  const { clock, lab, life } = await givenLife();
  const { store, bucket } = life;
  for (const [seed, key] of ["a", "b", "c"].entries()) await put(lab, life, key, seed);
  const upload = await store.createUpload(lab.target("parts", { bucket }), OWNER, undefined);
  const { etag } = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(PACKED, 9)));
  const request = { bucket, key: "parts", uploadId: upload.uploadId, condition: undefined };
  const checks = { checksum: undefined, checksumType: undefined, expectedBytes: undefined };
  const parts = [{ number: 1, etag, checksum: undefined }];
  await store.completeUpload({ ...request, ...checks, parts });
  const path = life.keep();
  clock.nowMs += 2 * MINUTE;
  await deleteKeys(store, bucket, ["b"]);
  const { movedCount } = await store.compactPacks({ deadShareMin: 0.000_001, sealsOpen: true });
  expect(movedCount).toBeGreaterThan(3);
  await store.collectTrash();
  clock.nowMs += 2 * MINUTE;
  await store.collectTrash();
  return { lab, life, path };
}

const STILL_THERE = [
  ["a", 0],
  ["c", 2],
  ["parts", 9],
] as const;

test("what compaction has moved since the base is found where it is now", async () => {
  const { lab } = await givenMoves();
  const rebuilt = await lab.rebuild();
  for (const [key, seed] of STILL_THERE) {
    expect(await digest(rebuilt, key), key).toBe(md5(bytesOf(PACKED, seed)));
  }
  // a, c, the part, and the record of the completion.
  expect(rebuilt.tally).toMatchObject({ moved: 4, objects: 0 });
  const verified = await rebuilt.store.verifyObjects({});
  // The base does not know that b was deleted, and its bytes are gone.
  expect(verified.findings).toMatchObject({ unreadable: 1 });
});

test("so it is where the metadata is put back as it was, without what came later", async () => {
  const { lab, life, path } = await givenMoves();
  await put(lab, life, "later", 5);
  await life.store.close();
  const draft = new DraftDatabase(path);
  const stage = new ClaimStage(`${path}.claims`);
  const { drives, clock } = lab;
  const options = { drives, clusterId: "cluster", draft, stage, nowMs: clock.now() };
  const moved = await findMoved({ ...options, onProgress: () => undefined });
  stage.close();
  await draft.finish();
  expect(moved).toBe(4);
  const metadata = openSqliteInProcess(path, () => clock.now());
  const store = await reopenStore({ ...lab, metadata });
  const bucket = (await metadata.findBucket("bucket")) ?? life.bucket;
  const { findings } = await store.verifyObjects({});
  expect(findings).toMatchObject({ unreadable: 1 });
  expect(await metadata.findObject(bucket.id, "later")).toBeUndefined();
  expect(bucket.objectCount).toBe(5);
});

const refusing = async (): Promise<never> => {
  throw new S3Error("PreconditionFailed");
};

test("what was refused after it was durable does not become the object", async () => {
  const clock = new HandClock();
  let refuses = false;
  const wrapMetadata = (metadata: MetadataStore): MetadataStore =>
    new Proxy(metadata, {
      get: (target, name) => {
        const isWrite = name === "putObject" || name === "completeUpload";
        if (refuses && isWrite) return refusing;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const lab = await givenRebuildLab({ clock, wrapMetadata });
  const { store, bucket, target } = lab;
  await lab.put("key", bytesOf(PACKED, 1));
  const upload = await store.createUpload(target("key"), OWNER, undefined);
  const { etag } = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(PACKED, 3)));
  clock.nowMs += 1_000;
  refuses = true;
  await expect(lab.put("key", bytesOf(PACKED, 2))).rejects.toThrow(/pre-conditions/);
  const request = { bucket, key: "key", uploadId: upload.uploadId, condition: undefined };
  const checks = { checksum: undefined, checksumType: undefined, expectedBytes: undefined };
  const parts = [{ number: 1, etag, checksum: undefined }];
  await expect(store.completeUpload({ ...request, ...checks, parts })).rejects.toThrow(
    /pre-conditions/,
  );
  const rebuilt = await lab.rebuild();
  expect(rebuilt.tally.olderCopies).toBe(0);
  expect(rebuilt.tally.parts.count).toBe(1);
  expect(await digest(rebuilt, "key")).toBe(md5(bytesOf(PACKED, 1)));
});
