// Compares a database with one that was made anew from the members' records: table by table, row by row. SQLite checks no
// page for rot, so that a flipped bit may change a row, or hide it.

import type { Database } from "better-sqlite3";
import { messageOf } from "./write-protocol.ts";

/** Columns that differ from file to file: when each was opened, not what it holds. */
const OWN_COLUMNS = new Set(["epoch", "chain_epoch", "chain_sequence", "chain_digest"]);
/** Differences that are told one by one; the others are counted. */
const TOLD_MAX = 1_000;

export interface RowDifference {
  readonly table: string;
  /** The primary key of the row, as text; undefined: the table as a whole cannot be read. */
  readonly key: string | undefined;
  readonly problem: string;
}

export interface DatabaseComparison {
  readonly rowCount: number;
  readonly differenceCount: number;
  readonly differences: readonly RowDifference[];
}

/** @param standing The one in use; @param sound the one made anew. Neither is changed. */
export function compareDatabases(standing: Database, sound: Database): DatabaseComparison {
  const differences: RowDifference[] = [];
  let differenceCount = 0;
  let rowCount = 0;
  const note = (difference: RowDifference): void => {
    differenceCount += 1;
    if (differences.length < TOLD_MAX) differences.push(difference);
  };
  for (const table of tablesOf(sound)) {
    try {
      rowCount += compareTable(standing, sound, table, note);
    } catch (error) {
      note({ table: table.name, key: undefined, problem: messageOf(error) });
    }
  }
  for (const problem of integrityProblems(standing)) {
    note({ table: "", key: undefined, problem });
  }
  return { rowCount, differenceCount, differences };
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order. */
  readonly keyColumns: readonly string[];
}

function tablesOf(database: Database): readonly Table[] {
  const names = database
    .prepare<[], string>("select name from sqlite_schema where type = 'table' order by name")
    .pluck()
    .all();
  return names.map((name) => {
    const columns = database
      .prepare<[string], { readonly name: string; readonly pk: number }>(
        "select name, pk from pragma_table_info(?) order by cid",
      )
      .all(name);
    const keys = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
    return {
      name,
      columns: columns.map((column) => column.name).filter((column) => !OWN_COLUMNS.has(column)),
      keyColumns: keys.map((column) => column.name),
    };
  });
}

/** Resolves to the number of rows looked at. Both are read in the order of the key, side by side. */
function compareTable(
  standing: Database,
  sound: Database,
  table: Table,
  note: (difference: RowDifference) => void,
): number {
  const values = [...table.keyColumns, ...table.columns];
  const text = `select ${values.join(", ")} from ${table.name} order by ${table.keyColumns.join(", ")}`;
  const [left, right] = [rowsOf(standing, text), rowsOf(sound, text)];
  try {
    return compareRows(left, right, { table, note });
  } finally {
    // A query that is left open, since a page of it is malformed, would stand in the way of the next.
    left.return?.();
    right.return?.();
  }
}

interface TableNotes {
  readonly table: Table;
  readonly note: (difference: RowDifference) => void;
}

function compareRows(
  left: Iterator<Row, undefined>,
  right: Iterator<Row, undefined>,
  { table, note }: TableNotes,
): number {
  const keyed = table.keyColumns.length;
  let count = 0;
  let [a, b] = [left.next(), right.next()];
  while (a.done !== true || b.done !== true) {
    count += 1;
    const order = a.done === true ? 1 : b.done === true ? -1 : orderOf(a.value, b.value, keyed);
    const row = order > 0 ? b : a;
    const key = row.done === true ? "" : row.value.slice(0, keyed).map(String).join(" ");
    if (order > 0) note({ table: table.name, key, problem: "the row is missing" });
    else if (order < 0) note({ table: table.name, key, problem: "the row should not be there" });
    else if (a.done !== true && b.done !== true && !isEqual(a.value, b.value)) {
      note({ table: table.name, key, problem: "the row is not what was written" });
    }
    if (order <= 0) a = left.next();
    if (order >= 0) b = right.next();
  }
  return count;
}

type Row = readonly unknown[];

function rowsOf(database: Database, text: string): Iterator<Row, undefined> {
  return database.prepare<[], Row>(text).raw().iterate() as Iterator<Row, undefined>;
}

/** Keys are numbers, and texts in the order of their UTF-8 bytes. */
function orderOf(a: Row, b: Row, keyed: number): number {
  for (let index = 0; index < keyed; index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === right) continue;
    if (typeof left === "number" && typeof right === "number") return left - right;
    return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  }
  return 0;
}

function isEqual(a: Row, b: Row): boolean {
  return a.every((value, index) => {
    const other = b[index];
    if (value instanceof Uint8Array && other instanceof Uint8Array) {
      return Buffer.compare(value, other) === 0;
    }
    return value === other;
  });
}

function integrityProblems(database: Database): readonly string[] {
  try {
    const rows = database.prepare<[], string>("pragma integrity_check(10)").pluck().all();
    return rows.filter((row) => row !== "ok");
  } catch (error) {
    return [messageOf(error)];
  }
}
