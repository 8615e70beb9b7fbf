// Opens metadata.db: once for writing, which makes or migrates it, and any number of times for reading.

import Database from "better-sqlite3";
import { assert } from "../../util/assert.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** How long a connection waits for a lock that another one holds: only recovery and closing hold any for long. */
const BUSY_TIMEOUT_MS = 10_000;
/** Pages of WAL after which a commit copies them into the database file. */
const CHECKPOINT_PAGES = 4_000;
/** What the WAL file is cut back to after it has once grown larger. */
const WAL_BYTES_MAX = 64 * 1024 * 1024;
const FULL = 2;

/**
 * The one connection that writes. Begins a new epoch.
 * @throws when the file is not ours, or was written by a newer version.
 */
export function openForWriting(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    checkVersion(database, path);
    configure(database);
    migrate(database);
    database.exec("update state set epoch = epoch + 1");
    // SQLite may report FULL and fall back at the first write, so it is asked again after one.
    assertDurable(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A connection that reads only, beside the one that writes. */
export function openForReading(path: string): Database.Database {
  return new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

function checkVersion(database: Database.Database, path: string): void {
  const applicationId = database.pragma("application_id", { simple: true });
  const version = Number(database.pragma("user_version", { simple: true }));
  const isEmpty = database.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
  if (applicationId !== APPLICATION_ID && !(applicationId === 0 && isEmpty)) {
    throw new Error(`${path} is a database of another program`);
  }
  if (version > MIGRATIONS.length) {
    throw new Error(
      `${path} has schema version ${version}, written by a newer Kintsugi; this one reads up to ${MIGRATIONS.length}`,
    );
  }
}

function configure(database: Database.Database): void {
  database.pragma("journal_mode = WAL");
  // After journal_mode: better-sqlite3 is built with synchronous=NORMAL for WAL, which loses acknowledged commits.
  database.pragma("synchronous = FULL");
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
  // The journals of savepoints stay in memory.
  database.pragma("temp_store = MEMORY");
  assertDurable(database);
}

function assertDurable(database: Database.Database): void {
  const mode = database.pragma("journal_mode", { simple: true });
  const synchronous = database.pragma("synchronous", { simple: true });
  assert(
    mode === "wal" && synchronous === FULL,
    `commits of ${database.name} would not be durable`,
  );
}

function migrate(database: Database.Database): void {
  const step = database.transaction(() => {
    const version = Number(database.pragma("user_version", { simple: true }));
    for (const statements of MIGRATIONS.slice(version)) database.exec(statements);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  const version = database.pragma("user_version", { simple: true });
  if (version !== MIGRATIONS.length) step.immediate();
}
