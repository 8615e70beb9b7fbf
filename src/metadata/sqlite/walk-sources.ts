// What stands under the keys of one bucket, key by key: the current version, older versions, and parts.
//
// Current versions are fetched many at a time; the other two are mostly absent, so of each only its next key is looked up,
// and again only when the walk has passed it.

import type { Database, Statement } from "better-sqlite3";
import { compareUtf8, nextString } from "../../util/utf8-order.ts";
import type { WalkEntry, WalkPosition } from "../metadata-store.ts";
import { OBJECT_COLUMNS, isIntactObject, type ObjectRow } from "./object-rows.ts";
import { contentOf, type ContentColumns, type SetRow } from "./rows.ts";
import { PART_COLUMNS, isIntactPart, type PartRow } from "./upload-rows.ts";
import { FULL_VERSION_COLUMNS, isIntactVersion, type VersionRow } from "./version-rows.ts";

/** The keys of a bucket that begin with a prefix, from behind a position on. */
export interface KeyRange {
  readonly bucketId: number;
  readonly prefix: string;
  /** The exclusive upper bound of the keys. */
  readonly end: Buffer | string;
  readonly after: WalkPosition | undefined;
}

type ObjectWalkRow = ObjectRow & { readonly key: string };
type VersionWalkRow = SetRow & VersionRow;

interface PartQuery {
  readonly bucketId: number;
  readonly key: string;
  /** Parts behind this one: of this manifest, or of later ones. */
  readonly manifestId: number;
  readonly number: number;
  readonly limit: number;
}

const JOIN_SET = "left join shard_sets s on s.id = o.set_id";

export const WALK_READS = {
  objects: `select o.key, ${OBJECT_COLUMNS} from objects o ${JOIN_SET}
    where o.bucket_id = ? and o.key >= ? and o.key < ? order by o.key limit ?`,
  object: `select o.key, ${OBJECT_COLUMNS} from objects o ${JOIN_SET}
    where o.bucket_id = ? and o.key = ? and o.sequence > ?`,
  versionKey: `select key from versions where bucket_id = ? and key >= ? and key < ? order by key limit 1`,
  versions: `select ${FULL_VERSION_COLUMNS} from versions o ${JOIN_SET}
    where o.bucket_id = ? and o.key = ? and o.sequence > ? order by o.sequence limit ?`,
  uploadKey: `select key from uploads indexed by uploads_by_key
    where bucket_id = ? and key >= ? and key < ? order by key limit 1`,
  parts: `select ${PART_COLUMNS} from (
      select manifest_id from uploads indexed by uploads_by_key
      where bucket_id = :bucketId and key = :key and manifest_id >= :manifestId order by manifest_id
    ) u cross join parts p on p.manifest_id = u.manifest_id
    left join part_offsets f on f.manifest_id = p.manifest_id and f.number = p.number
    left join shard_sets s on s.id = p.set_id
    where p.manifest_id > :manifestId or p.number > :number
    order by u.manifest_id, p.number limit :limit`,
} as const;

export class WalkSources {
  readonly #objects: Statement<[number, string, Buffer | string, number], ObjectWalkRow>;
  readonly #object: Statement<[number, string, number], ObjectWalkRow>;
  readonly #versionKey: Statement<[number, string, Buffer | string], string>;
  readonly #versions: Statement<[number, string, number, number], VersionWalkRow>;
  readonly #uploadKey: Statement<[number, string, Buffer | string], string>;
  readonly #parts: Statement<[PartQuery], PartRow>;

  constructor(database: Database) {
    this.#objects = database.prepare(WALK_READS.objects);
    this.#object = database.prepare(WALK_READS.object);
    this.#versionKey = database
      .prepare<[number, string, Buffer | string], string>(WALK_READS.versionKey)
      .pluck();
    this.#versions = database.prepare(WALK_READS.versions);
    this.#uploadKey = database
      .prepare<[number, string, Buffer | string], string>(WALK_READS.uploadKey)
      .pluck();
    this.#parts = database.prepare(WALK_READS.parts);
  }

