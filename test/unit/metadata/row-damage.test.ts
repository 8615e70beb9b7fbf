// A bit that flips in SQLite's pages, which have no checksums of their own, shows as a changed column. Each column of each
// row that leads to bytes is changed in turn, and the read of that key, and of no other, must fail; nothing that such a row
// names is released; the walk reports it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { UploadId } from "../../../src/core/ids.ts";
import { DamagedRowError } from "../../../src/metadata/damaged-row-error.ts";
import { applyWrite, type WriteRequest } from "../../../src/metadata/write-operations.ts";
import { BucketStates } from "../../../src/metadata/sqlite/bucket-states.ts";
import { Numbering } from "../../../src/metadata/sqlite/numbering.ts";
import { openForWriting } from "../../../src/metadata/sqlite/open-database.ts";
import { sqliteReads } from "../../../src/metadata/sqlite/sqlite-reads.ts";
import { sqliteWrites } from "../../../src/metadata/sqlite/sqlite-writes.ts";
import {
  OWNER,
  bucketInput,
  deleteRequest,
  inPack,
  inSet,
  inline,
  objectInput,
  partInput,
  setId,
  uploadInput,
} from "../../contract/metadata/inputs.ts";

const BUCKET = 1;
const ALL = { bucketId: undefined, prefix: "", after: undefined, limit: 100 };
const CHECKSUM = { algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAAAA==" } as const;

/** A bucket with objects of each kind, a completed upload and one in progress. */
function givenEngine() {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-damage-"));
  const database = openForWriting(join(folder, "metadata.db"));
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
  // Never committed: nothing here needs to be durable.
  database.exec("begin");
  const buckets = new BucketStates(database);
  const handlers = sqliteWrites(database, { numbering: new Numbering(database), buckets });
  const write = (request: WriteRequest) => {
    try {
      return applyWrite(handlers, request, 1);
    } finally {
      buckets.store();
    }
  };
  write({ name: "createBucket", input: bucketInput("bucket") });
  const full = {
    checksum: CHECKSUM,
    tags: [{ key: "k", value: "v" }],
    attributes: { headers: { "content-type": "text/plain" }, userMetadata: {} },
  };
  write({ name: "putObject", input: objectInput(BUCKET, "inline", full) });
  write({ name: "putObject", input: objectInput(BUCKET, "other") });
  for (const [key, content] of [
    ["set", inSet(1)],
    ["packed", inPack(2, 64)],
  ] as const) {
    write({ name: "putObject", input: objectInput(BUCKET, key, { ...full, content }) });
  }
  const manifestIds = ["completed", "begun"].map((id) => {
    const upload = uploadInput(BUCKET, id, { id });
    const manifestId = Number(write({ name: "createUpload", input: upload }));
    for (const number of [1, 2, 3]) {
      const content = number === 3 ? {} : { content: inPack(2, 100 * manifestId + number) };
      write({ name: "putPart", input: partInput(upload, number, content) });
    }
    return manifestId;
  });
  const [manifestId = 0, begunId = 0] = manifestIds;
  const reads = sqliteReads(database);
  const { parts } = reads.listParts(manifestId, 0, 9);
  const completed = { bucketId: BUCKET, key: "completed", uploadId: "completed" as UploadId };
  const rest = { sizeBytes: 30, etag: "whole", completedAt: 1, checksum: CHECKSUM };
  const named = parts.map(({ number, partId }) => ({ number, partId }));
  write({ name: "completeUpload", input: { ...completed, ...rest, parts: named } });
  return { database, reads, write, manifestId, begunId };
}

/** Changes one column of one row: a number by one bit, a text by its first character, null to a value. */
function damage(database: Database, table: string, column: string, where: string): void {
  const value = database.prepare(`select ${column} from ${table} where ${where}`).pluck().get();
  const changed = typeof value === "string" ? `~${value.slice(1)}` : Number(value ?? 4) ^ 1;
  const columns = database.pragma(`table_info(${table})`) as { name: string; type: string }[];
  const isText = columns.find(({ name }) => name === column)?.type === "TEXT";
  const bound = isText ? String(changed) : changed;
  database.prepare(`update ${table} set ${column} = ? where ${where}`).run(bound);
}

/** The name of the error that it ends with, if any. */
function attempt(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

const OBJECT_COLUMNS =
  "sequence version_id size_bytes etag modified_at owner_id storage_class checksum_algorithm checksum_type checksum_value data_id set_id manifest_id part_count tags attributes pack_offset acl encryption retention_mode retain_until legal_hold row_check";
const PART_COLUMNS =
  "id size_bytes etag uploaded_at data_id set_id checksums pack_offset encryption row_check";
const UPLOAD_COLUMNS =
  "initiated_at initiator_id owner_id storage_class checksum_algorithm checksum_type completed_etag completed_sequence tags attributes acl encryption retention_mode retain_until legal_hold completed_version_id row_check";
const SET_COLUMNS =
  "data_shards parity_shards unit_bytes layout_version header_bytes size_bytes row_check";

test.each(OBJECT_COLUMNS.split(" "))(
  "a changed %s of an object fails its reads and writes",
  (column) => {
    const { database, reads, write } = givenEngine();
    for (const key of ["inline", "set", "packed", "completed"]) {
      database.exec("savepoint intact");
      damage(database, "objects", column, `key = '${key}'`);
      expect(() => reads.findObject(BUCKET, key)).toThrow(DamagedRowError);
      expect(reads.findObject(BUCKET, "other")).toBeDefined();
      expect(reads.listObjects({ ...ALL, bucketId: BUCKET, delimiter: "" }).entries).toHaveLength(
        5,
      );

      const input = objectInput(BUCKET, key);
      expect(() => write({ name: "putObject", input })).toThrow(DamagedRowError);
      const marker = { ownerId: OWNER, now: 1 };
      const keys = { bucketId: BUCKET, requests: [deleteRequest(key)], marker };
      expect(() => write({ name: "deleteObjects", input: keys })).toThrow(DamagedRowError);
      const tags = { name: { bucketId: BUCKET, key, versionId: undefined }, tags: [] };
      expect(() => write({ name: "putObjectTags", input: tags })).toThrow(DamagedRowError);
      expect(reads.listTrash(9)).toEqual([]);

      const damaged = reads.walk(ALL).filter(({ isDamaged }) => isDamaged);
      expect(damaged).toMatchObject([{ kind: "object", position: { key }, content: undefined }]);
      database.exec("rollback to intact");
    }
  },
);

test.each(OBJECT_COLUMNS.split(" "))(
  "a changed %s of one of many objects fails the delete of all, and nothing of it is released",
  (column) => {
    const { database, reads, write } = givenEngine();
    const contents = [inline("a"), inline("b"), inPack(2, 4_096), inSet(3), inSet(4)];
    const attributes = { headers: { "content-type": "text/plain" }, userMetadata: {} };
    const change = { checksum: CHECKSUM, attributes };
    const keys = contents.map((content, nth) => {
      write({
        name: "putObject",
        input: objectInput(BUCKET, `plain-${nth}`, { ...change, content }),
      });
      return `plain-${nth}`;
    });
    const requests = keys.map((key) => deleteRequest(key));
    const input = { bucketId: BUCKET, requests, marker: { ownerId: OWNER, now: 1 } };
    for (const key of keys) {
      database.exec("savepoint intact");
      damage(database, "objects", column, `key = '${key}'`);
      const before = stateOf(database, key);
      expect(() => write({ name: "deleteObjects", input })).toThrow(DamagedRowError);
      expect(stateOf(database, key)).toEqual(before);
      database.exec("rollback to intact");
    }
    // The same without damage.
    write({ name: "deleteObjects", input });
    expect(keys.filter((key) => reads.findObject(BUCKET, key) !== undefined)).toEqual([]);
    expect(reads.listTrash(9).map((row) => row.setId)).toEqual([setId(3), setId(4)]);
  },
);

/** The row of a key, and whether the bytes are there that it names. */
function stateOf(database: Database, key: string) {
  const row = database.prepare("select * from objects where key = ?").get(key);
  const { data_id: dataId, set_id: id } = row as { data_id: number | null; set_id: string | null };
  const bytes = database.prepare("select bytes from inline_data where id = ?").get(dataId);
  const set = database.prepare("select * from shard_sets where id = ?").get(id);
  return { row, bytes, set };
}

test.each(`${OBJECT_COLUMNS} is_delete_marker noncurrent_since is_lone`.split(" "))(
  "a changed %s of an older version fails its reads and writes",
  (column) => {
    const { database, reads, write } = givenEngine();
    write({ name: "setVersioning", input: { bucketId: BUCKET, versioning: "enabled" } });
    for (const key of ["set", "packed", "completed"]) {
      write({ name: "putObject", input: objectInput(BUCKET, key) });
      database.exec("savepoint intact");
      damage(database, "versions", column, `key = '${key}'`);
      const name = { bucketId: BUCKET, key, versionId: "null" };
      // It is damaged, or not that version any more.
      const found = attempt(() => expect(reads.findVersion(name)).toBeUndefined());
      expect([undefined, "DamagedRowError"]).toContain(found);
      expect(reads.findObject(BUCKET, key)?.etag).toBe("etag-1");
      expect(reads.findObject(BUCKET, "other")).toBeDefined();
      const damaged = reads.walk(ALL).filter(({ isDamaged }) => isDamaged);
      expect(damaged).toMatchObject([{ position: { key }, content: undefined }]);
      // What it names stays, whatever is asked.
      const requests = [deleteRequest(key, { versionId: "null" })];
      const input = { bucketId: BUCKET, requests, marker: { ownerId: OWNER, now: 1 } };
      const deleted = attempt(() => write({ name: "deleteObjects", input }));
      expect([undefined, "DamagedRowError"]).toContain(deleted);
      expect(reads.listTrash(9)).toEqual([]);
      database.exec("rollback to intact");
    }
  },
);

test("an older version is no answer for a latest one that cannot be found", () => {
  const { database, reads, write } = givenEngine();
  write({ name: "setVersioning", input: { bucketId: BUCKET, versioning: "enabled" } });
  write({ name: "putObject", input: objectInput(BUCKET, "set") });
  database.prepare("update objects set key = 'sex' where key = 'set'").run();
  const name = { bucketId: BUCKET, key: "set", versionId: undefined };
  expect(() => reads.findVersion(name)).toThrow(DamagedRowError);
  expect(reads.findObject(BUCKET, "set")).toBeUndefined();
});

test.each(PART_COLUMNS.split(" "))("a changed %s of a part fails its reads", (column) => {
  const { database, reads, write, manifestId, begunId } = givenEngine();
  for (const id of [manifestId, begunId]) {
    damage(database, "parts", column, `manifest_id = ${id} and number = 2`);
    expect(() => reads.findPart(id, 2)).toThrow(DamagedRowError);
    expect(() => reads.listParts(id, 1, 9)).toThrow(DamagedRowError);
    expect(reads.listParts(id, 2, 9).parts).toHaveLength(1);
    expect(reads.findPart(id, 1)).toBeDefined();
  }
  expect(() => reads.findPartAt(manifestId, 15)).toThrow(DamagedRowError);
  const input = partInput(uploadInput(BUCKET, "begun", { id: "begun" }), 2);
  expect(() => write({ name: "putPart", input })).toThrow(DamagedRowError);
  const damaged = reads.walk(ALL).filter(({ isDamaged }) => isDamaged);
  expect(damaged.map(({ position: { key, detail } }) => [key, detail[1]])).toEqual([
    ["begun", 2],
    ["completed", 2],
  ]);
});

test.each(UPLOAD_COLUMNS.split(" "))("a changed %s of an upload fails its reads", (column) => {
  const { database, reads, write } = givenEngine();
  damage(database, "uploads", column, "upload_id = 'begun'");
  const name = { bucketId: BUCKET, key: "begun", uploadId: "begun" as UploadId };
  expect(() => reads.findUpload(BUCKET, "begun", name.uploadId)).toThrow(DamagedRowError);
  // What says that it is completed hides it from those that look for uploads in progress.
  if (column === "completed_sequence") return;
  expect(() => write({ name: "abortUpload", input: name })).toThrow(DamagedRowError);
});

test.each(SET_COLUMNS.split(" ").filter((column) => column !== "size_bytes"))(
  "nothing is added to a pack with a changed %s",
  (column) => {
    const { database, write } = givenEngine();
    damage(database, "shard_sets", column, `id = '${setId(2)}'`);
    const input = objectInput(BUCKET, "new", { content: inPack(2, 999) });
    expect(() => write({ name: "putObject", input })).toThrow(DamagedRowError);
  },
);

test.each(SET_COLUMNS.split(" "))("a changed %s of a set fails what names it", (column) => {
  const { database, reads } = givenEngine();
  damage(database, "shard_sets", column, `id = '${setId(1)}'`);
  expect(() => reads.findObject(BUCKET, "set")).toThrow(DamagedRowError);
  expect(reads.findObject(BUCKET, "packed")).toBeDefined();
  expect(reads.walk(ALL).filter(({ isDamaged }) => isDamaged)).toMatchObject([
    { position: { key: "set" }, content: undefined },
  ]);
});

test("a set that is named and not there is no geometry of nothing", () => {
  const { database, reads } = givenEngine();
  damage(database, "shard_sets", "id", `id = '${setId(2)}'`);
  expect(() => reads.findObject(BUCKET, "packed")).toThrow(DamagedRowError);
});

test.each(["start_offset", "number", "manifest_id"])(
  "a changed %s of a part's place is never another place",
  (column) => {
    const { database, reads, manifestId } = givenEngine();
    const placeOf = (offset: number): number | undefined => {
      try {
        return reads.findPartAt(manifestId, offset)?.startOffset;
      } catch (error) {
        if (error instanceof DamagedRowError) return undefined;
        throw error;
      }
    };
    const places = [0, 0, 10, 10, 20, 20];
    const offsets = [0, 9, 10, 19, 20, 29];
    expect(offsets.map(placeOf)).toEqual(places);
    const where = `manifest_id = ${manifestId} and start_offset = 10`;
    // To a number that is not taken.
    database.prepare(`update part_offsets set ${column} = ${column} + 7 where ${where}`).run();
    for (const [index, offset] of offsets.entries()) {
      expect([places[index], undefined]).toContain(placeOf(offset));
    }
    expect(placeOf(15)).toBeUndefined();
  },
);

test("inline bytes of another part do not go with a damaged manifest", () => {
  const { database, reads, write, begunId } = givenEngine();
  const other = reads.findObject(BUCKET, "other")?.content;
  if (other?.kind !== "inline") throw new Error("it is inline");
  const where = `manifest_id = ${begunId} and number = 3`;
  database.prepare(`update parts set data_id = ? where ${where}`).run(other.dataId);
  const name = { bucketId: BUCKET, key: "begun", uploadId: "begun" as UploadId };
  write({ name: "abortUpload", input: name });
  expect(reads.readInline(other.dataId)).toBeDefined();
});

test("rows that were written before there were checks are read and written", () => {
  const { database, reads, write } = givenEngine();
  for (const table of ["objects", "parts", "uploads", "shard_sets"]) {
    database.prepare(`update ${table} set row_check = null`).run();
  }
  // Nor packs.
  for (const table of ["objects", "parts"]) {
    database.prepare(`update ${table} set pack_offset = null`).run();
  }
  expect(reads.walk(ALL).filter(({ isDamaged }) => isDamaged)).toEqual([]);
  for (const key of ["inline", "set", "packed", "completed"]) {
    expect(reads.findObject(BUCKET, key)).toBeDefined();
    const name = { bucketId: BUCKET, key, versionId: undefined };
    write({ name: "putObjectTags", input: { name, tags: [] } });
  }
  const checks = database.prepare("select count(row_check) from objects").pluck();
  expect(checks.get()).toBe(4);
});
