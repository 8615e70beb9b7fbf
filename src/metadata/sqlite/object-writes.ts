// Writes to objects, within the writer's transaction.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { PutObjectInput } from "../metadata-store.ts";
import type { ObjectRecord } from "../records.ts";
import { checkCondition } from "../write-condition.ts";
import type { ObjectTagsInput, StoredObject } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import { listText } from "./column-text.ts";
import type { ContentWrites } from "./content-writes.ts";
import type { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import {
  OBJECT_VALUES,
  STANDING_COLUMNS,
  objectValues,
  recordValues,
  type StandingRow,
} from "./object-rows.ts";
import { requireIntactRow, rowCheck, type RowValue } from "./row-check.ts";

/** A key on its way to its next state: what stands there, in a bucket that exists. */
export interface ObjectPlace {
  readonly bucketId: number;
  readonly key: string;
  readonly standing: StandingRow | undefined;
}

const SQL = {
  standing: `select ${STANDING_COLUMNS} from objects o where o.bucket_id = ? and o.key = ?`,
  bucket: "select 1 from buckets where id = ?",
  count: `update buckets set object_count = object_count + ?, object_bytes = object_bytes + ?
    where id = ?`,
  replace: `insert or replace into objects (${OBJECT_VALUES}, row_check)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  remove: "delete from objects where bucket_id = ? and key = ?",
  tags: "update objects set tags = ?, row_check = ? where bucket_id = ? and key = ?",
} as const;

export class ObjectWrites {
  readonly #contents: ContentWrites;
  readonly #manifests: ManifestWrites;
  readonly #numbering: Numbering;
  readonly #standing: Statement<[number, string], StandingRow>;
  readonly #bucket: Statement<[number]>;
  readonly #count: Statement<[number, number, number]>;
  readonly #replace: Statement<RowValue[]>;
  readonly #remove: Statement<[number, string]>;
  readonly #tags: Statement<[string | null, number, number, string]>;

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
    const content = this.#contents.acquire(input.content, sequence, input.sizeBytes);
    const { condition: _condition, bucketId: _bucketId, ...said } = input;
    this.replace(place, { ...said, sequence, content, versionId: "null" }, nowMs);
    return { sequence, content };
  }

  /** @throws S3Error NoSuchBucket, DamagedRowError */
  findPlace(bucketId: number, key: string): ObjectPlace {
    this.checkBucket(bucketId);
    return { bucketId, key, standing: this.#findStanding(bucketId, key) };
  }

  /** Makes a record the current version; the bytes of the one that stood there are released. */
  replace({ bucketId, standing }: ObjectPlace, object: ObjectRecord, nowMs: number): void {
    const values = recordValues(bucketId, object);
    this.#replace.run(...values, rowCheck(values));
    const grown = object.sizeBytes - (standing?.size_bytes ?? 0);
    this.#count.run(standing === undefined ? 1 : 0, grown, bucketId);
    if (standing !== undefined) this.#release(standing, nowMs);
  }

  deleteObjects(bucketId: number, keys: readonly string[], nowMs: number): readonly boolean[] {
    this.checkBucket(bucketId);
    return keys.map((key) => {
      const standing = this.#findStanding(bucketId, key);
      if (standing === undefined) return false;
      this.#remove.run(bucketId, key);
      this.#count.run(-1, -standing.size_bytes, bucketId);
      this.#release(standing, nowMs);
      return true;
    });
  }

  putObjectTags({ bucketId, key, tags }: ObjectTagsInput): void {
    this.checkBucket(bucketId);
    const standing = this.#findStanding(bucketId, key);
    if (standing === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
    const text = listText(tags);
    const check = rowCheck(objectValues({ bucketId, key }, { ...standing, tags: text }));
    this.#tags.run(text, check, bucketId, key);
  }

  /** @throws S3Error NoSuchBucket */
  checkBucket(bucketId: number): void {
    if (this.#bucket.get(bucketId) === undefined) throw new S3Error("NoSuchBucket");
  }

  /** What a damaged row names is not released: it could be another object's. @throws DamagedRowError */
  #findStanding(bucketId: number, key: string): StandingRow | undefined {
    const row = this.#standing.get(bucketId, key);
    if (row !== undefined) {
      requireIntactRow("objects", row.row_check, objectValues({ bucketId, key }, row));
    }
    return row;
  }

  #release(standing: StandingRow, nowMs: number): void {
    this.#contents.release(standing, nowMs);
    if (standing.manifest_id !== null) this.#manifests.remove(standing.manifest_id, nowMs);
  }
}
