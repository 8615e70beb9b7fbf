// One page of a listing out of seeks on an index that is ordered by key: a common prefix, however many keys it hides,
// costs one seek, and nothing is read that the page does not show.

import { compareUtf8, nextString, prefixSuccessor } from "../../util/utf8-order.ts";
import { findCommonPrefix, type RollUp } from "../common-prefix.ts";

interface PageQuery extends RollUp {
  readonly limit: number;
}

type PageEntry<Row> =
  | { readonly row: Row; readonly prefix?: undefined }
  | { readonly row?: undefined; readonly prefix: string };

export interface Page<Row> {
  readonly entries: readonly PageEntry<Row>[];
  readonly isTruncated: boolean;
}

/**
 * Rows in order from the first key at or after `from`, at most `count`, none outside the listing's prefix. Of a row that a
 * common prefix hides the key is enough.
 */
export type Seek<Row> = (from: string, count: number) => Iterable<Row | string>;

/** Sorts above every TEXT where SQLite compares: the upper bound of a prefix that has no successor. */
const END_OF_KEYS = Buffer.alloc(0);

/** The exclusive upper bound of the keys that begin with a prefix. */
export function prefixEnd(prefix: string): Buffer | string {
  return prefixSuccessor(prefix) ?? END_OF_KEYS;
}

/** Where a page begins; undefined when nothing can follow the marker. */
export function pageStart(query: RollUp, after: string | undefined): string | undefined {
  if (after === undefined) return query.prefix;
  const isRolledUp = findCommonPrefix(after, query) === after;
  const next = isRolledUp ? prefixSuccessor(after) : nextString(after);
  if (next === undefined) return undefined;
  return compareUtf8(next, query.prefix) > 0 ? next : query.prefix;
}

/** @param first The rows that the page begins with; read before any seek. */
export function walkPage<Row extends { readonly key: string }>(
  query: PageQuery,
  first: Iterable<Row | string>,
  seek: Seek<Row>,
): Page<Row> {
  const entries: PageEntry<Row>[] = [];
  let rows: Iterable<Row | string> | undefined = first;
  while (rows !== undefined) {
    const prefix: string | undefined = takeRows(query, rows, entries);
    if (entries.length > query.limit) break;
    const next: string | undefined = prefix === undefined ? undefined : prefixSuccessor(prefix);
    rows = next === undefined ? undefined : seek(next, query.limit + 1 - entries.length);
  }
  return { entries: entries.slice(0, query.limit), isTruncated: entries.length > query.limit };
}

/** Takes rows up to one more than the page's limit, or to the common prefix that it answers. */
function takeRows<Row extends { readonly key: string }>(
  query: PageQuery,
  rows: Iterable<Row | string>,
  entries: PageEntry<Row>[],
): string | undefined {
  for (const row of rows) {
    const prefix = findCommonPrefix(typeof row === "string" ? row : row.key, query);
    if (prefix !== undefined) entries.push({ prefix });
    else if (typeof row !== "string") entries.push({ row });
    if (prefix !== undefined || entries.length > query.limit) return prefix;
  }
  return undefined;
}
