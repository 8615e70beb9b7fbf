// Writes to buckets and their settings, within the writer's transaction.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { CreateBucketInput } from "../metadata-store.ts";
import type { BucketRecord } from "../records.ts";
import type { BucketConfigInput } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import type { Numbering } from "./numbering.ts";
import { BUCKET_COLUMNS, bucketOf, type BucketRow } from "./rows.ts";
import type { UploadWrites } from "./upload-writes.ts";

const SQL = {
  byName: `select ${BUCKET_COLUMNS} from buckets where name = ?`,
  byId: `select ${BUCKET_COLUMNS} from buckets where id = ?`,
  insert: `insert into buckets (${BUCKET_COLUMNS}) values (?, ?, ?, ?, ?, 'off', 1, 0, 0)
    returning ${BUCKET_COLUMNS}`,
  anyVersion: `select 1 from objects where bucket_id = :bucketId
    union all select 1 from versions where bucket_id = :bucketId limit 1`,
  removeConfigs: "delete from bucket_config where bucket_id = ?",
  remove: "delete from buckets where id = ?",
  settingsChanged: "update buckets set settings_version = settings_version + 1 where id = ?",
  setConfig: "insert or replace into bucket_config (bucket_id, name, value) values (?, ?, ?)",
  removeConfig: "delete from bucket_config where bucket_id = ? and name = ?",
} as const;

export class BucketWrites {
  readonly #numbering: Numbering;
  readonly #uploads: UploadWrites;
  readonly #byName: Statement<[string], BucketRow>;
  readonly #byId: Statement<[number], BucketRow>;
  readonly #insert: Statement<unknown[], BucketRow>;
  readonly #anyVersion: Statement<[{ readonly bucketId: number }]>;
  readonly #removeConfigs: Statement<[number]>;
  readonly #remove: Statement<[number]>;
  readonly #settingsChanged: Statement<[number]>;
  readonly #setConfig: Statement<[number, string, string]>;
  readonly #removeConfig: Statement<[number, string]>;

  constructor(
    database: StatementSource,
    parts: { readonly numbering: Numbering; readonly uploads: UploadWrites },
  ) {
    this.#numbering = parts.numbering;
    this.#uploads = parts.uploads;
    this.#byName = database.prepare(SQL.byName);
    this.#byId = database.prepare(SQL.byId);
    this.#insert = database.prepare<unknown[], BucketRow>(SQL.insert);
    this.#anyVersion = database.prepare<[{ readonly bucketId: number }]>(SQL.anyVersion);
    this.#removeConfigs = database.prepare(SQL.removeConfigs);
    this.#remove = database.prepare(SQL.remove);
    this.#settingsChanged = database.prepare(SQL.settingsChanged);
    this.#setConfig = database.prepare(SQL.setConfig);
    this.#removeConfig = database.prepare(SQL.removeConfig);
  }

  createBucket({ name, ownerId, region, createdAt }: CreateBucketInput): BucketRecord {
    const standing = this.#byName.get(name);
    if (standing !== undefined) {
      const isOwn = standing.owner_id === ownerId;
      throw new S3Error(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", {
        detail: { BucketName: name },
      });
    }
    const row = this.#insert.get(this.#numbering.next(), name, ownerId, region, createdAt);
    if (row === undefined) throw new Error("an inserted bucket was not returned");
    return bucketOf(row);
  }

  deleteBucket(bucketId: number, nowMs: number): void {
    const bucket = this.#byId.get(bucketId);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    if (this.#anyVersion.get({ bucketId }) !== undefined) {
      throw new S3Error("BucketNotEmpty", { detail: { BucketName: bucket.name } });
    }
    this.#uploads.abortAll(bucketId, nowMs);
    this.#removeConfigs.run(bucketId);
    this.#remove.run(bucketId);
  }

  putBucketConfig({ bucketId, name, value }: BucketConfigInput): void {
    const { changes } = this.#settingsChanged.run(bucketId);
    if (changes === 0) throw new S3Error("NoSuchBucket");
    if (value === undefined) this.#removeConfig.run(bucketId, name);
    else this.#setConfig.run(bucketId, name, value);
  }
}
