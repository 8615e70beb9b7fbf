// What makes a commit durable is set and stays set; readers only read.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openForReading, openForWriting } from "../../../src/metadata/sqlite/open-database.ts";

const FULL = 2;

function givenPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-database-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "metadata.db");
}

test("commits are synchronous on a new database, on one opened again, and after writes", () => {
  const path = givenPath();
  for (const epoch of [1, 2, 3]) {
    const database = openForWriting(path);
    expect(database.pragma("synchronous", { simple: true })).toBe(FULL);
    database.exec("insert into settings values (random(), 'value')");
    expect(database.pragma("synchronous", { simple: true })).toBe(FULL);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(database.prepare("select epoch from state").pluck().get()).toBe(epoch);
    database.close();
  }
});

test("a reader sees what is committed, and cannot write", () => {
  const path = givenPath();
  const writer = openForWriting(path);
  const reader = openForReading(path);
  onTestFinished(() => {
    reader.close();
    writer.close();
  });
  const settings = reader.prepare("select count(*) from settings").pluck();
  writer.exec("begin; insert into settings values ('a', 'b')");
  expect(settings.get()).toBe(0);
  writer.exec("commit");
  expect(settings.get()).toBe(1);
  expect(() => reader.exec("delete from settings")).toThrow("readonly");
});

test("there is nothing to read before there is a writer", () => {
  expect(() => openForReading(givenPath())).toThrow("unable to open");
});
