// F15: a server of this version on what an older one wrote: metadata of schema version 1, with no copies on members yet. It
// is killed at each step of taking that over, and started again: it goes on where it was, or begins anew, and everything
// is there. The way back, to an older program, is refused: bad-drives.test.ts.

import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { APPLICATION_ID, MIGRATIONS } from "../../src/metadata/sqlite/schema.ts";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenDyingServer } from "../support/dying-server.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { patterned } from "../support/s3-server.ts";

/** What the first version knew: no packs. */
const SIZES = { inline: 1_000, large: 3_000_000 };

/** A folder as the first version left it: what this version wrote, without what came later. */
async function givenOldFolder(): Promise<string> {
  const folder = join(await givenFolder(), "data");
  const server = await givenDyingServer(folder);
  await server.start();
  for (const [path, size] of Object.entries(SIZES)) {
    const body = Buffer.from(patterned(size, 1));
    expect((await server.send({ method: "PUT", path, body }))?.status).toBe(200);
  }
  await server.end();
  const drives = await readdir(folder);
  for (const drive of drives) await rm(join(folder, drive, "journal"), { recursive: true });
  const metadata = join(folder, "drive-1", "metadata");
  await cp(join(metadata, "metadata.db"), join(folder, "newer.db"));
  await cp(join(metadata, "metadata.db-wal"), join(folder, "newer.db-wal"));
  await rm(metadata, { recursive: true });
  await cp(join(folder, "newer.db"), join(metadata, "metadata.db"));
  downgrade(join(folder, "newer.db"), join(metadata, "metadata.db"));
  for (const name of ["newer.db", "newer.db-wal", "newer.db-shm"]) {
    await rm(join(folder, name), { force: true });
  }
  return folder;
}

function downgrade(from: string, to: string): void {
  new Database(to).close();
  const database = new Database(to);
  const tables = (schema: string): readonly string[] =>
    database
      .prepare<[], string>(`select name from ${schema}.sqlite_schema where type = 'table'`)
      .pluck()
      .all();
  for (const table of tables("main")) database.exec(`drop table if exists ${table}`);
  database.exec(MIGRATIONS[0] ?? "");
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma("user_version = 1");
  database.exec(`attach '${from}' as newer`);
  const columnsOf = (schema: string, table: string): readonly string[] =>
    database
      .prepare<[], { readonly name: string }>(
        `select name from ${schema}.pragma_table_info('${table}', '${schema}')`,
      )
      .all()
      .map(({ name }) => name);
  for (const table of tables("main")) {
    const known = new Set(columnsOf("newer", table));
    const columns = columnsOf("main", table)
      .filter((name) => known.has(name))
      .join(", ");
    database.exec(`delete from main.${table}`);
    database.exec(`insert into main.${table} (${columns}) select ${columns} from newer.${table}`);
  }
  database.close();
}

test.each<CrashPoint | "nothing">([
  "nothing",
  "snapshot.made",
  "journal.snapshot-written",
  "journal.snapshot-named",
  "snapshot.copied",
  "recovery.chain-begun",
  "recovery.epoch-opened",
  "metadata.durable",
])("F15 what version 1 wrote is taken over, though killed at %s", async (point) => {
  const folder = await givenOldFolder();
  const server = await givenDyingServer(folder);
  if (point !== "nothing") await server.dieAtStart(point);
  await server.start();
  for (const [path, size] of Object.entries(SIZES)) {
    const body = (await server.bodyOf(path)) ?? Buffer.of();
    expect(Buffer.compare(body, patterned(size, 1)), path).toBe(0);
  }
  const body = Buffer.from(patterned(50_000, 2));
  expect((await server.send({ method: "PUT", path: "packed", body }))?.status).toBe(200);
  await server.expectWhole();
});
