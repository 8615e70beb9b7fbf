// What the metadata that a rebuild begins with decides about sets, and about entries of packs. What it named is decided, and
// so is what it let go of. What came after it is news. Of what was under way just then nothing can be told: that counts as
// news, so that nothing is lost.

import type { Database } from "better-sqlite3";
import type { Incarnation, SetId, UploadId } from "../../../core/ids.ts";
import type { StatementSource } from "../statement-source.ts";
import { CLOCK_JOB } from "./play-until.ts";

/** What the base says of a set, or of the process that wrote it. */
export type KnownSet =
  /** Named, or in the trash; or never to be named: the process that wrote it had ended. */
  | { readonly kind: "decided" }
  /** A pack that was still growing: of each entry, by the place of its blocks and by its time. */
  | { readonly kind: "growing"; readonly isDecided: (offset: number, at: number) => boolean }
  | { readonly kind: "news" };

/** What names an object, a version, or a part. */
export interface TwinName {
  readonly bucketId: number;
  readonly key: string;
  /** When it was put, in milliseconds since 1970. */
  readonly at: number;
  readonly etag: string;
  readonly part: { readonly uploadId: UploadId; readonly number: number } | undefined;
}

/** Where the base says that packed bytes are. */
export interface TwinPlace {
  readonly setId: SetId;
  readonly offset: number;
}

/** The set of its own that the base names, and by which row. */
export interface TwinSet {
  readonly setId: SetId;
  /** As in ReplaceSetInput. */
  readonly detail: readonly number[];
}

/** No write takes longer from the end of its bytes to its change, in milliseconds. */
const UNDER_WAY_MS_MAX = 60_000;
const DECIDED = { kind: "decided" } as const;
const NEWS = { kind: "news" } as const;

const SQL = {
  openPacks: "select id, size_bytes as reach from shard_sets where pack_state = 'open'",
  places: `with open_packs as materialized (select id from shard_sets where pack_state = 'open')
    select set_id as id, pack_offset as place, modified_at as at from objects where set_id in open_packs
    union all select set_id, pack_offset, modified_at from versions where set_id in open_packs
    union all select set_id, pack_offset, uploaded_at from parts where set_id in open_packs`,
  noted: "select cast(text as integer) from job_progress where job = ?",
  ended: "select incarnation from processes where ended_at is not null",
  named: "select 1 from shard_sets where id = ? union all select 1 from trash where set_id = ?",
  twin: `select set_id as setId, pack_offset as number from objects
    where bucket_id = :bucketId and key = :key and modified_at = :at and etag = :etag and pack_offset is not null
    union all select set_id, pack_offset from versions
    where bucket_id = :bucketId and key = :key and modified_at = :at and etag = :etag and pack_offset is not null`,
  twinPart: `select p.set_id as setId, p.pack_offset as number from uploads u
    cross join parts p on p.manifest_id = u.manifest_id where u.upload_id = ? and u.bucket_id = ? and u.key = ?
    and p.number = ? and p.etag = ? and p.pack_offset is not null`,
  set: `select set_id as setId, sequence as number from objects
    where bucket_id = :bucketId and key = :key and modified_at = :at and etag = :etag and pack_offset is null
      and set_id is not null
    union all select set_id, sequence from versions
    where bucket_id = :bucketId and key = :key and modified_at = :at and etag = :etag and pack_offset is null
      and set_id is not null`,
  setPart: `select p.set_id as setId, u.manifest_id as number from uploads u
    cross join parts p on p.manifest_id = u.manifest_id where u.upload_id = ? and u.bucket_id = ? and u.key = ?
    and p.number = ? and p.etag = ? and p.pack_offset is null and p.set_id is not null`,
} as const;

interface GrowingPack {
  readonly reach: number;
  readonly named: Set<number>;
}

export class BaseKnowledge {
  readonly #growing = new Map<SetId, GrowingPack>();
  readonly #ended: ReadonlySet<Incarnation>;
  readonly #isNamed: (setId: SetId) => boolean;
  readonly #twin: (name: TwinName) => TwinPlace | undefined;
  readonly #twinSet: (name: TwinName) => TwinSet | undefined;
  /** The last time that it knows of, in milliseconds since 1970. */
  #until: number;

  constructor(database: Database) {
    const packs = database.prepare<[], Omit<GrowingPack, "named"> & { readonly id: SetId }>(
      SQL.openPacks,
    );
    for (const { id, reach } of packs.iterate()) {
      this.#growing.set(id, { reach, named: new Set() });
    }
    this.#until = database.prepare<[string], number>(SQL.noted).pluck().get(CLOCK_JOB) ?? 0;
    const places = database.prepare<[], { id: SetId; place: number; at: number }>(SQL.places);
    for (const { id, place, at } of places.iterate()) {
      this.#growing.get(id)?.named.add(place);
      this.#until = Math.max(this.#until, at);
    }
    this.#ended = new Set(database.prepare<[], Incarnation>(SQL.ended).pluck().all());
    const named = database.prepare<[SetId, SetId]>(SQL.named);
    this.#isNamed = (setId) => named.get(setId, setId) !== undefined;
    const packed = finder(database, SQL.twin, SQL.twinPart);
    this.#twin = (name) => {
      const row = packed(name);
      return row && { setId: row.setId, offset: row.number };
    };
    const set = finder(database, SQL.set, SQL.setPart);
    this.#twinSet = (name) => {
      const row = set(name);
      const detail = name.part === undefined ? [] : [name.part.number];
      return row && { setId: row.setId, detail: [row.number, ...detail] };
    };
  }

  knows(setId: SetId, incarnation: Incarnation): KnownSet {
    const pack = this.#growing.get(setId);
    if (pack !== undefined) {
      return { kind: "growing", isDecided: (offset, at) => this.#isDecided(pack, offset, at) };
    }
    if (this.#ended.has(incarnation) || this.#isNamed(setId)) return DECIDED;
    return NEWS;
  }

  /** Where the base has the very same object, or part, in a pack: compaction may have moved it since. */
  findTwin(name: TwinName): TwinPlace | undefined {
    return this.#twin(name);
  }

  /** Where the base has the very same object, or part, in a set of its own: it may have been cut anew since. */
  findTwinSet(name: TwinName): TwinSet | undefined {
    return this.#twinSet(name);
  }

  /** Named, or let go of since it was: what it never named and what came before the last that it did, was refused. */
  #isDecided({ reach, named }: GrowingPack, offset: number, at: number): boolean {
    if (named.has(offset)) return true;
    // Of what was appended together the last may have been named first.
    return offset <= reach && at < this.#until - UNDER_WAY_MS_MAX;
  }
}

/** The number is a place in a pack, or that of the row that names a set of its own. */
interface TwinRow {
  readonly setId: SetId;
  readonly number: number;
}

function finder(
  database: StatementSource,
  ofWhole: string,
  ofPart: string,
): (name: TwinName) => TwinRow | undefined {
  const whole = database.prepare<[Omit<TwinName, "part">], TwinRow>(ofWhole);
  const ofUpload = database.prepare<[string, number, string, number, string], TwinRow>(ofPart);
  return ({ part, ...name }) =>
    part === undefined
      ? whole.get(name)
      : ofUpload.get(part.uploadId, name.bucketId, name.key, part.number, name.etag);
}
