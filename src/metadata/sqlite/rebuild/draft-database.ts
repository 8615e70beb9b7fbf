// Metadata that is being made anew, in a file of its own beside the one in use: empty, or a base that was found, to which
// rows are added by the same writes that a server makes. It holds no place in any chain: the next start gives it one, and
// copies it to the members.

import { open as openFile } from "node:fs/promises";
import type { Database } from "better-sqlite3";
import type { SetId, UploadId } from "../../../core/ids.ts";
import { CHAIN_START } from "../../../journal/journal-member.ts";
import type { BucketRecord, LayoutRecord } from "../../records.ts";
import type { UploadName, WriteRequest } from "../../write-operations.ts";
import { outdateChains } from "../chain-state.ts";
import { clusterReads } from "../cluster-reads.ts";
import { GroupWriter } from "../group-writer.ts";
import { openAlone, openForReading, openForWriting } from "../open-database.ts";
import { BUCKET_COLUMNS, bucketOf, type BucketRow } from "../rows.ts";
import type { WriteAnswer } from "../write-protocol.ts";
import { BaseKnowledge } from "./base-knowledge.ts";
import { NamedSets } from "./named-sets.ts";

/** A part of an upload in progress. */
export interface NamedPart {
  readonly number: number;
  readonly partId: number;
  readonly sizeBytes: number;
}

const CACHE_KIB = 64 * 1024;
/** Of 16 KiB each at most, so that a group of them is far from its bound. */
const LAYOUTS_AT_A_TIME = 100;

export class DraftDatabase {
  readonly path: string;
  readonly #database: Database;
  readonly #writer: GroupWriter;
  /** What it said before anything was added. */
  readonly base: BaseKnowledge;
  /** As they are now. */
  readonly sets: NamedSets;
  readonly #newest: (bucketId: number, key: string) => number | undefined;
  readonly #reads: ReturnType<typeof clusterReads>;
  readonly #uploadId: (name: UploadName) => number | undefined;
  readonly #partsOf: (manifestId: number) => readonly NamedPart[];
  readonly #bucketByName: (name: string) => BucketRow | undefined;

  /** Made where there is none. */
  constructor(path: string) {
    this.path = path;
    this.#database = openForWriting(path);
    // It counts for nothing before `finish`: what a kill leaves of it is removed. Rows come in the order of their keys, but
    // indexes have others.
    this.#database.pragma("journal_mode = MEMORY");
    this.#database.pragma("synchronous = OFF");
    this.#database.pragma(`cache_size = -${CACHE_KIB}`);
    // As beside members, so that a write has no savepoint of its own unless one is refused; what they would keep is dropped.
    this.#writer = new GroupWriter(this.#database, { hasMembers: true });
    this.#writer.useMembers(async () => CHAIN_START);
    this.base = new BaseKnowledge(this.#database);
    const newest = this.#database
      .prepare<[{ readonly bucketId: number; readonly key: string }], number | null>(
        `select max(at) from (select modified_at as at from objects where bucket_id = :bucketId and key = :key
         union all select modified_at from versions where bucket_id = :bucketId and key = :key)`,
      )
      .pluck();
    this.#newest = (bucketId, key) => newest.get({ bucketId, key }) ?? undefined;
    const byName = this.#database.prepare<[string], BucketRow>(
      `select ${BUCKET_COLUMNS} from buckets where name = ?`,
    );
    this.#bucketByName = (name) => byName.get(name);
    this.#reads = clusterReads(this.#database);
    this.sets = new NamedSets(this.#database);
    const upload = this.#database
      .prepare<[UploadId, number, string], number>(
        `select manifest_id from uploads where upload_id = ? and bucket_id = ? and key = ?
         and completed_sequence is null`,
      )
      .pluck();
    this.#uploadId = ({ uploadId, bucketId, key }) => upload.get(uploadId, bucketId, key);
    const parts = this.#database.prepare<[number], NamedPart>(
      "select number, id as partId, size_bytes as sizeBytes from parts where manifest_id = ?",
    );
    this.#partsOf = (manifestId) => parts.all(manifestId);
  }

  findLayouts(): readonly LayoutRecord[] {
    return this.#reads.findLayouts();
  }

  /** An upload in progress, with the ids and sizes of its parts by number. */
  findUpload(name: UploadName): ReadonlyMap<number, NamedPart> | undefined {
    const manifestId = this.#uploadId(name);
    if (manifestId === undefined) return undefined;
    return new Map(this.#partsOf(manifestId).map((part) => [part.number, part]));
  }

  /** @throws when one cannot be added: sets that name it could not be read */
  async addLayouts(layouts: readonly LayoutRecord[], nowMs: number): Promise<void> {
    for (let begin = 0; begin < layouts.length; begin += LAYOUTS_AT_A_TIME) {
      const some = layouts.slice(begin, begin + LAYOUTS_AT_A_TIME);
      const answers = await this.apply(
        some.map((input) => ({ name: "addLayout", input }) as const),
        nowMs,
      );
      const refused = answers.find(({ kind }) => kind !== "done");
      if (refused !== undefined) throw new Error(`a layout was not taken: ${refused.kind}`);
    }
  }

  findBucket(name: string): BucketRecord | undefined {
    const row = this.#bucketByName(name);
    return row && bucketOf(row);
  }

  /** When the newest version of a key is from, be it a delete marker; undefined where there is none. */
  newestAt(bucketId: number, key: string): number | undefined {
    return this.#newest(bucketId, key);
  }

  /** In one transaction; what is refused is taken back alone. */
  apply(requests: readonly WriteRequest[], nowMs: number): Promise<readonly WriteAnswer[]> {
    return this.#writer.apply({ kind: "group", requests, nowMs });
  }

  /**
   * Whole, durable and closed when it resolves. What processes that had not ended wrote beyond it is nobody's to sweep: they
   * are forgotten, and sets of unknown processes are kept and told of.
   */
  async finish(): Promise<void> {
    this.#database.pragma("journal_mode = WAL");
    this.#database.pragma("synchronous = FULL");
    this.#database.exec("delete from processes where ended_at is null");
    outdateChains(this.#database);
    this.#database.pragma("wal_checkpoint(TRUNCATE)");
    this.close();
    const file = await openFile(this.path, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  close(): void {
    this.#writer.close();
  }
}

/** The sets that a database names. */
export function* namedSetsIn(path: string): Generator<SetId, void> {
  const database = openForReading(path);
  try {
    yield* database.prepare<[], SetId>("select id from shard_sets").pluck().iterate();
  } finally {
    database.close();
  }
}

/** The layouts that a database knows. */
export function layoutsIn(path: string): readonly LayoutRecord[] {
  const database = openAlone(path);
  try {
    return clusterReads(database).findLayouts();
  } finally {
    database.close();
  }
}
