// Where what the drives say is gathered before it is decided: a SQLite file of its own that nothing depends on, so that
// memory does not grow with what is found. Above all two tables: sets with where their shards are, and claims, which say whose bytes
// a set, or a place in a pack, holds. Claims come out by bucket and key, the oldest first.

import { rmSync } from "node:fs";
import Database, { type Statement } from "better-sqlite3";
import type { ObjectChecksum } from "../../../core/checksum.ts";
import type { SetId } from "../../../core/ids.ts";
import type { ShardPart } from "../../../datanode/shard-part.ts";
import type { ShardSeal } from "../../../datanode/shard-seal.ts";
import type { ObjectAttributes } from "../../records.ts";

/** A set that was found on the drives. */
export interface StagedSet {
  readonly id: SetId;
  readonly dataShards: number;
  readonly parityShards: number;
  readonly unitBytes: number;
  readonly headerBytes: number;
  /** Bytes of data; of a pack those of all that was ever put into it, before it was sealed. */
  readonly sizeBytes: number;
  readonly isPack: boolean;
  /** By index of the shard: which drive has it whole, as a position in the list of drives; -1 where none has. */
  readonly drives: readonly number[];
}

/** What the drives say of one object, or part. */
export interface Claim {
  readonly bucket: string;
  readonly key: string;
  /** When its bytes had ended, in milliseconds since 1970. */
  readonly at: number;
  readonly setId: SetId;
  /** Where its blocks begin in the shards of a pack; undefined in a set of its own. */
  readonly offset: number | undefined;
  readonly part: ShardPart | undefined;
  /** As stored. */
  readonly sizeBytes: number;
  /** As stored. */
  readonly etag: string;
  readonly checksums: readonly ObjectChecksum[];
  readonly attributes: ObjectAttributes;
  readonly seal: ShardSeal | undefined;
  /** What else is known of the object, as text of whoever wrote it; see docs/FORMATS.md. */
  readonly about: string | undefined;
}

export interface StagedClaim extends Claim {
  readonly set: StagedSet;
}

interface ClaimRow {
  readonly bucket: string;
  readonly key: string;
  readonly at: number;
  readonly set_id: SetId;
  readonly place: number | null;
  readonly rest: string;
}

type RestOfClaim = Omit<Claim, "at" | "bucket" | "key" | "offset" | "setId">;
type RestOfSet = Omit<StagedSet, "id">;

const TABLES = `
create table sets (id text primary key, pack integer not null, text text not null) strict, without rowid;
create table refused (set_id text not null, place integer not null, primary key (set_id, place)) strict, without rowid;
create table placed (id text primary key, version integer not null) strict, without rowid;
create table seen (id text primary key) strict, without rowid;
create table claims (bucket text not null, key text not null, at integer not null, set_id text not null, place integer,
  rest text not null) strict;
`;
const SUFFIXES = ["", "-journal"] as const;
const BATCH = 2_000;
const CACHE_KIB = 64 * 1024;
/** Packs that are kept in memory at a time. */
const PACKS_MAX = 4_096;

export class ClaimStage {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #addSet: Statement<[string, number, string]>;
  readonly #addSeen: Statement<[string]>;
  readonly #addPlaced: Statement<[string, number]>;
  readonly #findSeen: Statement<[string]>;
  readonly #addClaim: Statement<[string, string, number, string, number | null, string]>;
  readonly #addRefused: Statement<[string, number]>;
  readonly #findSet: Statement<[string], string>;
  /** Those that were looked for last: many claims are of the same packs. */
  readonly #packs = new Map<SetId, StagedSet>();
  #waiting = 0;
  #hasRefused = false;

  /** At a path of its own: what stands there is removed, and so is the file when it is closed. */
  constructor(path: string) {
    this.#path = path;
    this.#remove();
    this.#database = new Database(path);
    // Nobody misses it after a crash.
    this.#database.pragma("journal_mode = OFF");
    this.#database.pragma("synchronous = OFF");
    // It is sorted in pieces of about that size.
    this.#database.pragma(`cache_size = -${CACHE_KIB}`);
    this.#database.exec(TABLES);
    this.#addSet = this.#database.prepare("insert or replace into sets values (?, ?, ?)");
    this.#addSeen = this.#database.prepare("insert or ignore into seen values (?)");
    this.#addPlaced = this.#database.prepare("insert or replace into placed values (?, ?)");
    this.#findSeen = this.#database.prepare("select 1 from seen where id = ?");
    this.#addClaim = this.#database.prepare("insert into claims values (?, ?, ?, ?, ?, ?)");
    this.#addRefused = this.#database.prepare("insert or ignore into refused values (?, ?)");
    this.#findSet = this.#database
      .prepare<[string], string>("select text from sets where id = ?")
      .pluck();
  }

