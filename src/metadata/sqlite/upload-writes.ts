// Writes to multipart uploads, within the writer's transaction. Completing moves no part rows: it writes one narrow row
// a part that says where the part begins, and the upload becomes the object's manifest.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { UploadId } from "../../core/ids.ts";
import type {
  CompleteUploadInput,
  CompletionRecord,
  CreateUploadInput,
  PutPartInput,
} from "../metadata-store.ts";
import { checkGivenLock, lockOf } from "../object-lock.ts";
import type { ObjectRecord, UploadRecord } from "../records.ts";
import { NULL_VERSION } from "../version-id.ts";
import { checkCondition } from "../write-condition.ts";
import { RECORD_NUMBER } from "../write-inputs.ts";
import type { StoredPart, UploadName } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import type { ContentWrites } from "./content-writes.ts";
import type { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import type { ObjectDraft, ObjectWrites } from "./object-writes.ts";
import type { RowValue } from "./row-check.ts";
import { bucketLockOf } from "./rows.ts";
import { FIND_UPLOAD } from "./upload-reads.ts";
import {
  PART_VALUES,
  STORED_PART_COLUMNS,
  UPLOAD_VALUES,
  partCheck,
  partRow,
  partValues,
  requireIntactPart,
  requireIntactUpload,
  uploadCheck,
  uploadOf,
  uploadRow,
  uploadValues,
  type StoredPartRow,
  type UploadRow,
} from "./upload-rows.ts";

interface PartName {
  readonly number: number;
  readonly id: number;
}

/** Rows that one transaction removes and changes with uploads, but for those of one upload more: it must end soon. */
const ABORTED_ROWS_MAX = 10_000;

const SQL = {
  insert: `insert into uploads (${UPLOAD_VALUES}, row_check)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  open: `${FIND_UPLOAD} and completed_sequence is null`,
  // Their parts are not counted here: of those that another transaction removes they would be counted in each before it.
  openOfBucket: `select manifest_id from uploads indexed by uploads_open
    where bucket_id = ? and completed_sequence is null order by manifest_id limit ${ABORTED_ROWS_MAX + 1}`,
  part: `select ${STORED_PART_COLUMNS} from parts p where p.manifest_id = ? and p.number = ?`,
  partNames: "select number, id from parts where manifest_id = ? order by number",
  replacePart: `insert or replace into parts (${PART_VALUES}, row_check)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  removePart: "delete from parts where manifest_id = ? and number = ?",
  placeParts: `insert into part_offsets (manifest_id, start_offset, number)
    select manifest_id, sum(size_bytes) over (order by number rows unbounded preceding) - size_bytes, number
    from parts where manifest_id = ?`,
  complete: `update uploads set completed_etag = ?, completed_sequence = ?, completed_version_id = ?, row_check = ?
    where manifest_id = ?`,
} as const;

export class UploadWrites {
  readonly #contents: ContentWrites;
  readonly #manifests: ManifestWrites;
  readonly #numbering: Numbering;
  readonly #objects: ObjectWrites;
  readonly #insert: Statement<RowValue[]>;
  readonly #open: Statement<[UploadId, number, string], UploadRow>;
  readonly #openOfBucket: Statement<[number], number>;
  readonly #part: Statement<[number, number], StoredPartRow>;
  readonly #partNames: Statement<[number], PartName>;
  readonly #replacePart: Statement<RowValue[]>;
  readonly #removePart: Statement<[number, number]>;
  readonly #placeParts: Statement<[number]>;
  readonly #complete: Statement<[string, number, string | null, number, number]>;

  constructor(
    database: StatementSource,
    parts: {
      readonly contents: ContentWrites;
      readonly manifests: ManifestWrites;
      readonly numbering: Numbering;
      readonly objects: ObjectWrites;
    },
  ) {
    this.#contents = parts.contents;
    this.#manifests = parts.manifests;
    this.#numbering = parts.numbering;
    this.#objects = parts.objects;
    this.#insert = database.prepare(SQL.insert);
    this.#open = database.prepare(SQL.open);
    this.#openOfBucket = database.prepare<[number], number>(SQL.openOfBucket).pluck();
    this.#part = database.prepare(SQL.part);
    this.#partNames = database.prepare(SQL.partNames);
    this.#replacePart = database.prepare(SQL.replacePart);
    this.#removePart = database.prepare(SQL.removePart);
    this.#placeParts = database.prepare(SQL.placeParts);
    this.#complete = database.prepare(SQL.complete);
  }

  createUpload(input: CreateUploadInput): number {
    checkGivenLock(input.lock, bucketLockOf(this.#objects.getBucket(input.bucketId)));
    const manifestId = this.#numbering.next();
    const values = uploadValues(uploadRow(input, manifestId));
    this.#insert.run(...values, uploadCheck(values));
    return manifestId;
  }

  putPart(input: PutPartInput, nowMs: number): StoredPart {
    const { manifest_id: manifestId } = this.#getOpen(input);
    const replaced = this.#findPart(manifestId, input.number);
    const partId = this.#numbering.next();
    const content = this.#contents.acquire(input.content, partId, input.sizeBytes);
    const values = partValues(partRow({ manifestId, partId, content }, input));
    this.#replacePart.run(...values, partCheck(values));
    if (replaced !== undefined) this.#contents.release(replaced, nowMs);
    return { partId, content };
  }

  completeUpload(input: CompleteUploadInput, nowMs: number): ObjectRecord {
    const row = this.#getOpen(input);
    const { manifest_id: manifestId } = row;
    const unnamed = this.#checkParts(manifestId, input);
    const place = this.#objects.findPlace(input.bucketId, input.key);
    checkCondition(input.key, place.standing?.etag, input.condition);

    for (const number of unnamed) {
      const part = this.#findPart(manifestId, number);
      if (part !== undefined) this.#contents.release(part, nowMs);
      this.#removePart.run(manifestId, number);
    }
    this.#placeParts.run(manifestId);
    // After that: it has no place in the object.
    if (input.record !== undefined) this.#keepRecord(manifestId, input.record, input.completedAt);
    const sequence = this.#numbering.next();
    const upload = uploadOf(row);
    const lock = lockOf(upload.lock, bucketLockOf(place.bucket), input.completedAt);
    const draft = { ...completedObject(upload, input), sequence, lock };
    const object = { ...draft, versionId: this.#objects.add(place, draft, nowMs) };
    this.#noteCompleted(row, object);
    return object;
  }

  #keepRecord(manifestId: number, record: CompletionRecord, uploadedAt: number): void {
    const { sizeBytes, etag } = record;
    const partId = this.#numbering.next();
    const content = this.#contents.acquire(record.content, partId, sizeBytes);
    const said = { number: RECORD_NUMBER, sizeBytes, etag, uploadedAt, checksums: [] };
    const row = partRow({ manifestId, partId, content }, { ...said, encryption: undefined });
    const values = partValues(row);
    this.#replacePart.run(...values, partCheck(values));
  }

  /** For whoever completes it again. */
  #noteCompleted(row: UploadRow, { etag, sequence, versionId }: ObjectRecord): void {
    const completed = {
      completed_etag: etag,
      completed_sequence: sequence,
      completed_version_id: versionId === NULL_VERSION ? null : versionId,
    };
    const check = uploadCheck(uploadValues({ ...row, ...completed }));
    const id = completed.completed_version_id;
    this.#complete.run(etag, sequence, id, check, row.manifest_id);
  }

  abortUpload(name: UploadName, nowMs: number): void {
    this.#manifests.remove(this.#getOpen(name).manifest_id, nowMs);
  }

  /** Removes open uploads of a bucket. Answers whether these were all. */
  abortSome(bucketId: number, nowMs: number): boolean {
    let rows = 0;
    for (const manifestId of this.#openOfBucket.all(bucketId)) {
      if (rows >= ABORTED_ROWS_MAX) return false;
      rows += this.#manifests.remove(manifestId, nowMs);
    }
    return true;
  }

  /** An upload in progress. @throws S3Error NoSuchUpload, DamagedRowError */
  #getOpen({ bucketId, key, uploadId }: UploadName): UploadRow {
    const row = this.#open.get(uploadId, bucketId, key);
    if (row === undefined) throw new S3Error("NoSuchUpload", { detail: { UploadId: uploadId } });
    requireIntactUpload(row);
    return row;
  }

  /** @throws DamagedRowError */
  #findPart(manifestId: number, number: number): StoredPartRow | undefined {
    const row = this.#part.get(manifestId, number);
    if (row !== undefined) requireIntactPart(row);
    return row;
  }

  /** The numbers of the parts that are not named. @throws S3Error InvalidPart, InvalidPartOrder */
  #checkParts(manifestId: number, input: CompleteUploadInput): Iterable<number> {
    const idOf = new Map(this.#partNames.all(manifestId).map(({ number, id }) => [number, id]));
    let numberBefore = 0;
    for (const { number, partId } of input.parts) {
      if (number <= numberBefore) throw new S3Error("InvalidPartOrder");
      if (idOf.get(number) !== partId) {
        throw new S3Error("InvalidPart", { detail: { PartNumber: String(number) } });
      }
      idOf.delete(number);
      numberBefore = number;
    }
    return idOf.keys();
  }
}

function completedObject(
  upload: UploadRecord,
  input: CompleteUploadInput,
): Omit<ObjectDraft, "lock" | "sequence"> {
  const { manifestId, ownerId, storageClass, attributes, tags, acl, encryption } = upload;
  return {
    key: input.key,
    sizeBytes: input.sizeBytes,
    etag: input.etag,
    modifiedAt: input.completedAt,
    ownerId,
    storageClass,
    checksum: input.checksum,
    attributes,
    tags,
    acl,
    encryption,
    content: { kind: "manifest", manifestId, partCount: input.parts.length },
  };
}
