// Rows of objects as the driver gives them, and the records that they become.

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../../core/checksum.ts";
import type { AccountId } from "../../core/ids.ts";
import type { ManifestContent, ObjectLock, ObjectRecord, ObjectSummary } from "../records.ts";
import { attributesFrom, attributesText, listText, tagsFrom } from "./column-text.ts";
import { NULL_VERSION } from "../version-id.ts";
import { damagedRow, isIntactLater, laterCheck, type RowValue } from "./row-check.ts";
import {
  SET_COLUMNS,
  contentColumns,
  contentOf,
  givenLockOf,
  lockColumns,
  type ContentColumns,
  type LockColumns,
  type SetRow,
  type SetRowValues,
} from "./rows.ts";

const NO_BYTES: ContentColumns = { data_id: null, set_id: null, pack_offset: null };

/** A row of `objects` without its key. */
export interface StandingRow extends ContentColumns, LockColumns {
  readonly sequence: number;
  readonly version_id: string | null;
  readonly size_bytes: number;
  readonly etag: string;
  readonly modified_at: number;
  readonly owner_id: AccountId;
  readonly storage_class: string;
  readonly checksum_algorithm: ChecksumAlgorithm | null;
  readonly checksum_type: ChecksumType | null;
  readonly checksum_value: string | null;
  readonly manifest_id: number | null;
  readonly part_count: number | null;
  readonly tags: string | null;
  readonly attributes: string | null;
  readonly acl: string | null;
  readonly encryption: string | null;
  readonly row_check: number | null;
}

export type ObjectRow = SetRow & StandingRow;

/** For `objects o` or `versions o`. */
export const STANDING_COLUMNS = `o.sequence, o.version_id, o.size_bytes, o.etag, o.modified_at, o.owner_id,
  o.storage_class, o.checksum_algorithm, o.checksum_type, o.checksum_value, o.data_id, o.set_id, o.manifest_id,
  o.part_count, o.tags, o.attributes, o.pack_offset, o.acl, o.encryption, o.retention_mode, o.retain_until,
  o.legal_hold, o.row_check`;

/** The same without names, in this order: see ObjectRowValues. */
export type StandingValues = readonly [
  sequence: StandingRow["sequence"],
  version_id: StandingRow["version_id"],
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
  manifest_id: StandingRow["manifest_id"],
  part_count: StandingRow["part_count"],
  tags: StandingRow["tags"],
  attributes: StandingRow["attributes"],
  pack_offset: StandingRow["pack_offset"],
  acl: StandingRow["acl"],
  encryption: StandingRow["encryption"],
  retention_mode: StandingRow["retention_mode"],
  retain_until: StandingRow["retain_until"],
  legal_hold: StandingRow["legal_hold"],
  row_check: StandingRow["row_check"],
];

/** With `shard_sets s`. */
export const OBJECT_COLUMNS = `${STANDING_COLUMNS}, ${SET_COLUMNS}`;

/**
 * The same without names, in the order of OBJECT_COLUMNS, and inline bytes behind them where those were asked for: the
 * driver takes longer to make an object of so many names than to find the row.
 */
export type ObjectRowValues = readonly [
  ...StandingValues,
  ...SetRowValues,
  bytes?: Uint8Array | null,
];

/** The place of the bytes among ObjectRowValues. */
export const BYTES_AT = 31;

export function standingOfValues(values: StandingValues): StandingRow {
  return {
    sequence: values[0],
    version_id: values[1],
    size_bytes: values[2],
    etag: values[3],
    modified_at: values[4],
    owner_id: values[5],
    storage_class: values[6],
    checksum_algorithm: values[7],
    checksum_type: values[8],
    checksum_value: values[9],
    data_id: values[10],
    set_id: values[11],
    manifest_id: values[12],
    part_count: values[13],
    tags: values[14],
    attributes: values[15],
    pack_offset: values[16],
    acl: values[17],
    encryption: values[18],
    retention_mode: values[19],
    retain_until: values[20],
    legal_hold: values[21],
    row_check: values[22],
  };
}

export function rowOfValues(values: ObjectRowValues): ObjectRow {
  return {
    sequence: values[0],
    version_id: values[1],
    size_bytes: values[2],
    etag: values[3],
    modified_at: values[4],
    owner_id: values[5],
    storage_class: values[6],
    checksum_algorithm: values[7],
    checksum_type: values[8],
    checksum_value: values[9],
    data_id: values[10],
    set_id: values[11],
    manifest_id: values[12],
    part_count: values[13],
    tags: values[14],
    attributes: values[15],
    pack_offset: values[16],
    acl: values[17],
    encryption: values[18],
    retention_mode: values[19],
    retain_until: values[20],
    legal_hold: values[21],
    row_check: values[22],
    data_shards: values[23],
    parity_shards: values[24],
    unit_bytes: values[25],
    layout_version: values[26],
    set_bytes: values[27],
    header_bytes: values[28],
    missing: values[29],
    set_check: values[30],
  };
}

