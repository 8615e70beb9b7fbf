// The check of a row: a CRC-32C over its other columns in a fixed order, written with the row, tried when it is read.
// SQLite has no checksums of pages, and a bit that flips in one must not become a wrong answer.

import { crc32cOfText } from "../../util/crc32c.ts";
import { DamagedRowError, type CheckedTable } from "../damaged-row-error.ts";

export type RowValue = number | string | null;

/** In texts a NUL is rare, and what it could hide, a byte that moves from one column to the next, no flip can do. */
const SEPARATOR = "\0";

/** Of no row. */
const NEVER = -1;

export function rowCheck(values: readonly RowValue[]): number {
  for (const value of values) {
    // One bit makes a blob of a text, and its bytes would read the same.
    if (typeof value === "object" && value !== null) return NEVER;
    // And one makes a small letter of a column's name a capital: SQL finds it, and who reads the row by its names does not.
    if (value === undefined) return NEVER;
  }
  return crc32cOfText(values.join(SEPARATOR));
}

/** How many columns a table had: those that came later stand behind them. */
export interface ColumnCounts {
  /** Before there were checks. */
  readonly unchecked: number;
  /** When checks came. */
  readonly checked: number;
}

/** The check of a row. Columns that came later count only where one of them is set: a row from before them keeps its own. */
export function laterCheck(values: readonly RowValue[], { checked }: ColumnCounts): number {
  return rowCheck(isEmptyFrom(values, checked) ? values.slice(0, checked) : values);
}

/**
 * @param stored Null in rows that were written before there were checks; then all that came later is null too: one bit may
 * shift a row's values by a column, and so take the check out of its own.
 */
export function isIntactLater(
  stored: number | null,
  values: readonly RowValue[],
  counts: ColumnCounts,
): boolean {
  if (stored === null) return isEmptyFrom(values, counts.unchecked);
  return stored === laterCheck(values, counts);
}

function isEmptyFrom(values: readonly RowValue[], from: number): boolean {
  for (let index = from; index < values.length; index += 1) {
    if (values[index] !== null) return false;
  }
  return true;
}

/** @param stored Null in rows that were written before there were checks. */
export function isIntact(stored: number | null, values: readonly RowValue[]): boolean {
  return stored === null || stored === rowCheck(values);
}

/** @throws DamagedRowError */
export function requireIntactRow(
  table: CheckedTable,
  stored: number | null,
  values: readonly RowValue[],
): void {
  if (!isIntact(stored, values)) throw damagedRow(table, values);
}

/** Names a row by its first columns. */
export function damagedRow(table: CheckedTable, values: readonly RowValue[]): DamagedRowError {
  return new DamagedRowError(table, values.slice(0, 3).join(", "));
}
