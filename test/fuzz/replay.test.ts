// What the members hold is all there is: after random operations a database made anew from their records alone is, table
// by table and row by row, the one that took the operations. Replay with SEED=...; RUNS=... makes it longer.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { openMemoryMetadata } from "../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { stepsArbitrary } from "./metadata-draws.ts";
import { formatMembers } from "../support/member-folders.ts";
import { openOn } from "./metadata-members.ts";
import { beginAnew, MetadataScript, type Action } from "./metadata-script.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["RUNS"] ?? 15);
/** They differ from file to file by what they are: which epoch the file was opened in, and where its chain ends. */
const OWN_COLUMNS = new Set(["epoch", "chain_epoch", "chain_sequence", "chain_digest"]);

test(`records alone make the same database (seed ${seed})`, { timeout: 120_000 }, async () => {
  const base = await mkdtemp(join(tmpdir(), "kintsugi-replay-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const { specs } = await formatMembers(base, 3);
  const [first, second] = [join(base, "first"), join(base, "second")];

  const { metadata } = await openOn(first, specs);
  const model = openMemoryMetadata();
  const script = new MetadataScript(model, [metadata]);
  await fc.assert(
    fc.asyncProperty(stepsArbitrary, async (steps) => {
      await beginAnew([model, metadata]);
      for (const step of steps) {
        const actions = await script.prepare(step);
        await Promise.all([settle(model, actions), settle(metadata, actions)]);
      }
    }),
    { seed, numRuns },
  );
  await metadata.close();

  const again = await openOn(second, specs);
  await again.metadata.close();
  const [left, right] = [
    tablesOf(join(first, "metadata.db")),
    tablesOf(join(second, "metadata.db")),
  ];
  expect(left.size).toBeGreaterThan(10);
  expect([...left.values()].flat().length).toBeGreaterThan(10);
  for (const [table, rows] of left) expect(right.get(table), table).toEqual(rows);
});

async function settle(store: MetadataStore, actions: readonly Action[]): Promise<void> {
  await Promise.allSettled(actions.map((act) => act(store)));
}

function tablesOf(path: string): ReadonlyMap<string, readonly unknown[]> {
  const database = new Database(path, { readonly: true });
  try {
    const names = database
      .prepare<[], string>("select name from sqlite_schema where type = 'table' order by name")
      .pluck()
      .all();
    return new Map(
      names.map((name) => [name, database.prepare(`select * from ${name}`).all().map(shared)]),
    );
  } finally {
    database.close();
  }
}

function shared(row: unknown): unknown {
  const entries = Object.entries(row as Record<string, unknown>);
  return Object.fromEntries(entries.filter(([name]) => !OWN_COLUMNS.has(name)));
}
