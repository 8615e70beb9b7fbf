// Rows of buckets, of shard sets and of what names bytes, as the driver gives them, and the records that they become.

import type { AccountId, SetId } from "../../core/ids.ts";
import type {
  BucketLock,
  BucketRecord,
  Content,
  GivenLock,
  LockMode,
  ShardSetRecord,
  Versioning,
} from "../records.ts";
import { DamagedRowError } from "../damaged-row-error.ts";
import { defaultRetentionFrom, indexesFrom } from "./column-text.ts";
import { isIntact, requireIntactRow, type RowValue } from "./row-check.ts";

export const BUCKET_COLUMNS = `id, name, owner_id, region, created_at, versioning, settings_version, object_count,
  object_bytes, has_lock, lock_default, quota_bytes`;

/** What a bucket says of its lock. */
export interface BucketLockColumns {
  readonly has_lock: number;
  readonly lock_default: string | null;
}

export interface BucketRow extends BucketLockColumns {
  readonly id: number;
  readonly name: string;
  readonly owner_id: AccountId;
  readonly region: string;
  readonly created_at: number;
  readonly versioning: Versioning;
  readonly settings_version: number;
  readonly object_count: number;
  readonly object_bytes: number;
  readonly quota_bytes: number | null;
}

export function bucketOf(row: BucketRow): BucketRecord {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    region: row.region,
    createdAt: row.created_at,
    versioning: row.versioning,
    lock: bucketLockOf(row),
    quotaBytes: row.quota_bytes ?? undefined,
    settingsVersion: row.settings_version,
    objectCount: row.object_count,
    objectBytes: row.object_bytes,
  };
}

export function bucketLockOf(row: BucketLockColumns): BucketLock | undefined {
  if (row.has_lock === 0) return undefined;
  return { defaultRetention: defaultRetentionFrom(row.lock_default) };
}

/** What an object is, or an upload's is to be, locked with. */
export interface LockColumns {
  readonly retention_mode: LockMode | null;
  readonly retain_until: number | null;
  /** Null where there never was one. */
  readonly legal_hold: number | null;
}

export function lockColumns({ retention, legalHold }: GivenLock): LockColumns {
  return {
    retention_mode: retention?.mode ?? null,
    retain_until: retention?.until ?? null,
    legal_hold: legalHold === undefined ? null : Number(legalHold),
  };
}

export function givenLockOf(row: LockColumns): GivenLock {
  const { retention_mode: mode, retain_until: until, legal_hold: hold } = row;
  return {
    retention: mode === null || until === null ? undefined : { mode, until },
    legalHold: hold === null ? undefined : hold === 1,
  };
}

/** The columns by which a row names its bytes: inline, in a set, in a pack. */
export interface ContentColumns {
  readonly data_id: number | null;
  readonly set_id: SetId | null;
  /** Where the bytes begin in each shard file of a pack; null in a set of one object. */
  readonly pack_offset: number | null;
}

export function contentColumns(content: Content): ContentColumns {
  // Written out: this is made for every row, and spreading costs more than the rest of it.
  if (content.kind === "inline")
    return { data_id: content.dataId, set_id: null, pack_offset: null };
  const pack_offset = content.kind === "packed" ? content.offset : null;
  return { data_id: null, set_id: content.set.id, pack_offset };
}

/** The columns of a set beside those of what refers to it; all null where nothing does. */
export const SET_COLUMNS = `s.data_shards, s.parity_shards, s.unit_bytes, s.layout_version,
  iif(s.pack_state = 'open', 0, s.size_bytes) as set_bytes, s.header_bytes, s.missing, s.row_check as set_check`;

export interface SetRow {
  /** Null where a join found no set. */
  readonly data_shards: number | null;
  readonly parity_shards: number;
  readonly unit_bytes: number;
  readonly layout_version: number;
  readonly set_bytes: number;
  readonly header_bytes: number;
  readonly missing: string | null;
  readonly set_check: number | null;
}

/** The same without names, in this order: that of SET_COLUMNS, and of what a pack's row returns (content-writes.ts). */
export type SetRowValues = readonly [
  data_shards: SetRow["data_shards"],
  parity_shards: SetRow["parity_shards"],
  unit_bytes: SetRow["unit_bytes"],
  layout_version: SetRow["layout_version"],
  set_bytes: SetRow["set_bytes"],
  header_bytes: SetRow["header_bytes"],
  missing: SetRow["missing"],
  set_check: SetRow["set_check"],
];

export function setRowOfValues(values: SetRowValues): SetRow {
  return {
    data_shards: values[0],
    parity_shards: values[1],
    unit_bytes: values[2],
    layout_version: values[3],
    set_bytes: values[4],
    header_bytes: values[5],
    missing: values[6],
    set_check: values[7],
  };
}

/** @throws DamagedRowError when the row of the set is not what was written. */
export function contentOf(row: ContentColumns & SetRow): Content {
  const { set_id: setId, data_id: dataId, pack_offset: offset } = row;
  if (setId !== null) {
    const set = setOf(row, setId);
    return offset === null ? { kind: "set", set } : { kind: "packed", set, offset };
  }
  if (dataId === null) throw new Error("a row names neither inline bytes nor a set");
  return { kind: "inline", dataId };
}

/** What of a set's row never changes; of a pack's its size does. */
export function setValues(
  set: Omit<ShardSetRecord, "missing">,
  isPack: boolean,
): readonly RowValue[] {
  const { id, dataShards, parityShards, unitBytes, layoutVersion, headerBytes } = set;
  const geometry = [id, dataShards, parityShards, unitBytes, layoutVersion, headerBytes];
  return isPack ? geometry : [...geometry, set.sizeBytes];
}

/** @throws DamagedRowError also when the set is named and not there. */
export function setOf(row: SetRow, id: SetId): ShardSetRecord {
  const { data_shards: dataShards } = row;
  if (dataShards === null) throw new DamagedRowError("shard_sets", id);
  const set = {
    id,
    dataShards,
    parityShards: row.parity_shards,
    unitBytes: row.unit_bytes,
    layoutVersion: row.layout_version,
    sizeBytes: row.set_bytes,
    headerBytes: row.header_bytes,
    missing: indexesFrom(row.missing),
  };
  // The check was made of one or of the other; what was changed agrees with neither.
  if (!isIntact(row.set_check, setValues(set, false))) {
    requireIntactRow("shard_sets", row.set_check, setValues(set, true));
  }
  return set;
}
