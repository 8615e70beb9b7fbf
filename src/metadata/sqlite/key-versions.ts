// The rows of one key, within the writer's transaction: the current live version in `objects`, everything else in
// `versions`. A row that is read has been tried against its check: what a damaged row names is neither moved nor released.
//
// Invariants: the row in `objects` is the newest of its key; of those in `versions` only a delete marker may be the newest,
// and then it alone has no `noncurrent_since`.

import type { Statement } from "better-sqlite3";
import { NULL_VERSION } from "../version-id.ts";
import {
  OBJECT_VALUES,
  STANDING_COLUMNS,
  objectCheck,
  objectValues,
  requireIntactObject,
  standingOfValues,
  type ObjectName,
  type StandingRow,
  type StandingValues,
} from "./object-rows.ts";
import { rowCheck, type RowValue } from "./row-check.ts";
import type { StatementSource } from "./statement-source.ts";
import {
  VERSION_COLUMNS,
  VERSION_VALUES,
  findVersionRow,
  requireIntactVersion,
  versionValues,
  type VersionRow,
} from "./version-rows.ts";

/** What clients may change of a version, in the order of the statements that do. */
const CHANGEABLE = "tags = ?, acl = ?, retention_mode = ?, retain_until = ?, legal_hold = ?";

const SQL = {
  standing: `select ${STANDING_COLUMNS} from objects o where o.bucket_id = ? and o.key = ?`,
  putStanding: `insert or replace into objects (${OBJECT_VALUES}, row_check) values (${marks(OBJECT_VALUES)}, ?)`,
  removeStanding: "delete from objects where bucket_id = ? and key = ?",
  changeStanding: `update objects set ${CHANGEABLE}, row_check = ? where bucket_id = ? and key = ?`,
  newest: `select ${VERSION_COLUMNS} from versions o where o.bucket_id = ? and o.key = ?
    order by o.sequence desc limit 2`,
  bySequence: `select ${VERSION_COLUMNS} from versions o
    where o.bucket_id = ? and o.key = ? and o.sequence = ?`,
  nullVersion: `select ${VERSION_COLUMNS} from versions o indexed by versions_null
    where o.bucket_id = ? and o.key = ? and o.version_id is null`,
  insert: `insert into versions (${VERSION_VALUES}, row_check) values (${marks(VERSION_VALUES)}, ?)`,
  remove: "delete from versions where bucket_id = ? and key = ? and sequence = ?",
  date: `update versions set noncurrent_since = ?, is_lone = ?, row_check = ?
    where bucket_id = ? and key = ? and sequence = ?`,
  change: `update versions set ${CHANGEABLE}, row_check = ? where bucket_id = ? and key = ? and sequence = ?`,
} as const;

/** A version of a key, and where it stands. */
export type FoundVersion =
  | { readonly table: "objects"; readonly row: StandingRow }
  | { readonly table: "versions"; readonly row: VersionRow };

export class KeyVersions {
  readonly #standing: Statement<[number, string], StandingValues>;
  readonly #putStanding: Statement<RowValue[]>;
  readonly #removeStanding: Statement<[number, string]>;
  readonly #changeStanding: Statement<RowValue[]>;
  readonly #newest: Statement<[number, string], VersionRow>;
  readonly #bySequence: Statement<[number, string, number], VersionRow>;
  readonly #nullVersion: Statement<[number, string], VersionRow>;
  readonly #insert: Statement<RowValue[]>;
  readonly #remove: Statement<[number, string, number]>;
  readonly #date: Statement<RowValue[]>;
  readonly #change: Statement<RowValue[]>;

  constructor(database: StatementSource) {
    this.#standing = database.prepare<[number, string], StandingValues>(SQL.standing).raw();
    this.#putStanding = database.prepare(SQL.putStanding);
    this.#removeStanding = database.prepare(SQL.removeStanding);
    this.#changeStanding = database.prepare(SQL.changeStanding);
    this.#newest = database.prepare(SQL.newest);
    this.#bySequence = database.prepare(SQL.bySequence);
    this.#nullVersion = database.prepare(SQL.nullVersion);
    this.#insert = database.prepare(SQL.insert);
    this.#remove = database.prepare(SQL.remove);
    this.#date = database.prepare(SQL.date);
    this.#change = database.prepare(SQL.change);
  }

  /** The current live version. @throws DamagedRowError */
  findStanding(name: ObjectName): StandingRow | undefined {
    const values = this.#standing.get(name.bucketId, name.key);
    if (values === undefined) return undefined;
    const row = standingOfValues(values);
    requireIntactObject(name, row);
    return row;
  }

