// Writes to multipart uploads, within the writer's transaction. Completing moves no part rows: it writes one narrow row
// a part that says where the part begins, and the upload becomes the object's manifest.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { UploadId } from "../../core/ids.ts";
import type { CompleteUploadInput, CreateUploadInput, PutPartInput } from "../metadata-store.ts";
import type { ObjectRecord, UploadRecord } from "../records.ts";
import { checkCondition } from "../write-condition.ts";
import type { StoredPart, UploadName } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import type { ContentColumns, ContentWrites } from "./content-writes.ts";
import type { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import type { ObjectWrites } from "./object-writes.ts";
import { attributesText, listText, uploadOf, type UploadRow } from "./rows.ts";
import { FIND_UPLOAD } from "./upload-reads.ts";

interface PartName {
  readonly number: number;
  readonly id: number;
}

const SQL = {
  insert: `insert into uploads (manifest_id, upload_id, bucket_id, key, initiated_at, initiator_id, owner_id,
    storage_class, checksum_algorithm, checksum_type, tags, attributes)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  open: `${FIND_UPLOAD} and completed_sequence is null`,
  openOfBucket: `select manifest_id from uploads indexed by uploads_open
    where bucket_id = ? and completed_sequence is null order by manifest_id`,
  part: "select data_id, set_id from parts where manifest_id = ? and number = ?",
  partNames: "select number, id from parts where manifest_id = ? order by number",
  replacePart: `insert or replace into parts (manifest_id, number, id, size_bytes, etag, uploaded_at, data_id, set_id,
    checksums) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  removePart: "delete from parts where manifest_id = ? and number = ?",
  placeParts: `insert into part_offsets (manifest_id, start_offset, number)
    select manifest_id, sum(size_bytes) over (order by number rows unbounded preceding) - size_bytes, number
    from parts where manifest_id = ?`,
  complete: "update uploads set completed_etag = ?, completed_sequence = ? where manifest_id = ?",
} as const;

export class UploadWrites {
  readonly #contents: ContentWrites;
  readonly #manifests: ManifestWrites;
  readonly #numbering: Numbering;
  readonly #objects: ObjectWrites;
  readonly #insert: Statement;
  readonly #open: Statement<[UploadId, number, string], UploadRow>;
  readonly #openOfBucket: Statement<[number], number>;
  readonly #part: Statement<[number, number], ContentColumns>;
  readonly #partNames: Statement<[number], PartName>;
  readonly #replacePart: Statement;
  readonly #removePart: Statement<[number, number]>;
  readonly #placeParts: Statement<[number]>;
  readonly #complete: Statement<[string, number, number]>;

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
    this.#objects.checkBucket(input.bucketId);
    const manifestId = this.#numbering.next();
    this.#insert.run(
      manifestId,
      input.uploadId,
      input.bucketId,
      input.key,
      input.initiatedAt,
      input.initiatorId,
      input.ownerId,
      input.storageClass,
      input.checksumAlgorithm ?? null,
      input.checksumType ?? null,
      listText(input.tags),
      attributesText(input.attributes),
    );
    return manifestId;
  }

  putPart(input: PutPartInput, nowMs: number): StoredPart {
    const { manifestId } = this.#getOpen(input);
    const replaced = this.#part.get(manifestId, input.number);
    const partId = this.#numbering.next();
    const content = this.#contents.acquire(input.content, partId);
    const place = [manifestId, input.number, partId];
    const dataId = content.kind === "inline" ? content.dataId : null;
    const setId = content.kind === "set" ? content.set.id : null;
    const said = [input.sizeBytes, input.etag, input.uploadedAt];
    this.#replacePart.run(...place, ...said, dataId, setId, listText(input.checksums));
    if (replaced !== undefined) this.#contents.release(replaced, nowMs);
    return { partId, content };
  }

  completeUpload(input: CompleteUploadInput, nowMs: number): ObjectRecord {
    const upload = this.#getOpen(input);
    const { manifestId } = upload;
    const unnamed = this.#checkParts(manifestId, input);
    const place = this.#objects.findPlace(input.bucketId, input.key);
    checkCondition(input.key, place.standing?.etag, input.condition);

    for (const number of unnamed) {
      const part = this.#part.get(manifestId, number);
      if (part !== undefined) this.#contents.release(part, nowMs);
      this.#removePart.run(manifestId, number);
    }
    this.#placeParts.run(manifestId);
    const sequence = this.#numbering.next();
    this.#complete.run(input.etag, sequence, manifestId);
    const object = completedObject(upload, input, sequence);
    this.#objects.replace(place, object, nowMs);
    return object;
  }

  abortUpload(name: UploadName, nowMs: number): void {
    this.#manifests.remove(this.#getOpen(name).manifestId, nowMs);
  }

  abortAll(bucketId: number, nowMs: number): void {
    for (const manifestId of this.#openOfBucket.all(bucketId)) {
      this.#manifests.remove(manifestId, nowMs);
    }
  }

  /** An upload in progress. @throws S3Error NoSuchUpload */
  #getOpen({ bucketId, key, uploadId }: UploadName): UploadRecord {
    const row = this.#open.get(uploadId, bucketId, key);
    if (row === undefined) throw new S3Error("NoSuchUpload", { detail: { UploadId: uploadId } });
    return uploadOf(row);
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
  sequence: number,
): ObjectRecord {
  const { manifestId, ownerId, storageClass, attributes, tags } = upload;
  return {
    key: input.key,
    versionId: "null",
    sequence,
    sizeBytes: input.sizeBytes,
    etag: input.etag,
    modifiedAt: input.completedAt,
    ownerId,
    storageClass,
    checksum: input.checksum,
    attributes,
    tags,
    content: { kind: "manifest", manifestId, partCount: input.parts.length },
  };
}
