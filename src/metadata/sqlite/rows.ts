// SQL rows as the driver gives them, and the records that they become.

import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../../core/checksum.ts";
import type { AccountId, SetId, UploadId } from "../../core/ids.ts";
import type { Tag } from "../../core/tags.ts";
import type {
  BucketRecord,
  Content,
  ManifestContent,
  ObjectAttributes,
  ObjectRecord,
  ObjectSummary,
  PartRecord,
  ShardSetRecord,
  UploadRecord,
  Versioning,
} from "../records.ts";

export const BUCKET_COLUMNS = `id, name, owner_id, region, created_at, versioning, settings_version, object_count,
  object_bytes`;

export interface BucketRow {
  readonly id: number;
  readonly name: string;
  readonly owner_id: AccountId;
  readonly region: string;
  readonly created_at: number;
  readonly versioning: Versioning;
  readonly settings_version: number;
  readonly object_count: number;
  readonly object_bytes: number;
}

export function bucketOf(row: BucketRow): BucketRecord {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    region: row.region,
    createdAt: row.created_at,
    versioning: row.versioning,
    settingsVersion: row.settings_version,
    objectCount: row.object_count,
    objectBytes: row.object_bytes,
  };
}

/** The columns of a set beside those of what refers to it; all null where nothing does. */
export const SET_COLUMNS = `s.data_shards, s.parity_shards, s.unit_bytes, s.layout_version,
  s.size_bytes as set_bytes, s.header_bytes, s.missing`;

export interface SetRow {
  readonly data_id: number | null;
  readonly set_id: SetId | null;
  readonly data_shards: number;
  readonly parity_shards: number;
  readonly unit_bytes: number;
  readonly layout_version: number;
  readonly set_bytes: number;
  readonly header_bytes: number;
  readonly missing: string | null;
}

function contentOf(row: SetRow): Content {
  if (row.set_id !== null) return { kind: "set", set: setOf(row, row.set_id) };
  if (row.data_id === null) throw new Error("a row names neither inline bytes nor a set");
  return { kind: "inline", dataId: row.data_id };
}

export function setOf(row: Omit<SetRow, "data_id" | "set_id">, id: SetId): ShardSetRecord {
  return {
    id,
    dataShards: row.data_shards,
    parityShards: row.parity_shards,
    unitBytes: row.unit_bytes,
    layoutVersion: row.layout_version,
    sizeBytes: row.set_bytes,
    headerBytes: row.header_bytes,
    missing: indexesFrom(row.missing),
  };
}

export interface ObjectRow extends SetRow {
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
}

export const OBJECT_COLUMNS = `o.sequence, o.version_id, o.size_bytes, o.etag, o.modified_at, o.owner_id,
  o.storage_class, o.checksum_algorithm, o.checksum_type, o.checksum_value, o.data_id, o.set_id, o.manifest_id,
  o.part_count, o.tags, o.attributes, ${SET_COLUMNS}`;

export function objectOf(key: string, row: ObjectRow): ObjectRecord {
  return {
    key,
    versionId: row.version_id ?? "null",
    sequence: row.sequence,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    modifiedAt: row.modified_at,
    ownerId: row.owner_id,
    storageClass: row.storage_class,
    checksum: checksumOf(row),
    attributes: attributesFrom(row.attributes),
    tags: tagsFrom(row.tags),
    content: manifestOf(row) ?? contentOf(row),
  };
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

export const UPLOAD_COLUMNS = `manifest_id, upload_id, key, initiated_at, initiator_id, owner_id, storage_class,
  checksum_algorithm, checksum_type, completed_etag, completed_sequence, tags, attributes`;

export interface UploadRow {
  readonly manifest_id: number;
  readonly upload_id: UploadId;
  readonly key: string;
  readonly initiated_at: number;
  readonly initiator_id: AccountId;
  readonly owner_id: AccountId;
  readonly storage_class: string;
  readonly checksum_algorithm: ChecksumAlgorithm | null;
  readonly checksum_type: ChecksumType | null;
  readonly completed_etag: string | null;
  readonly completed_sequence: number | null;
  readonly tags: string | null;
  readonly attributes: string | null;
}

export function uploadOf(row: UploadRow): UploadRecord {
  const { completed_etag: etag, completed_sequence: sequence } = row;
  return {
    uploadId: row.upload_id,
    manifestId: row.manifest_id,
    key: row.key,
    initiatedAt: row.initiated_at,
    initiatorId: row.initiator_id,
    ownerId: row.owner_id,
    storageClass: row.storage_class,
    checksumAlgorithm: row.checksum_algorithm ?? undefined,
    checksumType: row.checksum_type ?? undefined,
    attributes: attributesFrom(row.attributes),
    tags: tagsFrom(row.tags),
    completed: etag === null || sequence === null ? undefined : { etag, sequence },
  };
}

export interface PartRow extends SetRow {
  readonly id: number;
  readonly number: number;
  readonly size_bytes: number;
  readonly etag: string;
  readonly uploaded_at: number;
  readonly checksums: string | null;
  readonly start_offset: number | null;
}

/** For `parts p`, joined with its offset `f` and its set `s`. */
export const PART_COLUMNS = `p.id, p.number, p.size_bytes, p.etag, p.uploaded_at, p.checksums, p.data_id, p.set_id,
  f.start_offset, ${SET_COLUMNS}`;

export function partOf(row: PartRow): PartRecord {
  return {
    partId: row.id,
    number: row.number,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    uploadedAt: row.uploaded_at,
    checksums: checksumsFrom(row.checksums),
    content: contentOf(row),
    startOffset: row.start_offset ?? undefined,
  };
}

// JSON in columns is our own writing: null stands for the empty value, which is the common one.

const NO_ATTRIBUTES: ObjectAttributes = { headers: {}, userMetadata: {} };

export function attributesText({ headers, userMetadata }: ObjectAttributes): string | null {
  const isEmpty = Object.keys(headers).length + Object.keys(userMetadata).length === 0;
  return isEmpty ? null : JSON.stringify({ headers, userMetadata });
}

function attributesFrom(text: string | null): ObjectAttributes {
  return text === null ? NO_ATTRIBUTES : (JSON.parse(text) as ObjectAttributes);
}

/** A list as JSON; null when it is empty. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function tagsFrom(text: string | null): readonly Tag[] {
  return text === null ? [] : (JSON.parse(text) as readonly Tag[]);
}

function checksumsFrom(text: string | null): readonly ObjectChecksum[] {
  return text === null ? [] : (JSON.parse(text) as readonly ObjectChecksum[]);
}

export function indexesFrom(text: string | null): readonly number[] {
  return text === null ? [] : (JSON.parse(text) as readonly number[]);
}
