// What writes of objects need to know of their bucket, and what they count in it. Within a group the bucket's row is read
// once, and written once for all that was counted: before anything else looks at it, and before the commit.

import type { Statement } from "better-sqlite3";
import type { Versioning } from "../records.ts";
import type { BucketLockColumns } from "./rows.ts";
import type { StatementSource } from "./statement-source.ts";

export interface BucketStateRow extends BucketLockColumns {
  readonly versioning: Versioning;
  /** With what has been counted since it was read. */
  readonly object_bytes: number;
  readonly quota_bytes: number | null;
}

interface BucketState {
  row: BucketStateRow;
  /** Counted and not yet written. */
  objects: number;
  bytes: number;
}

const SQL = {
  find: `select versioning, object_bytes, quota_bytes, has_lock, lock_default from buckets where id = ?`,
  count: `update buckets set object_count = object_count + ?, object_bytes = object_bytes + ?
    where id = ?`,
} as const;

export class BucketStates {
  readonly #find: Statement<[number], BucketStateRow>;
  readonly #count: Statement<[number, number, number]>;
  readonly #states = new Map<number, BucketState>();

  constructor(database: StatementSource) {
    this.#find = database.prepare(SQL.find);
    this.#count = database.prepare(SQL.count);
  }

  /** Undefined where there is no such bucket. */
  find(bucketId: number): BucketStateRow | undefined {
    return this.#stateOf(bucketId)?.row;
  }

  /** Of a bucket that exists. */
  count(
    bucketId: number,
    { objects, bytes }: { readonly objects: number; readonly bytes: number },
  ) {
    const state = this.#stateOf(bucketId);
    if (state === undefined) return;
    state.objects += objects;
    state.bytes += bytes;
    state.row = { ...state.row, object_bytes: state.row.object_bytes + bytes };
  }

  /** Writes what was counted; the next look is at the rows again. */
  store(): void {
    for (const [bucketId, { objects, bytes }] of this.#states) {
      if (objects !== 0 || bytes !== 0) this.#count.run(objects, bytes, bucketId);
    }
    this.#states.clear();
  }

  /** After what was counted has been taken back. */
  drop(): void {
    this.#states.clear();
  }

  #stateOf(bucketId: number): BucketState | undefined {
    const known = this.#states.get(bucketId);
    if (known !== undefined) return known;
    const row = this.#find.get(bucketId);
    if (row === undefined) return undefined;
    const state = { row, objects: 0, bytes: 0 };
    this.#states.set(bucketId, state);
    return state;
  }
}