/** All columns of `objects` but the check, which is made of their values in this order. */
export const OBJECT_VALUES = `bucket_id, key, sequence, version_id, size_bytes, etag, modified_at, owner_id,
  storage_class, checksum_algorithm, checksum_type, checksum_value, data_id, set_id, manifest_id, part_count, tags,
  attributes, pack_offset, acl, encryption, retention_mode, retain_until, legal_hold`;

const COUNTS = { unchecked: 18, checked: 19 };

export interface ObjectName {
  readonly bucketId: number;
  readonly key: string;
}

/** In the order of OBJECT_VALUES. */
export function objectValues(
  { bucketId, key }: ObjectName,
  row: Omit<StandingRow, "row_check">,
): readonly RowValue[] {
  return [
    bucketId,
    key,
    row.sequence,
    row.version_id,
    row.size_bytes,
    row.etag,
    row.modified_at,
    row.owner_id,
    row.storage_class,
    row.checksum_algorithm,
    row.checksum_type,
    row.checksum_value,
    row.data_id,
    row.set_id,
    row.manifest_id,
    row.part_count,
    row.tags,
    row.attributes,
    row.pack_offset,
    row.acl,
    row.encryption,
    row.retention_mode,
    row.retain_until,
    row.legal_hold,
  ];
}

/** The check of a row of `objects` with these values. */
export function objectCheck(values: readonly RowValue[]): number {
  return laterCheck(values, COUNTS);
}

export function isIntactObject(name: ObjectName, row: StandingRow): boolean {
  return isIntactLater(row.row_check, objectValues(name, row), COUNTS);
}

/** @throws DamagedRowError */
export function requireIntactObject(name: ObjectName, row: StandingRow): void {
  if (!isIntactObject(name, row)) throw damagedRow("objects", objectValues(name, row));
}

/** What a current version is written as, in the order of OBJECT_VALUES. */
export function recordValues(
  bucketId: number,
  object: Omit<ObjectRecord, "versionId">,
  versionId: string,
): readonly RowValue[] {
  const { checksum, content } = object;
  const manifest = content.kind === "manifest" ? content : undefined;
  const bytes = content.kind === "manifest" ? NO_BYTES : contentColumns(content);
  const lock = lockColumns(object.lock);
  return [
    bucketId,
    object.key,
    object.sequence,
    versionId === NULL_VERSION ? null : versionId,
    object.sizeBytes,
    object.etag,
    object.modifiedAt,
    object.ownerId,
    object.storageClass,
    checksum?.algorithm ?? null,
    checksum?.type ?? null,
    checksum?.value ?? null,
    bytes.data_id,
    bytes.set_id,
    manifest?.manifestId ?? null,
    manifest?.partCount ?? null,
    listText(object.tags),
    attributesText(object.attributes),
    bytes.pack_offset,
    object.acl ?? null,
    object.encryption ?? null,
    lock.retention_mode,
    lock.retain_until,
    lock.legal_hold,
  ];
}

/** @throws DamagedRowError */
export function objectOf({ bucketId, key }: ObjectName, row: ObjectRow): ObjectRecord {
  requireIntactObject({ bucketId, key }, row);
  return recordOf(key, row);
}

/** Of a row whose check was tried. @throws DamagedRowError when its set's row is damaged. */
export function recordOf(key: string, row: ObjectRow): ObjectRecord {
  return {
    key,
    versionId: row.version_id ?? NULL_VERSION,
    sequence: row.sequence,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    modifiedAt: row.modified_at,
    ownerId: row.owner_id,
    storageClass: row.storage_class,
    checksum: checksumOf(row),
    attributes: attributesFrom(row.attributes),
    tags: tagsFrom(row.tags),
    acl: row.acl ?? undefined,
    encryption: row.encryption ?? undefined,
    lock: objectLockOf(row),
    content: manifestOf(row) ?? contentOf(row),
  };
}

export function objectLockOf(row: LockColumns): ObjectLock {
  return givenLockOf(row);
}

function manifestOf(row: ObjectRow): ManifestContent | undefined {
  const { manifest_id: manifestId, part_count: partCount } = row;
  if (manifestId === null || partCount === null) return undefined;
  return { kind: "manifest", manifestId, partCount };
}

function checksumOf(row: ObjectRow): ObjectChecksum | undefined {
  const { checksum_algorithm: algorithm, checksum_type: type, checksum_value: value } = row;
  if (algorithm === null || type === null || value === null) return undefined;
  return { algorithm, type, value };
}

/** In the order of SUMMARY_COLUMNS: a page has many rows, and rows without names cost half of those with names. */
export type SummaryRow = readonly [
  key: string,
  sizeBytes: number,
  etag: string,
  modifiedAt: number,
  ownerId: AccountId,
  storageClass: string,
  checksumAlgorithm: ChecksumAlgorithm | null,
  checksumType: ChecksumType | null,
];

export const SUMMARY_COLUMNS = `key, size_bytes, etag, modified_at, owner_id, storage_class, checksum_algorithm,
  checksum_type`;

export function summaryOf(row: SummaryRow): ObjectSummary {
  return {
    key: row[0],
    sizeBytes: row[1],
    etag: row[2],
    modifiedAt: row[3],
    ownerId: row[4],
    storageClass: row[5],
    checksumAlgorithm: row[6] ?? undefined,
    checksumType: row[7] ?? undefined,
  };
}
