// Rows of multipart uploads and of parts as the driver gives them, and the records that they become.

import type { ChecksumAlgorithm, ChecksumType } from "../../core/checksum.ts";
import type { AccountId, UploadId } from "../../core/ids.ts";
import type { CreateUploadInput, PutPartInput } from "../metadata-store.ts";
import type { PartRecord, UploadRecord } from "../records.ts";
import {
  attributesFrom,
  attributesText,
  checksumsFrom,
  listText,
  tagsFrom,
} from "./column-text.ts";
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
} from "./rows.ts";

/** All columns of `uploads` but the check, which is made of their values in this order. */
export const UPLOAD_VALUES = `manifest_id, upload_id, bucket_id, key, initiated_at, initiator_id, owner_id,
  storage_class, checksum_algorithm, checksum_type, completed_etag, completed_sequence, tags, attributes, acl,
  encryption, retention_mode, retain_until, legal_hold, completed_version_id`;

const UPLOAD_COUNTS = { unchecked: 14, checked: 14 };

export const UPLOAD_COLUMNS = `${UPLOAD_VALUES}, row_check`;

export interface UploadRow extends LockColumns {
  readonly manifest_id: number;
  readonly upload_id: UploadId;
  readonly bucket_id: number;
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
  readonly acl: string | null;
  readonly encryption: string | null;
  /** Null also of the version "null". */
  readonly completed_version_id: string | null;
  readonly row_check: number | null;
}

/** In the order of UPLOAD_VALUES. */
export function uploadValues(row: Omit<UploadRow, "row_check">): readonly RowValue[] {
  return [
    row.manifest_id,
    row.upload_id,
    row.bucket_id,
    row.key,
    row.initiated_at,
    row.initiator_id,
    row.owner_id,
    row.storage_class,
    row.checksum_algorithm,
    row.checksum_type,
    row.completed_etag,
    row.completed_sequence,
    row.tags,
    row.attributes,
    row.acl,
    row.encryption,
    row.retention_mode,
    row.retain_until,
    row.legal_hold,
    row.completed_version_id,
  ];
}

/** The check of a row of `uploads` with these values. */
export function uploadCheck(values: readonly RowValue[]): number {
  return laterCheck(values, UPLOAD_COUNTS);
}

/** @throws DamagedRowError */
export function requireIntactUpload(row: UploadRow): void {
  const values = uploadValues(row);
  // The last column of old, and the one that a shifted check would stand in.
  const isShifted = typeof row.attributes === "number";
  if (isShifted || !isIntactLater(row.row_check, values, UPLOAD_COUNTS)) {
    throw damagedRow("uploads", values);
  }
}

/** The row of an upload that begins, without its check. */
export function uploadRow(
  input: CreateUploadInput,
  manifestId: number,
): Omit<UploadRow, "row_check"> {
  return {
    manifest_id: manifestId,
    upload_id: input.uploadId,
    bucket_id: input.bucketId,
    key: input.key,
    initiated_at: input.initiatedAt,
    initiator_id: input.initiatorId,
    owner_id: input.ownerId,
    storage_class: input.storageClass,
    checksum_algorithm: input.checksumAlgorithm ?? null,
    checksum_type: input.checksumType ?? null,
    completed_etag: null,
    completed_sequence: null,
    tags: listText(input.tags),
    attributes: attributesText(input.attributes),
    acl: input.acl ?? null,
    encryption: input.encryption ?? null,
    ...lockColumns(input.lock),
    completed_version_id: null,
  };
}

/** @throws DamagedRowError */
export function intactUploadOf(row: UploadRow): UploadRecord {
  requireIntactUpload(row);
  return uploadOf(row);
}

export function uploadOf(row: UploadRow): UploadRecord {
  const { completed_etag: etag, completed_sequence: sequence } = row;
  const versionId = row.completed_version_id ?? NULL_VERSION;
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
    acl: row.acl ?? undefined,
    encryption: row.encryption ?? undefined,
    lock: givenLockOf(row),
    completed: etag === null || sequence === null ? undefined : { etag, sequence, versionId },
  };
}

export interface StoredPartRow extends ContentColumns {
  readonly manifest_id: number;
  readonly number: number;
  readonly id: number;
  readonly size_bytes: number;
  readonly etag: string;
  readonly uploaded_at: number;
  readonly checksums: string | null;
  readonly encryption: string | null;
  readonly row_check: number | null;
}

export interface PartRow extends SetRow, StoredPartRow {
  readonly start_offset: number | null;
}

/** For `parts p`. */
export const STORED_PART_COLUMNS = `p.manifest_id, p.number, p.id, p.size_bytes, p.etag, p.uploaded_at, p.checksums,
  p.data_id, p.set_id, p.pack_offset, p.encryption, p.row_check`;

/** For `parts p`, joined with its offset `f` and its set `s`. */
export const PART_COLUMNS = `${STORED_PART_COLUMNS}, f.start_offset, ${SET_COLUMNS}`;

/** All columns of `parts` but the check, which is made of their values in this order. */
export const PART_VALUES =
  "manifest_id, number, id, size_bytes, etag, uploaded_at, data_id, set_id, checksums, pack_offset, encryption";

const PART_COUNTS = { unchecked: 9, checked: 10 };

/** In the order of PART_VALUES. */
export function partValues(row: Omit<StoredPartRow, "row_check">): readonly RowValue[] {
  return [
    row.manifest_id,
    row.number,
    row.id,
    row.size_bytes,
    row.etag,
    row.uploaded_at,
    row.data_id,
    row.set_id,
    row.checksums,
    row.pack_offset,
    row.encryption,
  ];
}

/** The check of a row of `parts` with these values. */
export function partCheck(values: readonly RowValue[]): number {
  return laterCheck(values, PART_COUNTS);
}

export function isIntactPart(row: StoredPartRow): boolean {
  return isIntactLater(row.row_check, partValues(row), PART_COUNTS);
}

/** @throws DamagedRowError */
export function requireIntactPart(row: StoredPartRow): void {
  if (!isIntactPart(row)) throw damagedRow("parts", partValues(row));
}

/** What a part is written as, without its check. */
export function partRow(
  {
    manifestId,
    partId,
    content,
  }: Pick<PartRecord, "content" | "partId"> & Pick<UploadRecord, "manifestId">,
  input: Omit<PutPartInput, "bucketId" | "content" | "key" | "uploadId">,
): Omit<StoredPartRow, "row_check"> {
  const bytes = contentColumns(content);
  return {
    manifest_id: manifestId,
    number: input.number,
    id: partId,
    size_bytes: input.sizeBytes,
    etag: input.etag,
    uploaded_at: input.uploadedAt,
    data_id: bytes.data_id,
    set_id: bytes.set_id,
    checksums: listText(input.checksums),
    pack_offset: bytes.pack_offset,
    encryption: input.encryption ?? null,
  };
}

/** @throws DamagedRowError */
export function partOf(row: PartRow): PartRecord {
  requireIntactPart(row);
  return {
    partId: row.id,
    number: row.number,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    uploadedAt: row.uploaded_at,
    checksums: checksumsFrom(row.checksums),
    encryption: row.encryption ?? undefined,
    content: contentOf(row),
    startOffset: row.start_offset ?? undefined,
  };
}