  addSet({ id, ...rest }: StagedSet): void {
    this.#count();
    this.#addSet.run(id, Number(rest.isPack), JSON.stringify(rest));
  }

  /** A set of which any drive has anything. */
  addSeen(setId: SetId): void {
    this.#count();
    this.#addSeen.run(setId);
  }

  hasSeen(setId: SetId): boolean {
    return this.#findSeen.get(setId) !== undefined;
  }

  /** A set that the base names, and that lies where this layout says. */
  addPlaced(setId: SetId, version: number): void {
    this.#count();
    this.#addPlaced.run(setId, version);
  }

  addClaim({ bucket, key, at, setId, offset, ...rest }: Claim): void {
    this.#count();
    this.#addClaim.run(bucket, key, at, setId, offset ?? null, JSON.stringify(rest));
  }

  /** A place in a pack of which the drives say that it was refused: its claim does not count. */
  addRefused({ setId, offset }: { readonly setId: SetId; readonly offset: number }): void {
    this.#count();
    this.#hasRefused = true;
    this.#addRefused.run(setId, offset);
  }

  /** Called once, after the last was added. */
  finish(): void {
    if (this.#waiting > 0) this.#database.exec("commit");
    this.#waiting = 0;
    this.#database.exec("create index claims_by_key on claims (bucket, key, at, set_id, place)");
  }

  /** By id. */
  *placed(): Generator<{ readonly setId: SetId; readonly version: number }, void> {
    yield* this.#database
      .prepare<[], { readonly setId: SetId; readonly version: number }>(
        "select id as setId, version from placed order by id",
      )
      .iterate();
  }

  /** All sets, by id. */
  *sets(): Generator<StagedSet, void> {
    const rows = this.#database
      .prepare<[], { readonly id: SetId; readonly text: string }>(
        "select id, text from sets order by id",
      )
      .iterate();
    for (const { id, text } of rows) yield { id, ...(JSON.parse(text) as RestOfSet) };
  }

  /** The claims of one key after the other: those of each key together, the oldest first. */
  *keys(): Generator<readonly StagedClaim[], void> {
    const standing = this.#hasRefused
      ? "where not exists (select 1 from refused r where r.set_id = c.set_id and r.place = c.place)"
      : "";
    const rows = this.#database
      .prepare<[], ClaimRow>(
        `select c.bucket, c.key, c.at, c.set_id, c.place, c.rest from claims c indexed by claims_by_key ${standing}
         order by c.bucket, c.key, c.at, c.set_id, c.place`,
      )
      .iterate();
    let group: StagedClaim[] = [];
    for (const row of rows) {
      const [first] = group;
      if (first !== undefined && (first.key !== row.key || first.bucket !== row.bucket)) {
        yield group;
        group = [];
      }
      group.push(claimOf(row, this.#setOf(row.set_id)));
    }
    if (group.length > 0) yield group;
  }

  close(): void {
    this.#database.close();
    this.#remove();
  }

  #count(): void {
    if (this.#waiting === 0) this.#database.exec("begin");
    this.#waiting += 1;
    if (this.#waiting < BATCH) return;
    this.#database.exec("commit");
    this.#waiting = 0;
  }

  #setOf(id: SetId): StagedSet {
    const known = this.#packs.get(id);
    if (known !== undefined) return known;
    const set = { id, ...(JSON.parse(this.#findSet.get(id) ?? "{}") as RestOfSet) };
    if (!set.isPack) return set;
    if (this.#packs.size >= PACKS_MAX) this.#packs.clear();
    this.#packs.set(id, set);
    return set;
  }

  #remove(): void {
    for (const suffix of SUFFIXES) rmSync(`${this.#path}${suffix}`, { force: true });
  }
}

function claimOf(row: ClaimRow, set: StagedSet): StagedClaim {
  const { part, sizeBytes, etag, checksums, attributes, seal, about } = JSON.parse(
    row.rest,
  ) as RestOfClaim;
  const { bucket, key, at, set_id: setId } = row;
  const offset = row.place ?? undefined;
  const rest = { part, sizeBytes, etag, checksums, attributes, seal, about };
  return { bucket, key, at, setId, offset, ...rest, set };
}
