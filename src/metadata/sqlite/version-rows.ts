// Rows of `versions` as the driver gives them, and the records that they become: objects that are no longer the latest of
// their key, and delete markers.

import type { AccountId } from "../../core/ids.ts";
import type { VersionRecord } from "../records.ts";
import { NULL_VERSION, sequenceOf } from "../version-id.ts";
import {
  OBJECT_VALUES,
  STANDING_COLUMNS,
  objectValues,
  recordOf,
  type ObjectName,
  type StandingRow,
} from "./object-rows.ts";
import { damagedRow, rowCheck, type RowValue } from "./row-check.ts";
import { SET_COLUMNS, type SetRow } from "./rows.ts";

/** A row of `versions` without its key. */
export interface VersionRow extends StandingRow {
  readonly is_delete_marker: number;
  /** Null of a delete marker that is the latest version. */
  readonly noncurrent_since: number | null;
  /** Of a delete marker: 1 while it is all that is left of its key, else null. */
  readonly is_lone: number | null;
}

/** For `versions o`. */
export const VERSION_COLUMNS = `${STANDING_COLUMNS}, o.is_delete_marker, o.noncurrent_since, o.is_lone`;

/** With `shard_sets s`. */
export const FULL_VERSION_COLUMNS = `${VERSION_COLUMNS}, ${SET_COLUMNS}`;

/** All columns of `versions` but the check, which is made of their values in this order. */
export const VERSION_VALUES = `${OBJECT_VALUES}, is_delete_marker, noncurrent_since, is_lone`;

/** In the order of VERSION_VALUES. */
export function versionValues(
  name: ObjectName,
  row: Omit<VersionRow, "row_check">,
): readonly RowValue[] {
  return [...objectValues(name, row), row.is_delete_marker, row.noncurrent_since, row.is_lone];
}

/** There were checks before there were versions. */
export function isIntactVersion(name: ObjectName, row: VersionRow): boolean {
  return row.row_check === rowCheck(versionValues(name, row));
}

/** @throws DamagedRowError */
export function requireIntactVersion(name: ObjectName, row: VersionRow): void {
  if (!isIntactVersion(name, row)) throw damagedRow("versions", versionValues(name, row));
}

/** The statements that find a version in `versions`: the null one of a key, and one by its sequence. */
interface VersionSeeks<Row> {
  readonly nullVersion: { get(bucketId: number, key: string): Row | undefined };
  readonly bySequence: { get(bucketId: number, key: string, sequence: number): Row | undefined };
}

/** The row in `versions` that has that id, tried against its check. @throws DamagedRowError */
export function findVersionRow<Row extends VersionRow>(
  { nullVersion, bySequence }: VersionSeeks<Row>,
  name: ObjectName,
  versionId: string,
): Row | undefined {
  const { bucketId, key } = name;
  const isNull = versionId === NULL_VERSION;
  const sequence = isNull ? undefined : sequenceOf(versionId);
  if (sequence === undefined && !isNull) return undefined;
  const row =
    sequence === undefined
      ? nullVersion.get(bucketId, key)
      : bySequence.get(bucketId, key, sequence);
  if (row === undefined) return undefined;
  requireIntactVersion(name, row);
  return (row.version_id ?? NULL_VERSION) === versionId ? row : undefined;
}

/** @throws DamagedRowError */
export function versionOf(name: ObjectName, row: SetRow & VersionRow): VersionRecord {
  requireIntactVersion(name, row);
  return versionRecordOf(name.key, row);
}

/** Of a row that has been tried against its check. */
export function versionRecordOf(key: string, row: SetRow & VersionRow): VersionRecord {
  const isLatest = row.noncurrent_since === null;
  if (row.is_delete_marker === 0) return { kind: "object", object: recordOf(key, row), isLatest };
  const { sequence, modified_at: modifiedAt, owner_id: ownerId } = row;
  const versionId = row.version_id ?? NULL_VERSION;
  return {
    kind: "delete-marker",
    marker: { key, versionId, sequence, modifiedAt, ownerId },
    isLatest,
  };
}

/** A delete marker that becomes the latest version of its key. */
export function markerRow(marker: {
  readonly sequence: number;
  readonly versionId: string;
  readonly modifiedAt: number;
  readonly ownerId: AccountId;
  readonly isLone: boolean;
}): Omit<VersionRow, "row_check"> {
  return {
    sequence: marker.sequence,
    version_id: marker.versionId === NULL_VERSION ? null : marker.versionId,
    size_bytes: 0,
    etag: "",
    modified_at: marker.modifiedAt,
    owner_id: marker.ownerId,
    storage_class: "",
    checksum_algorithm: null,
    checksum_type: null,
    checksum_value: null,
    data_id: null,
    set_id: null,
    manifest_id: null,
    part_count: null,
    tags: null,
    attributes: null,
    pack_offset: null,
    acl: null,
    encryption: null,
    retention_mode: null,
    retain_until: null,
    legal_hold: null,
    is_delete_marker: 1,
    noncurrent_since: null,
    is_lone: marker.isLone ? 1 : null,
  };
}
