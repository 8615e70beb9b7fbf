// Rows of `objects` that have nothing of what few objects have (a lock, tags, an access control list, parts, ...), without
// the columns for that: for the driver a column that is null costs as much as any other.

import type { StoredBytes } from "./content-writes.ts";
import type { ObjectName, StandingRow } from "./object-rows.ts";
import { rowCheck } from "./row-check.ts";

/** True of such a row of `objects o`. */
export const IS_PLAIN = `coalesce(o.version_id, o.manifest_id, o.part_count, o.tags, o.acl, o.encryption,
  o.retention_mode, o.retain_until, o.legal_hold) is null`;

export const PLAIN_COLUMNS = `o.sequence, o.size_bytes, o.etag, o.modified_at, o.owner_id, o.storage_class,
  o.checksum_algorithm, o.checksum_type, o.checksum_value, o.data_id, o.set_id, o.attributes, o.pack_offset, o.row_check`;

/** In the order of PLAIN_COLUMNS. */
export type PlainValues = readonly [
  sequence: StandingRow["sequence"],
  size_bytes: StandingRow["size_bytes"],
  etag: StandingRow["etag"],
  modified_at: StandingRow["modified_at"],
  owner_id: StandingRow["owner_id"],
  storage_class: StandingRow["storage_class"],
  checksum_algorithm: StandingRow["checksum_algorithm"],
  checksum_type: StandingRow["checksum_type"],
  checksum_value: StandingRow["checksum_value"],
  data_id: StandingRow["data_id"],
  set_id: StandingRow["set_id"],
  attributes: StandingRow["attributes"],
  pack_offset: StandingRow["pack_offset"],
  row_check: StandingRow["row_check"],
];

/** With whatever else was asked for behind them. */
type PlainRow = readonly [...PlainValues, ...unknown[]];

/**
 * Whether its check is that of the whole row, all of whose other columns are null: those up to `pack_offset` are what it is
 * made of then, as `objectCheck` does.
 */
export function isIntactPlain({ bucketId, key }: ObjectName, row: PlainRow): boolean {
  const check = rowCheck([
    bucketId,
    key,
    row[0],
    null,
    row[1],
    row[2],
    row[3],
    row[4],
    row[5],
    row[6],
    row[7],
    row[8],
    row[9],
    row[10],
    null,
    null,
    null,
    row[11],
    row[12],
  ]);
  return row[13] === check;
}

export function contentOfPlain(row: PlainRow): StoredBytes {
  return { size_bytes: row[1], data_id: row[9], set_id: row[10], pack_offset: row[12] };
}
