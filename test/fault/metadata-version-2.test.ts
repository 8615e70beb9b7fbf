// F15: what schema version 2 wrote, be it the database or its copies on the members alone, is read by this one, migrated,
// and gone on with. The fixture is a folder that the program of that version left: metadata.db and three drives.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { DriveId, UploadId } from "../../src/core/ids.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { openMemberedMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import { MIGRATIONS } from "../../src/metadata/sqlite/schema.ts";
import {
  deleteKeys,
  inSet,
  listedVersions,
  objectInput,
  setId,
  trashedIds,
  versionsQuery,
} from "../contract/metadata/inputs.ts";

const FIXTURE = new URL("../fixtures/metadata-version-2.json.gz", import.meta.url);
const CLUSTER = "0f0e0d0c-0b0a-4908-8706-050403020100";
const FAST_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const DRIVES = [0, 1, 2].map((slot) => `0000000${slot}-0000-4000-8000-00000000000${slot}`);

async function givenOldFolder(): Promise<string> {
  const base = await mkdtemp(join(FAST_FOLDER, "kintsugi-version-2-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const files = JSON.parse(gunzipSync(await readFile(FIXTURE)).toString()) as Record<
    string,
    string
  >;
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(base, path)), { recursive: true });
    await writeFile(join(base, path), Buffer.from(bytes, "base64"));
  }
  return base;
}

async function opened(base: string, folder: string): Promise<MetadataStore> {
  const drives = DRIVES.map((id) => id as DriveId);
  const { metadata } = await openMemberedMetadata({
    folder: join(base, folder),
    plan: {
      specs: drives.map((driveId, slot) => ({
        kind: "folder",
        driveId,
        path: join(base, `drive-${slot}`),
      })),
      drives,
      toleratedCount: 1,
      owner: "00000000000000bb",
      clusterId: CLUSTER,
      acceptLoss: false,
    },
    onLog: () => undefined,
    onFenced: (words) => expect.fail(words),
  });
  return metadata;
}

/** All that version 2 wrote; resolves to the bucket's id. */
async function expectOldContents(store: MetadataStore): Promise<number> {
  const bucket = await store.findBucket("bucket");
  expect(bucket).toMatchObject({ versioning: "off", lock: undefined, quotaBytes: undefined });
  const bucketId = bucket?.id ?? 0;
  expect(bucket).toMatchObject({ objectCount: 4, objectBytes: 9 + 5 + 5 + 20 });
  expect(await store.findBucketConfig(bucketId, "tagging")).toBe("a document");
  const nothing = { acl: undefined, encryption: undefined };
  const unlocked = { lock: { retention: undefined, legalHold: undefined } };
  for (const [key, kind] of [
    ["inline", "inline"],
    ["set", "set"],
    ["packed", "packed"],
    ["completed", "manifest"],
  ]) {
    const object = await store.findObject(bucketId, key ?? "");
    expect(object).toMatchObject({ versionId: "null", ...nothing, ...unlocked, content: { kind } });
    expect(object?.attributes.userMetadata).toEqual({ a: "b" });
  }
  expect((await store.findObject(bucketId, "set"))?.tags).toEqual([{ key: "changed", value: "v" }]);
  const completed = await store.findUpload(bucketId, "completed", "completed" as UploadId);
  expect(completed?.completed).toMatchObject({ etag: "whole-2", versionId: "null" });
  expect((await store.listParts(completed?.manifestId ?? 0, 0, 9)).parts).toHaveLength(2);
  const begun = await store.findUpload(bucketId, "begun", "begun" as UploadId);
  expect(begun).toMatchObject({ ...nothing, lock: { retention: undefined } });
  const all = { bucketId: undefined, prefix: "", after: undefined, limit: 100 };
  const entries = await store.walk(all);
  expect(entries).toHaveLength(7);
  expect(entries.some(({ isDamaged }) => isDamaged)).toBe(false);
  expect(await trashedIds(store)).toEqual([setId(3)]);
  return bucketId;
}

test.each(["metadata", "another"])(
  "F15 what version 2 wrote is gone on with, from the folder %s and from the members after it",
  async (folder) => {
    const base = await givenOldFolder();
    const store = await opened(base, folder);
    const bucketId = await expectOldContents(store);

    // Old rows are changed, kept as versions and removed like any others.
    await store.setVersioning(bucketId, "enabled");
    const tags = [{ key: "new", value: "" }];
    await store.putObjectTags({ bucketId, key: "packed", versionId: undefined }, tags);
    for (const key of ["inline", "set", "completed"]) {
      await store.putObject(
        objectInput(bucketId, key, { etag: "later", content: inSet(key.length) }),
      );
    }
    await deleteKeys(store, bucketId, ["packed"]);
    const query = versionsQuery(bucketId, { prefix: "s" });
    expect(await listedVersions(store, query)).toEqual(["set* later", "set etag-1"]);
    const older = await store.findVersion({ bucketId, key: "packed", versionId: "null" });
    expect(older).toMatchObject({ kind: "object", object: { tags }, isLatest: false });
    await store.close();

    const again = await opened(base, "third");
    expect(await again.walk({ bucketId, prefix: "", after: undefined, limit: 100 })).toHaveLength(
      11,
    );
    expect(await listedVersions(again, query)).toEqual(["set* later", "set etag-1"]);
    await again.close();
    expect(tablesOf(join(base, "third"))).toEqual(tablesOf(join(base, folder)));
  },
);

/** Every row of every table but `state`, which says of the file itself. */
function tablesOf(folder: string): ReadonlyMap<string, readonly unknown[]> {
  const database = new Database(join(folder, "metadata.db"), { readonly: true });
  try {
    expect(database.pragma("user_version", { simple: true })).toBe(MIGRATIONS.length);
    const names = database
      .prepare<[], string>(
        "select name from sqlite_schema where type = 'table' and name <> 'state'",
      )
      .pluck()
      .all();
    return new Map(names.map((name) => [name, database.prepare(`select * from ${name}`).all()]));
  } finally {
    database.close();
  }
}
