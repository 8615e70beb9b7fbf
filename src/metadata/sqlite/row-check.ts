// The check of a row: a CRC-32C over its other columns in a fixed order, written with the row, tried when it is read.
// SQLite has no checksums of pages, and a bit that flips in one must not become a wrong answer.

import { crc32cOfText } from "../../util/crc32c.ts";
import { DamagedRowError, type CheckedTable } from "../damaged-row-error.ts";

export type RowValue = number | string | null;

/** In texts a NUL is rare, and what it could hide, a byte that moves from one column to the next, no flip can do. */
const SEPARATOR = "\0";

export function rowCheck(values: readonly RowValue[]): number {
  return crc32cOfText(values.join(SEPARATOR));
}

/** Columns that came later count only where one of them is set: a row from before them keeps its check. */
export function checkedValues(
  values: readonly RowValue[],
  firstCount: number,
): readonly RowValue[] {
  for (let index = firstCount; index < values.length; index += 1) {
    if (values[index] !== null) return values;
  }
  return values.slice(0, firstCount);
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
  if (!isIntact(stored, values)) throw new DamagedRowError(table, values.slice(0, 3).join(", "));
}