  /** The latest version, be it an object or a delete marker. @throws DamagedRowError */
  findLatest(name: ObjectName): FoundVersion | undefined {
    const standing = this.findStanding(name);
    if (standing !== undefined) return { table: "objects", row: standing };
    const [row] = this.findNewest(name);
    return row && { table: "versions", row };
  }

  /** @throws DamagedRowError */
  findVersion(name: ObjectName, versionId: string): FoundVersion | undefined {
    const standing = this.findStanding(name);
    if (standing !== undefined && (standing.version_id ?? NULL_VERSION) === versionId) {
      return { table: "objects", row: standing };
    }
    const row = this.#findOlder(name, versionId);
    return row && { table: "versions", row };
  }

  /** The version "null", where it is not the standing one. @throws DamagedRowError */
  findOlderNull(name: ObjectName): VersionRow | undefined {
    return this.#findOlder(name, NULL_VERSION);
  }

  /** The newest two of those in `versions`. @throws DamagedRowError */
  findNewest(name: ObjectName): readonly VersionRow[] {
    const rows = this.#newest.all(name.bucketId, name.key);
    for (const row of rows) requireIntactVersion(name, row);
    return rows;
  }

  /** @param values In the order of OBJECT_VALUES. */
  putStanding(values: readonly RowValue[]): void {
    this.#putStanding.run(...values, objectCheck(values));
  }

  removeStanding({ bucketId, key }: ObjectName): void {
    this.#removeStanding.run(bucketId, key);
  }

  /** Notes in `versions` an object that something has followed. It is removed from `objects`, or replaced, by the caller. */
  keepOlder(name: ObjectName, row: StandingRow, noncurrentSince: number): void {
    this.insert(name, {
      ...row,
      is_delete_marker: 0,
      noncurrent_since: noncurrentSince,
      is_lone: null,
    });
  }

  insert(name: ObjectName, row: Omit<VersionRow, "row_check">): void {
    const values = versionValues(name, row);
    this.#insert.run(...values, rowCheck(values));
  }

  remove({ bucketId, key }: ObjectName, row: VersionRow): void {
    this.#remove.run(bucketId, key, row.sequence);
  }

  /** Dates a delete marker as followed by another version, if it was the latest. */
  follow(name: ObjectName, noncurrentSince: number): void {
    const [row] = this.findNewest(name);
    if (row?.noncurrent_since !== null) return;
    this.#dateMarker(name, row, { noncurrent_since: noncurrentSince, is_lone: null });
  }

  /**
   * Makes the newest version the latest one, after others have gone: an object goes back to `objects`.
   * Resolves to whether one did.
   */
  promote(name: ObjectName): boolean {
    const [row, other] = this.findNewest(name);
    if (row === undefined) return false;
    if (row.is_delete_marker === 0) {
      this.remove(name, row);
      this.putStanding(objectValues(name, row));
      return true;
    }
    const is_lone = other === undefined ? 1 : null;
    if (row.noncurrent_since !== null || row.is_lone !== is_lone) {
      this.#dateMarker(name, row, { noncurrent_since: null, is_lone });
    }
    return false;
  }

  /** Writes what clients may change: tags, access control list, lock. */
  change({ bucketId, key }: ObjectName, { table, row }: FoundVersion): void {
    const { tags, acl, retention_mode, retain_until, legal_hold } = row;
    const changed = [tags, acl, retention_mode, retain_until, legal_hold];
    if (table === "objects") {
      const check = objectCheck(objectValues({ bucketId, key }, row));
      this.#changeStanding.run(...changed, check, bucketId, key);
      return;
    }
    const check = rowCheck(versionValues({ bucketId, key }, row));
    this.#change.run(...changed, check, bucketId, key, row.sequence);
  }

  #findOlder(name: ObjectName, versionId: string): VersionRow | undefined {
    const seeks = { nullVersion: this.#nullVersion, bySequence: this.#bySequence };
    return findVersionRow(seeks, name, versionId);
  }

  #dateMarker(
    name: ObjectName,
    row: VersionRow,
    dates: Pick<VersionRow, "is_lone" | "noncurrent_since">,
  ): void {
    const check = rowCheck(versionValues(name, { ...row, ...dates }));
    const { noncurrent_since: since, is_lone: lone } = dates;
    this.#date.run(since, lone, check, name.bucketId, name.key, row.sequence);
  }
}

/** As many question marks as there are columns. */
function marks(columns: string): string {
  return columns.replaceAll(/\w+/g, "?");
}
