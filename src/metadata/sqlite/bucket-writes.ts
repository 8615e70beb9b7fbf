// Writes to buckets and their settings, within the writer's transaction.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { CreateBucketInput } from "../metadata-store.ts";
import { lockingUnversioned, suspendingLocked } from "../object-lock.ts";
import type { BucketRecord } from "../records.ts";
import type {
  BucketConfigInput,
  BucketLockInput,
  BucketQuotaInput,
  VersioningInput,
} from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import type { Numbering } from "./numbering.ts";
import { BUCKET_COLUMNS, bucketOf, type BucketRow } from "./rows.ts";
import type { UploadWrites } from "./upload-writes.ts";

const SQL = {
  byName: `select ${BUCKET_COLUMNS} from buckets where name = ?`,
  byId: `select ${BUCKET_COLUMNS} from buckets where id = ?`,
  insert: `insert into buckets (${BUCKET_COLUMNS}) values (?, ?, ?, ?, ?, ?, 1, 0, 0, ?, null, null)
    returning ${BUCKET_COLUMNS}`,
  anyVersion: `select 1 from objects where bucket_id = :bucketId
    union all select 1 from versions where bucket_id = :bucketId limit 1`,
  removeConfigs: "delete from bucket_config where bucket_id = ?",
  remove: "delete from buckets where id = ?",
  settingsChanged: "update buckets set settings_version = settings_version + 1 where id = ?",
  setConfig: "insert or replace into bucket_config (bucket_id, name, value) values (?, ?, ?)",
  removeConfig: "delete from bucket_config where bucket_id = ? and name = ?",
  setVersioning:
    "update buckets set versioning = ?, settings_version = settings_version + 1 where id = ?",
  setLock: `update buckets set has_lock = 1, lock_default = ?, settings_version = settings_version + 1
    where id = ?`,
  setQuota:
    "update buckets set quota_bytes = ?, settings_version = settings_version + 1 where id = ?",
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
  readonly #setVersioning: Statement<[string, number]>;
  readonly #setLock: Statement<[string | null, number]>;
  readonly #setQuota: Statement<[number | null, number]>;

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
    this.#setVersioning = database.prepare(SQL.setVersioning);
    this.#setLock = database.prepare(SQL.setLock);
    this.#setQuota = database.prepare(SQL.setQuota);
  }

  createBucket(input: CreateBucketInput): BucketRecord {
    const { name, ownerId, region, createdAt, hasLock, documents = {} } = input;
    const standing = this.#byName.get(name);
    if (standing !== undefined) {
      const isOwn = standing.owner_id === ownerId;
      throw new S3Error(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", {
        detail: { BucketName: name },
      });
    }
    const id = this.#numbering.next();
    const versioning = hasLock ? "enabled" : "off";
    const named = [id, name, ownerId, region, createdAt];
    const row = this.#insert.get(...named, versioning, hasLock ? 1 : 0);
    if (row === undefined) throw new Error("an inserted bucket was not returned");
    for (const [document, text] of Object.entries(documents)) {
      this.#setConfig.run(id, document, text);
    }
    return bucketOf(row);
  }

  /** Answers whether it is gone; else uploads are left, for the next transaction. */
  deleteBucket(bucketId: number, nowMs: number): boolean {
    const bucket = this.#get(bucketId);
    if (this.#anyVersion.get({ bucketId }) !== undefined) {
      throw new S3Error("BucketNotEmpty", { detail: { BucketName: bucket.name } });
    }
    if (!this.#uploads.abortSome(bucketId, nowMs)) return false;
    this.#removeConfigs.run(bucketId);
    this.#remove.run(bucketId);
    return true;
  }

  putBucketConfig({ bucketId, name, value }: BucketConfigInput): void {
    const { changes } = this.#settingsChanged.run(bucketId);
    if (changes === 0) throw new S3Error("NoSuchBucket");
    if (value === undefined) this.#removeConfig.run(bucketId, name);
    else this.#setConfig.run(bucketId, name, value);
  }

  setVersioning({ bucketId, versioning }: VersioningInput): void {
    const { has_lock: hasLock } = this.#get(bucketId);
    if (hasLock === 1 && versioning === "suspended") throw suspendingLocked();
    this.#setVersioning.run(versioning, bucketId);
  }

  putLock({ bucketId, lock }: BucketLockInput): void {
    if (this.#get(bucketId).versioning !== "enabled") throw lockingUnversioned();
    const { defaultRetention } = lock;
    const text = defaultRetention === undefined ? null : JSON.stringify(defaultRetention);
    this.#setLock.run(text, bucketId);
  }

  putQuota({ bucketId, quotaBytes }: BucketQuotaInput): void {
    this.#get(bucketId);
    this.#setQuota.run(quotaBytes ?? null, bucketId);
  }

  /** @throws S3Error NoSuchBucket */
  #get(bucketId: number): BucketRow {
    const bucket = this.#byId.get(bucketId);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    return bucket;
  }
}
