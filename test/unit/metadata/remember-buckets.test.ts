// Rows of buckets are not read again while nothing is committed, and are read anew at once when something was, by whichever
// connection.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openForReading, openForWriting } from "../../../src/metadata/sqlite/open-database.ts";
import { objectReads } from "../../../src/metadata/sqlite/object-reads.ts";
import { rememberBuckets } from "../../../src/metadata/sqlite/remember-buckets.ts";

function givenDatabase() {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-buckets-"));
  const path = join(folder, "metadata.db");
  const writer = openForWriting(path);
  const reader = openForReading(path);
  onTestFinished(() => {
    reader.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });
  const { findBucket } = objectReads(openedFor(path));
  const counted = { reads: 0 };
  const findNow = rememberBuckets(reader, (name) => {
    counted.reads += 1;
    return findBucket(name);
  });
  /** As a request that came after all before it. */
  const find = async (name: string) => {
    await Promise.resolve();
    return findNow(name);
  };
  const versioning = (value: string) =>
    writer.prepare("update buckets set versioning = ? where name = 'one'").run(value);
  const insert = (name: string) =>
    writer
      .prepare(
        `insert into buckets (name, owner_id, region, created_at, versioning, settings_version, object_count, object_bytes)
          values (?, 'owner', 'eu', 1, 'off', 0, 0, 0)`,
      )
      .run(name);
  return { writer, find, findNow, counted, insert, versioning };
}

/** A connection that never remembers. */
function openedFor(path: string) {
  const database = openForWriting(path);
  onTestFinished(() => void database.close());
  return database;
}

test("a bucket is read once while nothing is committed", async () => {
  const { find, counted, insert } = givenDatabase();
  insert("one");
  for (let turn = 0; turn < 5; turn += 1) expect(await find("one")).toMatchObject({ name: "one" });
  expect(counted.reads).toBe(1);
});

test("what was committed is seen by the very next look, with no other read in between", async () => {
  const { writer, find, insert, versioning } = givenDatabase();
  expect(await find("one")).toBeUndefined();
  insert("one");
  for (const value of ["off", "enabled", "suspended", "enabled"]) {
    versioning(value);
    expect(await find("one")).toMatchObject({ versioning: value });
  }
  writer.prepare("delete from buckets").run();
  expect(await find("one")).toBeUndefined();
});

test("what is not committed yet is not seen, nor what was taken back", async () => {
  const { writer, find, insert, versioning } = givenDatabase();
  insert("one");
  writer.exec("begin immediate");
  versioning("enabled");
  expect(await find("one")).toMatchObject({ versioning: "off" });
  writer.exec("rollback");
  expect(await find("one")).toMatchObject({ versioning: "off" });
  writer.exec("begin immediate");
  versioning("suspended");
  expect(await find("one")).toMatchObject({ versioning: "off" });
  writer.exec("commit");
  expect(await find("one")).toMatchObject({ versioning: "suspended" });
});

test("requests that take the step side by side look once; who comes after them looks again", async () => {
  const { find, findNow, insert, versioning } = givenDatabase();
  insert("one");
  expect(findNow("one")).toMatchObject({ versioning: "off" });
  versioning("enabled");
  expect(findNow("one")).toMatchObject({ versioning: "off" });
  expect(await find("one")).toMatchObject({ versioning: "enabled" });
});

test("a connection that writes remembers nothing: it is not told of its own changes", () => {
  const { writer, insert, versioning } = givenDatabase();
  const { findBucket } = objectReads(writer);
  insert("one");
  expect(findBucket("one")).toMatchObject({ versioning: "off" });
  versioning("enabled");
  expect(findBucket("one")).toMatchObject({ versioning: "enabled" });
});
