// A server's folder as version 1 left it: what this version wrote there, without what came later (copies of the metadata
// on members, packs). Nothing in it may lie in a pack.

import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { APPLICATION_ID, MIGRATIONS } from "../../src/metadata/sqlite/schema.ts";

/** Of a server that has ended. */
export async function makeOldVersion(folder: string): Promise<void> {
  for (const drive of await readdir(folder)) {
    await rm(join(folder, drive, "journal"), { recursive: true });
  }
  const metadata = join(folder, "drive-1", "metadata");
  await cp(join(metadata, "metadata.db"), join(folder, "newer.db"));
  await cp(join(metadata, "metadata.db-wal"), join(folder, "newer.db-wal"));
  await rm(metadata, { recursive: true });
  await cp(join(folder, "newer.db"), join(metadata, "metadata.db"));
  downgrade(join(folder, "newer.db"), join(metadata, "metadata.db"));
  for (const name of ["newer.db", "newer.db-wal", "newer.db-shm"]) {
    await rm(join(folder, name), { force: true });
  }
}

function downgrade(from: string, to: string): void {
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
