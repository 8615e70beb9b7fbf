// What a database says of its place in the members' chain: it holds all changes up to there and none after. Kept in the
// transaction of each change.

import { existsSync } from "node:fs";
import type { Database, Statement } from "better-sqlite3";
import { CHAIN_START, type ChainPosition } from "../../journal/journal-member.ts";
import { openAlone, versionOf } from "./open-database.ts";

/** The first version that knows of members. */
const FIRST_VERSION = 2;
/** More starts than a cluster sees between two times that its metadata is made anew; records have 32 bits for an epoch. */
const EPOCHS_BEYOND = 1_000_000;

interface StateRow {
  readonly sequence: number;
  readonly epoch: number;
  readonly digest: string;
}

export function readPosition(database: Database): ChainPosition {
  if (versionOf(database) < FIRST_VERSION) return CHAIN_START;
  const row = database
    .prepare<[], StateRow>(
      "select chain_sequence as sequence, chain_epoch as epoch, chain_digest as digest from state",
    )
    .get();
  if (row === undefined) throw new Error(`${database.name} has lost its state`);
  return row;
}

/** The last epoch of the database in a file; 0 where there is none that can be read. */
export function epochIn(path: string): number {
  if (!existsSync(path)) return 0;
  try {
    const database = openAlone(path);
    try {
      return database.prepare<[], number>("select epoch from state").pluck().get() ?? 0;
    } finally {
      database.close();
    }
  } catch {
    return 0;
  }
}

/** Where the database in a file stands; undefined where there is none that can be read. */
export function positionIn(path: string): ChainPosition | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const database = openAlone(path);
    try {
      return readPosition(database);
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * Begins a chain that goes before every other one: of a drive that was away when the database was made anew, too, whose
 * journal would else be the one to follow when it is back.
 */
export function outdateChains(database: Database): void {
  database.prepare<[number]>("update state set epoch = epoch + ?").run(EPOCHS_BEYOND);
  positionWriter(database)(CHAIN_START);
}

/** Whether anything was ever written to it. */
export function hasContents(database: Database): boolean {
  if (versionOf(database) === 0) return false;
  const row = database
    .prepare("select 1 from state where last_number > 0 union all select 1 from settings limit 1")
    .get();
  return row !== undefined;
}

export function positionWriter(database: Database): (position: ChainPosition) => void {
  const statement: Statement<[number, number, string]> = database.prepare(
    "update state set chain_sequence = ?, chain_epoch = ?, chain_digest = ?",
  );
  return ({ sequence, epoch, digest }) => void statement.run(sequence, epoch, digest);
}

/** The statements that records name by number, by text. */
export function knownStatements(database: Database): ReadonlyMap<string, number> {
  const rows = database
    .prepare<[], { readonly id: number; readonly text: string }>(
      "select id, text from journal_statements order by id",
    )
    .all();
  return new Map(rows.map(({ id, text }) => [text, id]));
}

export function addStatements(
  database: Database,
  statements: readonly { readonly id: number; readonly text: string }[],
): void {
  const insert = database.prepare<[number, string]>(
    "insert into journal_statements (id, text) values (?, ?)",
  );
  for (const { id, text } of statements) insert.run(id, text);
}
