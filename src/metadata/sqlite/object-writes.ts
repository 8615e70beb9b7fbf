// Writes to objects, within the writer's transaction.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { SetId } from "../../core/ids.ts";
import type { PutObjectInput } from "../metadata-store.ts";
import type { ObjectRecord } from "../records.ts";
import { checkCondition } from "../write-condition.ts";
import type { ObjectTagsInput, StoredObject } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import type { ContentColumns, ContentWrites } from "./content-writes.ts";
import type { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import { attributesText, listText } from "./rows.ts";

interface StandingRow extends ContentColumns {
  readonly size_bytes: number;
  readonly etag: string;
  readonly manifest_id: number | null;
}

/** A key on its way to its next state: what stands there, in a bucket that exists. */
export interface ObjectPlace {
  readonly bucketId: number;
  readonly key: string;
  readonly standing: StandingRow | undefined;
}

const SQL = {
  standing: `select size_bytes, etag, data_id, set_id, manifest_id from objects
    where bucket_id = ? and key = ?`,
  bucket: "select 1 from buckets where id = ?",
  count: `update buckets set object_count = object_count + ?, object_bytes = object_bytes + ?
    where id = ?`,
  replace: `insert or replace into objects (bucket_id, key, sequence, size_bytes, etag, modified_at, owner_id,
    storage_class, checksum_algorithm, checksum_type, checksum_value, data_id, set_id, manifest_id, part_count, tags,
    attributes) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  remove: "delete from objects where bucket_id = ? and key = ?",
  tags: "update objects set tags = ? where bucket_id = ? and key = ?",
} as const;

export class ObjectWrites {
  readonly #contents: ContentWrites;
  readonly #manifests: ManifestWrites;
  readonly #numbering: Numbering;
  readonly #standing: Statement<[number, string], StandingRow>;
  readonly #bucket: Statement<[number]>;
  readonly #count: Statement<[number, number, number]>;
  readonly #replace: Statement;
  readonly #remove: Statement<[number, string]>;
  readonly #tags: Statement<[string | null, number, string]>;

  constructor(
    database: StatementSource,
    parts: {
      readonly contents: ContentWrites;
      readonly manifests: ManifestWrites;
      readonly numbering: Numbering;
    },
  ) {
    this.#contents = parts.contents;
    this.#manifests = parts.manifests;
    this.#numbering = parts.numbering;
    this.#standing = database.prepare(SQL.standing);
    this.#bucket = database.prepare(SQL.bucket);
    this.#count = database.prepare(SQL.count);
    this.#replace = database.prepare(SQL.replace);
    this.#remove = database.prepare(SQL.remove);
    this.#tags = database.prepare(SQL.tags);
  }

  putObject(input: PutObjectInput, nowMs: number): StoredObject {
    const place = this.findPlace(input.bucketId, input.key);
    checkCondition(input.key, place.standing?.etag, input.condition);
    const sequence = this.#numbering.next();
    // The reference is taken before the old one goes: a copy onto itself shares the set that it replaces.
    const content = this.#contents.acquire(input.content, sequence);
    const { condition: _condition, bucketId: _bucketId, ...said } = input;
    this.replace(place, { ...said, sequence, content, versionId: "null" }, nowMs);
    return { sequence, content };
  }

  /** @throws S3Error NoSuchBucket */
  findPlace(bucketId: number, key: string): ObjectPlace {
    this.checkBucket(bucketId);
    return { bucketId, key, standing: this.#standing.get(bucketId, key) };
  }

  /** Makes a record the current version; the bytes of the one that stood there are released. */
  replace({ bucketId, standing }: ObjectPlace, object: ObjectRecord, nowMs: number): void {
    const { checksum, content } = object;
    this.#replace.run(
      bucketId,
      object.key,
      object.sequence,
      object.sizeBytes,
      object.etag,
      object.modifiedAt,
      object.ownerId,
      object.storageClass,
      checksum?.algorithm ?? null,
      checksum?.type ?? null,
      checksum?.value ?? null,
      ...contentColumns(content),
      listText(object.tags),
      attributesText(object.attributes),
    );
    const grown = object.sizeBytes - (standing?.size_bytes ?? 0);
    this.#count.run(standing === undefined ? 1 : 0, grown, bucketId);
    if (standing !== undefined) this.#release(standing, nowMs);
  }

  deleteObjects(bucketId: number, keys: readonly string[], nowMs: number): readonly boolean[] {
    this.checkBucket(bucketId);
    return keys.map((key) => {
      const standing = this.#standing.get(bucketId, key);
      if (standing === undefined) return false;
      this.#remove.run(bucketId, key);
      this.#count.run(-1, -standing.size_bytes, bucketId);
      this.#release(standing, nowMs);
      return true;
    });
  }

  putObjectTags({ bucketId, key, tags }: ObjectTagsInput): void {
    this.checkBucket(bucketId);
    const { changes } = this.#tags.run(listText(tags), bucketId, key);
    if (changes === 0) throw new S3Error("NoSuchKey", { detail: { Key: key } });
  }

  /** @throws S3Error NoSuchBucket */
  checkBucket(bucketId: number): void {
    if (this.#bucket.get(bucketId) === undefined) throw new S3Error("NoSuchBucket");
  }

  #release(standing: StandingRow, nowMs: number): void {
    this.#contents.release(standing, nowMs);
    if (standing.manifest_id !== null) this.#manifests.remove(standing.manifest_id, nowMs);
  }
}

type ContentValues = readonly [
  dataId: number | null,
  setId: SetId | null,
  manifestId: number | null,
  partCount: number | null,
];

function contentColumns(content: ObjectRecord["content"]): ContentValues {
  if (content.kind === "inline") return [content.dataId, null, null, null];
  if (content.kind !== "manifest") return [null, content.set.id, null, null];
  return [null, null, content.manifestId, content.partCount];
}
