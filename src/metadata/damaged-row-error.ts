// What reading a row that does not match its own check ends with: of that key, and of no other, clients get
// InternalError.

export type CheckedTable =
  | "objects"
  | "part_offsets"
  | "parts"
  | "shard_sets"
  | "uploads"
  | "versions";

export class DamagedRowError extends Error {
  readonly table: CheckedTable;

  /** @param row Names the row for the operator. */
  constructor(table: CheckedTable, row: string) {
    super(`a row of ${table} in the metadata is damaged: ${row}`);
    this.name = "DamagedRowError";
    this.table = table;
  }
}
