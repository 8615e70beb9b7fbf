// Opens metadata.db: once for writing, which makes or migrates it, and any number of times for reading.

import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { assert } from "../../util/assert.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** How long a connection waits for a lock that another one holds: only recovery and closing hold any for long. */
export const BUSY_TIMEOUT_MS = 10_000;
/** Pages of WAL after which a commit copies them into the database file. */
const CHECKPOINT_PAGES = 4_000;
/** What the WAL file is cut back to after it has once grown larger. */
const WAL_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Of the connection that writes. After a commit that has split pages SQLite looks through all that it holds in memory,
 * which with its usual 16 MiB costs more than reading again what no longer fits: the kernel has it.
 */
const CACHE_KIB = 4_000;
const NORMAL = 1;
const FULL = 2;

/**
 * The one connection that writes, of a database that is the only copy. Begins a new epoch.
 * @throws when the file is not ours, or was written by a newer version.
 */
export function openForWriting(path: string): Database.Database {
  return opened(path, (database) => {
    configure(database, "FULL");
    if (versionOf(database) !== MIGRATIONS.length) {
      database.transaction(() => migrate(database, MIGRATIONS.length)).immediate();
    }
    database.exec("update state set epoch = epoch + 1");
    // SQLite may report FULL and fall back at the first write, so it is asked again after one.
    assertDurable(database, FULL);
  });
}

/**
 * The one connection that writes, of a database whose changes are durable on members before they are committed: a
 * power cut may take the last commits back, never tear the file, and they are played again. Changes nothing.
 * @throws when the file is not ours, was written by a newer version, or cannot be read.
 */
export function openBesideMembers(path: string): Database.Database {
  return opened(path, (database) => configure(database, "NORMAL"));
}

/** A connection that reads only, beside the one that writes. */
export function openForReading(path: string): Database.Database {
  return new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

/**
 * A connection to read with where no other one is open. Closed, it leaves the folder as it was: one that may only read
 * leaves an empty WAL and its index behind. https://www.sqlite.org/wal.html#read_only_databases
 */
export function openAlone(path: string): Database.Database {
  if (existsSync(`${path}-wal`)) return openForReading(path);
  return new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

/** Steps that have been taken; 0: the file is empty. */
export function versionOf(database: Database.Database): number {
  return Number(database.pragma("user_version", { simple: true }));
}

/** Within a transaction that the caller holds. */
export function migrate(database: Database.Database, version: number): void {
  for (const statements of MIGRATIONS.slice(versionOf(database), version)) {
    database.exec(statements);
  }
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma(`user_version = ${version}`);
}

function opened(path: string, prepare: (database: Database.Database) => void): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    checkVersion(database, path);
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkVersion(database: Database.Database, path: string): void {
  const applicationId = database.pragma("application_id", { simple: true });
  const version = versionOf(database);
  const isEmpty = database.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
  if (applicationId !== APPLICATION_ID && !(applicationId === 0 && isEmpty)) {
    throw new ForeignDatabaseError(`${path} is a database of another program`);
  }
  if (version > MIGRATIONS.length) {
    throw new ForeignDatabaseError(
      `${path} has schema version ${version}, written by a newer Kintsugi; this one reads up to ${MIGRATIONS.length}`,
    );
  }
}

/** Not a damaged file, but one that is not for this program: nothing is concluded from it. */
export class ForeignDatabaseError extends Error {
  override readonly name = "ForeignDatabaseError";
}

function configure(database: Database.Database, synchronous: "FULL" | "NORMAL"): void {
  // So that it can be made shorter in small steps. Has to be said before anything is written, and is kept by snapshots.
  if (versionOf(database) === 0) database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  // After journal_mode: better-sqlite3 is built with synchronous=NORMAL for WAL, which alone loses acknowledged commits.
  database.pragma(`synchronous = ${synchronous}`);
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
  database.pragma(`cache_size = -${CACHE_KIB}`);
  // The journals of savepoints stay in memory.
  database.pragma("temp_store = MEMORY");
  assertDurable(database, synchronous === "FULL" ? FULL : NORMAL);
}

function assertDurable(database: Database.Database, atLeast: number): void {
  const mode = database.pragma("journal_mode", { simple: true });
  const synchronous = Number(database.pragma("synchronous", { simple: true }));
  assert(
    mode === "wal" && synchronous >= atLeast,
    `commits of ${database.name} would not be durable`,
  );
}
