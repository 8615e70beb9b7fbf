// References to bytes, within the writer's transaction: the last reference that goes takes inline bytes away and puts
// a shard set into the trash. A pack goes there too once nothing refers to it, but never while it may still grow.

import type { Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import { incarnationOf, type SetId } from "../../core/ids.ts";
import type { NewContent } from "../metadata-store.ts";
import type { Content, ShardSetRecord } from "../records.ts";
import { indexesFrom, listText } from "./column-text.ts";
import { rowCheck, type RowValue } from "./row-check.ts";
import {
  SET_COLUMNS,
  setOf,
  setRowOfValues,
  setValues,
  type ContentColumns,
  type SetRow,
  type SetRowValues,
} from "./rows.ts";
import type { StatementSource } from "./statement-source.ts";

type PackedContent = Extract<NewContent, { readonly kind: "packed" }>;
type ShareContent = Extract<NewContent, { readonly kind: "share" }>;
type TrashedSet = { readonly layout_version: number; readonly shard_count: number };

/** What names bytes, and how many. */
export interface StoredBytes extends ContentColumns {
  readonly size_bytes: number;
}

/** Statement texts stand together, so that the methods below read as what happens. */
const SQL = {
  insertSet: `insert into shard_sets (id, data_shards, parity_shards, unit_bytes, layout_version, header_bytes,
    size_bytes, row_check, missing, reference_count) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
  // The first object of a pack makes its row. A pack that is in the trash already gets no new one. While it grows its size is
  // the last place in it that was ever named: a rebuild knows by it what lies behind.
  addPacked: `insert into shard_sets as s (id, data_shards, parity_shards, unit_bytes, layout_version, header_bytes,
      row_check, missing, live_bytes, size_bytes, reference_count, pack_state)
    select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'open'
    where not exists (select 1 from trash where set_id = ?)
    on conflict (id) do update set reference_count = s.reference_count + 1,
      live_bytes = s.live_bytes + excluded.live_bytes,
      size_bytes = iif(s.pack_state = 'open', max(s.size_bytes, excluded.size_bytes), s.size_bytes)
      where s.pack_state is not null
    returning data_shards, parity_shards, unit_bytes, layout_version, iif(pack_state = 'open', 0, size_bytes) as set_bytes,
      header_bytes, missing, row_check as set_check`,
  setMissing: "update shard_sets set missing = ? where id = ?",
  addReference: "update shard_sets set reference_count = reference_count + 1 where id = ?",
  sharedSet: sharedFrom("objects"),
  sharedOlder: sharedFrom("versions"),
  removeLast: `delete from shard_sets where id = ? and reference_count = 1
    returning layout_version, data_shards + parity_shards as shard_count`,
  dropReference: "update shard_sets set reference_count = reference_count - 1 where id = ?",
  dropPacked: `update shard_sets set reference_count = reference_count - 1, live_bytes = live_bytes - ?
    where id = ?`,
  removeDeadPack: `delete from shard_sets where id = ? and reference_count = 0 and pack_state = 'sealed'
    returning layout_version, data_shards + parity_shards as shard_count`,
  trash: "insert into trash (set_id, layout_version, shard_count, trashed_at) values (?, ?, ?, ?)",
  endedProcess: "select 1 from processes where incarnation = ? and ended_at is not null",
  insertInline: "insert into inline_data (id, bytes) values (?, ?)",
  deleteInline: "delete from inline_data where id = ?",
  deleteInlines: "delete from inline_data where id in (select value from json_each(?))",
} as const;

function sharedFrom(table: "objects" | "versions"): string {
  return `select ${SET_COLUMNS} from ${table} o join shard_sets s on s.id = o.set_id
    where o.bucket_id = ? and o.key = ? and o.sequence = ? and o.set_id = ? and o.pack_offset is null`;
}

export class ContentWrites {
  readonly #insertSet: Statement<RowValue[]>;
  readonly #addPacked: Statement<RowValue[], SetRowValues>;
  readonly #setMissing: Statement<[string | null, SetId]>;
  readonly #addReference: Statement<[SetId]>;
  readonly #sharedSet: Statement<[number, string, number, SetId], SetRow>;
  readonly #sharedOlder: Statement<[number, string, number, SetId], SetRow>;
  readonly #removeLast: Statement<[SetId], TrashedSet>;
  readonly #dropReference: Statement<[SetId]>;
  readonly #dropPacked: Statement<[number, SetId]>;
  readonly #removeDeadPack: Statement<[SetId], TrashedSet>;
  readonly #trash: Statement<[SetId, number, number, number]>;
  readonly #endedProcess: Statement<[string]>;
  readonly #insertInline: Statement<[number, Uint8Array]>;
  readonly #deleteInline: Statement<[number]>;
  readonly #deleteInlines: Statement<[string]>;

  constructor(database: StatementSource) {
    this.#insertSet = database.prepare(SQL.insertSet);
    this.#addPacked = database.prepare<RowValue[], SetRowValues>(SQL.addPacked).raw();
    this.#setMissing = database.prepare(SQL.setMissing);
    this.#addReference = database.prepare(SQL.addReference);
    this.#sharedSet = database.prepare(SQL.sharedSet);
    this.#sharedOlder = database.prepare(SQL.sharedOlder);
    this.#removeLast = database.prepare(SQL.removeLast);
    this.#dropReference = database.prepare(SQL.dropReference);
    this.#dropPacked = database.prepare(SQL.dropPacked);
    this.#removeDeadPack = database.prepare(SQL.removeDeadPack);
    this.#trash = database.prepare(SQL.trash);
    this.#endedProcess = database.prepare(SQL.endedProcess);
    this.#insertInline = database.prepare(SQL.insertInline);
    this.#deleteInline = database.prepare(SQL.deleteInline);
    this.#deleteInlines = database.prepare(SQL.deleteInlines);
  }

  /**
   * Takes a reference to new content; `dataId` numbers inline bytes, `sizeBytes` is what counts as alive in a pack.
   * @throws S3Error NoSuchKey when the source of a shared set has changed.
   */
  acquire(content: NewContent, dataId: number, sizeBytes: number): Content {
    if (content.kind === "inline") {
      this.#insertInline.run(dataId, content.bytes);
      return { kind: "inline", dataId };
    }
    if (content.kind === "packed") {
      const set = this.#addToPack(content, sizeBytes);
      return { kind: "packed", set, offset: content.offset };
    }
    const set = content.kind === "set" ? this.#addSet(content.set) : this.#share(content);
    return { kind: "set", set };
  }

  release(row: StoredBytes, nowMs: number): void {
    if (row.data_id !== null) this.#deleteInline.run(row.data_id);
    this.#releaseShards(row, nowMs);
  }

  /** As `release` of each; inline bytes go by one statement. */
  releaseAll(rows: readonly StoredBytes[], nowMs: number): void {
    const dataIds: number[] = [];
    for (const row of rows) {
      if (row.data_id !== null) dataIds.push(row.data_id);
      this.#releaseShards(row, nowMs);
    }
    if (dataIds.length > 0) this.#deleteInlines.run(JSON.stringify(dataIds));
  }

  /** Puts a sealed pack to which nothing refers into the trash. */
  trashDeadPack(setId: SetId, nowMs: number): boolean {
    const removed = this.#removeDeadPack.get(setId);
    if (removed !== undefined) this.#trashSet(setId, removed, nowMs);
    return removed !== undefined;
  }

  #addSet(set: ShardSetRecord): ShardSetRecord {
    this.#checkWriter(set.id);
    const missing = sortedIndexes(set.missing);
    const values = setValues(set, false);
    this.#insertSet.run(...values, rowCheck(values), listText(missing));
    return { ...set, missing };
  }

  #addToPack({ set, offset: reach }: PackedContent, sizeBytes: number): ShardSetRecord {
    this.#checkWriter(set.id);
    const geometry = setValues(set, true);
    const check = rowCheck(geometry);
    const missing = sortedIndexes(set.missing);
    const values = [...geometry, check, listText(missing), sizeBytes, reach, set.id];
    const found = this.#addPacked.get(...values);
    if (found === undefined) throw new Error(`set ${set.id} is in the trash, or is no pack`);
    const row = setRowOfValues(found);
    if (row.set_check !== check || !isOfGeometry(row, set)) requireSamePack(row, set.id, check);
    const standing = { ...set, sizeBytes: row.set_bytes };
    return this.#mergeMissing(standing, row.missing, missing);
  }

  #mergeMissing(
    set: ShardSetRecord,
    standing: string | null,
    found: readonly number[],
  ): ShardSetRecord {
    if (standing === null && found.length === 0) return { ...set, missing: found };
    const missing = sortedIndexes([...indexesFrom(standing), ...found]);
    const text = listText(missing);
    if (text !== standing) this.#setMissing.run(text, set.id);
    return { ...set, missing };
  }

  /** A set whose process has ended may already be swept as an orphan. */
  #checkWriter(setId: SetId): void {
    if (this.#endedProcess.get(incarnationOf(setId)) !== undefined) {
      throw new Error(`the process that wrote set ${setId} has ended`);
    }
  }

  #share({ setId, source }: ShareContent): ShardSetRecord {
    const { bucketId, key, sequence } = source;
    const row =
      this.#sharedSet.get(bucketId, key, sequence, setId) ??
      this.#sharedOlder.get(bucketId, key, sequence, setId);
    if (row === undefined) throw new S3Error("NoSuchKey", { detail: { Key: source.key } });
    this.#addReference.run(setId);
    return setOf(row, setId);
  }

  #releaseShards(row: StoredBytes, nowMs: number): void {
    const { set_id: setId } = row;
    if (setId === null) return;
    if (row.pack_offset === null) this.#releaseSet(setId, nowMs);
    else this.#releasePacked(setId, row.size_bytes, nowMs);
  }

  #releaseSet(setId: SetId, nowMs: number): void {
    const removed = this.#removeLast.get(setId);
    if (removed === undefined) this.#dropReference.run(setId);
    else this.#trashSet(setId, removed, nowMs);
  }

  #releasePacked(setId: SetId, sizeBytes: number, nowMs: number): void {
    this.#dropPacked.run(sizeBytes, setId);
    this.trashDeadPack(setId, nowMs);
  }

  #trashSet(setId: SetId, removed: TrashedSet, nowMs: number): void {
    this.#trash.run(setId, removed.layout_version, removed.shard_count, nowMs);
  }
}

/** Whether a row and a set agree in what the row's check is made of. */
function isOfGeometry(row: SetRow, set: PackedContent["set"]): boolean {
  return (
    row.data_shards === set.dataShards &&
    row.parity_shards === set.parityShards &&
    row.unit_bytes === set.unitBytes &&
    row.layout_version === set.layoutVersion &&
    row.header_bytes === set.headerBytes
  );
}

/** @throws DamagedRowError; when it is another pack. */
function requireSamePack(row: SetRow, id: SetId, check: number): void {
  if (rowCheck(setValues(setOf(row, id), true)) !== check) {
    throw new Error(`pack ${id} stands there with another geometry`);
  }
}

/** Each index once, in order. */
export function sortedIndexes(indexes: readonly number[]): readonly number[] {
  return [...new Set(indexes)].toSorted((a, b) => a - b);
}
