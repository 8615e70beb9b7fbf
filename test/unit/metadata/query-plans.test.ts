// Every statement of the SQLite engine, by SQLite's own plan: none looks through a table that grows with the objects,
// and the walk's pages sort nothing that has no limit.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { DUE_READS } from "../../../src/metadata/sqlite/due-reads.ts";
import { BucketStates } from "../../../src/metadata/sqlite/bucket-states.ts";
import { Numbering } from "../../../src/metadata/sqlite/numbering.ts";
import { openForReading, openForWriting } from "../../../src/metadata/sqlite/open-database.ts";
import { PACK_READS } from "../../../src/metadata/sqlite/pack-reads.ts";
import { sqliteReads } from "../../../src/metadata/sqlite/sqlite-reads.ts";
import { sqliteWrites } from "../../../src/metadata/sqlite/sqlite-writes.ts";
import { VERSION_READS } from "../../../src/metadata/sqlite/version-reads.ts";
import { WALK_READS } from "../../../src/metadata/sqlite/walk-sources.ts";

function givenDatabases(): { readonly reader: Database; readonly writer: Database } {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-plans-"));
  const path = join(folder, "metadata.db");
  const writer = openForWriting(path);
  const reader = openForReading(path);
  onTestFinished(() => {
    reader.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });
  return { reader, writer };
}

/** The texts of all statements that are prepared while something runs. */
function textsOf(database: Database, run: () => void): readonly string[] {
  const texts: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (text: string) => {
    texts.push(text);
    return prepare(text);
  };
  run();
  database.prepare = prepare;
  return texts;
}

function planOf(database: Database, text: string): readonly string[] {
  const named = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, name]) => [name, 0]));
  const positional = [...text.matchAll(/\?/g)].map(() => 0);
  const plan = database.prepare<unknown[], { readonly detail: string }>(
    `explain query plan ${text}`,
  );
  const given = Object.keys(named).length > 0 ? [named] : positional;
  return plan.all(...given).map(({ detail }) => detail);
}

/** The rows of subqueries, which have found theirs by index. */
function isBounded(step: string): boolean {
  return /^SCAN (u|f|\(subquery-\d+\)|CONSTANT ROW)$/.test(step);
}

test("no statement looks through a table that grows with the objects", () => {
  const { reader, writer } = givenDatabases();
  const texts = [
    ...textsOf(writer, () =>
      sqliteWrites(writer, { numbering: new Numbering(writer), buckets: new BucketStates(writer) }),
    ),
    ...textsOf(reader, () => sqliteReads(reader)),
  ];
  const explained = texts
    // A reset empties whole tables, and the totals count their rows: that is their purpose.
    .filter((text) => !/^delete from \w+$|pack_state is not 'open'( order by id)?$/.test(text))
    .filter(
      (text) => !/^update shard_sets set reference_count = 0|count\(\*\) as buckets/.test(text),
    )
    .filter((text) => !/as trashedSets/.test(text));
  expect(explained.length).toBeGreaterThan(70);
  const scanned = explained
    .flatMap((text) => planOf(reader, text))
    .filter((step) => step.startsWith("SCAN ") && !isBounded(step));
  // What is left is what no object makes larger, or what has a limit; of packs there are few, each holds many objects.
  expect([...new Set(scanned)].toSorted()).toEqual([
    "SCAN buckets",
    // What a statement was given.
    "SCAN j VIRTUAL TABLE INDEX 1:",
    "SCAN json_each VIRTUAL TABLE INDEX 1:",
    "SCAN layouts",
    "SCAN processes",
    "SCAN shard_sets USING INDEX shard_sets_packs",
    "SCAN state",
  ]);
});

test("pages of the walk, of versions, of what is due and of packs come in the order of an index", () => {
  const { reader } = givenDatabases();
  const reads = [WALK_READS, PACK_READS, VERSION_READS, DUE_READS];
  for (const text of reads.flatMap((each) => Object.values(each))) {
    const sorting = planOf(reader, text).filter((step) => step.includes("TEMP B-TREE"));
    expect([text, sorting]).toEqual([text, []]);
  }
});

test("what is due, and the next version of a key, is sought by all that bounds it", () => {
  const { reader } = givenDatabases();
  const stepsOf = (text: string) =>
    planOf(reader, text).filter((step) => / o | versions/.test(step));
  expect(stepsOf(DUE_READS["current"] ?? "")).toEqual([
    "SEARCH o USING INDEX objects_by_time (bucket_id=? AND (modified_at,sequence)>(?,?) AND modified_at<?)",
  ]);
  expect(stepsOf(DUE_READS["marker"] ?? "")).toEqual([
    "SEARCH o USING INDEX versions_lone (bucket_id=? AND (modified_at,sequence)>(?,?) AND modified_at<?)",
  ]);
  expect(stepsOf(VERSION_READS.newest)[0]).toBe(
    "SEARCH o USING PRIMARY KEY (bucket_id=? AND key=?)",
  );
  expect(stepsOf(VERSION_READS.bySequence)[0]).toBe(
    "SEARCH o USING PRIMARY KEY (bucket_id=? AND key=? AND sequence=?)",
  );
});
