// The comparison of a database that has rotted with one that has not: found by the laboratory's flips.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { compareDatabases } from "../../../src/metadata/sqlite/compare-databases.ts";

const PAGE_BYTES = 4_096;

test("a table that cannot be read to its end is a difference, and the others are compared all the same", () => {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-compare-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [sound, standing] = [join(folder, "sound.db"), join(folder, "standing.db")];
  const database = new Database(sound);
  database.pragma("synchronous = off");
  for (const name of ["first", "second"]) {
    database.exec(`create table ${name} (id integer primary key, bytes blob)`);
    const insert = database.prepare(`insert into ${name} values (?, ?)`);
    for (let id = 1; id <= 200; id += 1) insert.run(id, Buffer.alloc(200, id));
  }
  database.close();
  copyFileSync(sound, standing);
  // A leaf of the first table: its page no longer says what kind it is.
  const bytes = readFileSync(standing);
  bytes.fill(0xff, 5 * PAGE_BYTES, 5 * PAGE_BYTES + 8);
  writeFileSync(standing, bytes);

  const [left, right] = [standing, sound].map((path) => new Database(path, { readonly: true }));
  if (left === undefined || right === undefined) throw new Error("two databases were opened");
  const { differences, differenceCount } = compareDatabases(left, right);
  expect(differenceCount).toBeGreaterThan(0);
  expect(differences.filter(({ key }) => key === undefined).length).toBeGreaterThan(0);
  left.close();
  right.close();
});
