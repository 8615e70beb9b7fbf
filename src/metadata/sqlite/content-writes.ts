// References to bytes, within the writer's transaction: the last reference that goes takes inline bytes away and puts
// a shard set into the trash.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import { incarnationOf, type SetId } from "../../core/ids.ts";
import type { NewContent } from "../metadata-store.ts";
import type { Content, ShardSetRecord } from "../records.ts";
import type { StatementSource } from "./statement-source.ts";
import { SET_COLUMNS, listText, setOf, type SetRow } from "./rows.ts";

type ShareContent = Extract<NewContent, { readonly kind: "share" }>;
type TrashedSet = { readonly layout_version: number; readonly shard_count: number };

/** The columns by which a row names its bytes; one of them is set. */
export interface ContentColumns {
  readonly data_id: number | null;
  readonly set_id: SetId | null;
}

/** Statement texts stand together, so that the methods below read as what happens. */
const SQL = {
  insertSet: `insert into shard_sets (id, data_shards, parity_shards, unit_bytes, layout_version, size_bytes,
    header_bytes, reference_count, missing) values (?, ?, ?, ?, ?, ?, ?, 1, ?)`,
  addReference: "update shard_sets set reference_count = reference_count + 1 where id = ?",
  sharedSet: `select ${SET_COLUMNS} from objects o join shard_sets s on s.id = o.set_id
    where o.bucket_id = ? and o.key = ? and o.sequence = ? and o.set_id = ?`,
  removeLast: `delete from shard_sets where id = ? and reference_count = 1
    returning layout_version, data_shards + parity_shards as shard_count`,
  dropReference: "update shard_sets set reference_count = reference_count - 1 where id = ?",
  trash: "insert into trash (set_id, layout_version, shard_count, trashed_at) values (?, ?, ?, ?)",
  endedProcess: "select 1 from processes where incarnation = ? and ended_at is not null",
  insertInline: "insert into inline_data (id, bytes) values (?, ?)",
  deleteInline: "delete from inline_data where id = ?",
} as const;

export class ContentWrites {
  readonly #insertSet: Statement;
  readonly #addReference: Statement<[SetId]>;
  readonly #sharedSet: Statement<[number, string, number, SetId], SetRow>;
  readonly #removeLast: Statement<[SetId], TrashedSet>;
  readonly #dropReference: Statement<[SetId]>;
  readonly #trash: Statement<[SetId, number, number, number]>;
  readonly #endedProcess: Statement<[string]>;
  readonly #insertInline: Statement<[number, Uint8Array]>;
  readonly #deleteInline: Statement<[number]>;

  constructor(database: StatementSource) {
    this.#insertSet = database.prepare(SQL.insertSet);
    this.#addReference = database.prepare(SQL.addReference);
    this.#sharedSet = database.prepare(SQL.sharedSet);
    this.#removeLast = database.prepare(SQL.removeLast);
    this.#dropReference = database.prepare(SQL.dropReference);
    this.#trash = database.prepare(SQL.trash);
    this.#endedProcess = database.prepare(SQL.endedProcess);
    this.#insertInline = database.prepare(SQL.insertInline);
    this.#deleteInline = database.prepare(SQL.deleteInline);
  }

  /**
   * Takes a reference to new content; `dataId` numbers inline bytes.
   * @throws S3Error NoSuchKey when the source of a shared set has changed.
   */
  acquire(content: NewContent, dataId: number): Content {
    if (content.kind === "inline") {
      this.#insertInline.run(dataId, content.bytes);
      return { kind: "inline", dataId };
    }
    if (content.kind === "packed") throw new Error("packs are not kept yet");
    const set = content.kind === "set" ? this.#addSet(content.set) : this.#share(content);
    return { kind: "set", set };
  }

  release({ data_id: dataId, set_id: setId }: ContentColumns, nowMs: number): void {
    if (dataId !== null) this.#deleteInline.run(dataId);
    if (setId !== null) this.#releaseSet(setId, nowMs);
  }

  #addSet(set: ShardSetRecord): ShardSetRecord {
    // A set whose process has ended may already be swept as an orphan.
    if (this.#endedProcess.get(incarnationOf(set.id)) !== undefined) {
      throw new Error(`the process that wrote set ${set.id} has ended`);
    }
    const missing = sortedIndexes(set.missing);
    const { id, dataShards, parityShards, unitBytes, layoutVersion, sizeBytes, headerBytes } = set;
    const geometry = [dataShards, parityShards, unitBytes, layoutVersion];
    this.#insertSet.run(id, ...geometry, sizeBytes, headerBytes, listText(missing));
    return { ...set, missing };
  }

  #share({ setId, source }: ShareContent): ShardSetRecord {
    const row = this.#sharedSet.get(source.bucketId, source.key, source.sequence, setId);
    if (row === undefined) throw new S3Error("NoSuchKey", { detail: { Key: source.key } });
    this.#addReference.run(setId);
    return setOf(row, setId);
  }

  #releaseSet(setId: SetId, nowMs: number): void {
    const removed = this.#removeLast.get(setId);
    if (removed === undefined) this.#dropReference.run(setId);
    else this.#trash.run(setId, removed.layout_version, removed.shard_count, nowMs);
  }
}

/** Each index once, in order. */
export function sortedIndexes(indexes: readonly number[]): readonly number[] {
  return [...new Set(indexes)].toSorted((a, b) => a - b);
}