  /** At most `limit` entries of the range, in order. */
  walkBucket(range: KeyRange, limit: number): readonly WalkEntry[] {
    const { prefix, after } = range;
    if (after === undefined || compareUtf8(after.key, prefix) < 0) {
      return this.#walkKeys(range, prefix, limit);
    }
    const rest = after.key.startsWith(prefix) ? this.#walkKey(after, limit) : [];
    return [...rest, ...this.#walkKeys(range, nextString(after.key), limit - rest.length)];
  }

  #walkKeys(range: KeyRange, from: string, limit: number): readonly WalkEntry[] {
    const { bucketId, end } = range;
    const entries: WalkEntry[] = [];
    const rows = limit > 0 ? this.#objects.all(bucketId, from, end, limit) : [];
    let versionKey = this.#versionKey.get(bucketId, from, end);
    let uploadKey = this.#uploadKey.get(bucketId, from, end);
    for (let index = 0; entries.length < limit;) {
      const row = rows[index];
      const key = firstOf(firstOf(row?.key, versionKey), uploadKey);
      if (key === undefined) break;
      if (row?.key === key) index += 1;
      if (row?.key === key && key !== versionKey && key !== uploadKey) {
        entries.push(objectEntry(bucketId, row));
        continue;
      }
      const position = { bucketId, key, detail: [] };
      entries.push(...this.#walkKey(position, limit - entries.length));
      const next = nextString(key);
      if (versionKey === key) versionKey = this.#versionKey.get(bucketId, next, end);
      if (uploadKey === key) uploadKey = this.#uploadKey.get(bucketId, next, end);
    }
    return entries;
  }

  /** What stands under one key behind a position there. */
  #walkKey({ bucketId, key, detail }: WalkPosition, limit: number): readonly WalkEntry[] {
    if (limit <= 0) return [];
    const [number = 0, part = Number.MAX_SAFE_INTEGER] = detail;
    const query = { bucketId, key, manifestId: number, number: part, limit };
    const entries = [
      ...this.#object.all(bucketId, key, number).map((row) => objectEntry(bucketId, row)),
      ...this.#versions
        .all(bucketId, key, number, limit)
        .map((row) => versionEntry({ bucketId, key }, row)),
      ...this.#parts.all(query).map((row) => partEntry({ bucketId, key }, row)),
    ];
    return entries.toSorted(byDetail).slice(0, limit);
  }
}

/** The first of two keys in order; undefined stands for none. */
function firstOf(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareUtf8(a, b) <= 0 ? a : b;
}

/** One counter numbers versions and manifests: two entries differ in the first number, or are parts of one manifest. */
function byDetail({ position: { detail: a } }: WalkEntry, { position: { detail: b } }: WalkEntry) {
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}

function objectEntry(bucketId: number, row: ObjectWalkRow): WalkEntry {
  const { key, sequence, size_bytes: sizeBytes, etag } = row;
  const position = { bucketId, key, detail: [sequence] };
  const bytes = row.manifest_id === null ? bytesOf(row) : NO_BYTES;
  const isDamaged = !isIntactObject({ bucketId, key }, row);
  return { kind: "object", position, sizeBytes, etag, ...(isDamaged ? DAMAGED : bytes) };
}

function versionEntry(
  name: Pick<WalkPosition, "bucketId" | "key">,
  row: VersionWalkRow,
): WalkEntry {
  const { sequence, size_bytes: sizeBytes, etag } = row;
  const position = { ...name, detail: [sequence] };
  const kind = row.is_delete_marker === 0 ? "object" : "delete-marker";
  const hasBytes = kind === "object" && row.manifest_id === null;
  const isDamaged = !isIntactVersion(name, row);
  const bytes = hasBytes ? bytesOf(row) : NO_BYTES;
  return { kind, position, sizeBytes, etag, ...(isDamaged ? DAMAGED : bytes) };
}

function partEntry(name: Pick<WalkPosition, "bucketId" | "key">, row: PartRow): WalkEntry {
  const { manifest_id: manifestId, number, size_bytes: sizeBytes, etag } = row;
  const position = { ...name, detail: [manifestId, number] };
  const isDamaged = !isIntactPart(row);
  return { kind: "part", position, sizeBytes, etag, ...(isDamaged ? DAMAGED : bytesOf(row)) };
}

type EntryBytes = Pick<WalkEntry, "content" | "encryption" | "isDamaged">;

const NO_BYTES: EntryBytes = { content: undefined, encryption: undefined, isDamaged: false };
const DAMAGED: EntryBytes = { ...NO_BYTES, isDamaged: true };

function bytesOf(
  row: ContentColumns & SetRow & { readonly encryption: string | null },
): EntryBytes {
  try {
    const encryption = row.encryption ?? undefined;
    return { content: contentOf(row), encryption, isDamaged: false };
  } catch {
    // The row of its set is damaged, or says nothing of use.
    return DAMAGED;
  }
}
