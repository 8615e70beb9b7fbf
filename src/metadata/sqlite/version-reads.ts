// Reads of versions: one by its id, and the listing of all of them, which merges the two tables key by key. What a common
// prefix hides is passed over with one seek in each.

import type { Database } from "better-sqlite3";
import { compareUtf8 } from "../../util/utf8-order.ts";
import { findCommonPrefix } from "../common-prefix.ts";
import { DamagedRowError } from "../damaged-row-error.ts";
import type { MetadataReader } from "../engine-store.ts";
import type {
  ListVersionsQuery,
  ListedVersion,
  VersionName,
  VersionPage,
} from "../metadata-store.ts";
import type { VersionRecord } from "../records.ts";
import { NULL_VERSION, sequenceOf } from "../version-id.ts";
import {
  OBJECT_COLUMNS,
  SUMMARY_COLUMNS,
  objectOf,
  summaryOf,
  type ObjectRow,
  type SummaryRow,
} from "./object-rows.ts";
import { pageStart, prefixEnd, walkPage } from "./page-walk.ts";
import type { SetRow } from "./rows.ts";
import {
  FULL_VERSION_COLUMNS,
  findVersionRow,
  versionOf,
  versionRecordOf,
  type VersionRow,
} from "./version-rows.ts";

type FullVersionRow = SetRow & VersionRow;

const JOIN_SET = "left join shard_sets s on s.id = o.set_id";
const OLDER = `select ${FULL_VERSION_COLUMNS} from versions o ${JOIN_SET}`;
const CURRENT_SUMMARY = `select ${SUMMARY_COLUMNS}, sequence, version_id, 0, 1 from objects`;
const OLDER_SUMMARY = `select ${SUMMARY_COLUMNS}, sequence, version_id, is_delete_marker, noncurrent_since is null
  from versions`;

export const VERSION_READS = {
  standing: `select ${OBJECT_COLUMNS} from objects o ${JOIN_SET} where o.bucket_id = ? and o.key = ?`,
  newest: `${OLDER} where o.bucket_id = ? and o.key = ? order by o.sequence desc limit 1`,
  bySequence: `${OLDER} where o.bucket_id = ? and o.key = ? and o.sequence = ?`,
  nullVersion: `select ${FULL_VERSION_COLUMNS} from versions o indexed by versions_null ${JOIN_SET}
    where o.bucket_id = ? and o.key = ? and o.version_id is null`,
  nullSequence: `select sequence from versions indexed by versions_null
    where bucket_id = ? and key = ? and version_id is null`,
  currentFrom: `${CURRENT_SUMMARY} where bucket_id = ? and key >= ? and key < ? order by key limit ?`,
  olderFrom: `${OLDER_SUMMARY} where bucket_id = ? and key >= ? and key < ?
    order by key, sequence desc limit ?`,
  currentOfKey: `${CURRENT_SUMMARY} where bucket_id = ? and key = ? and sequence < ?`,
  olderOfKey: `${OLDER_SUMMARY} where bucket_id = ? and key = ? and sequence < ?
    order by sequence desc limit ?`,
} as const;

export function versionReads(
  database: Database,
): Pick<MetadataReader, "findVersion" | "listVersions"> {
  return { findVersion: versionFinding(database), listVersions: versionListing(database) };
}

function versionFinding(database: Database): (name: VersionName) => VersionRecord | undefined {
  const standing = database.prepare<[number, string], ObjectRow>(VERSION_READS.standing);
  const newest = database.prepare<[number, string], FullVersionRow>(VERSION_READS.newest);
  const seeks = {
    bySequence: database.prepare<[number, string, number], FullVersionRow>(
      VERSION_READS.bySequence,
    ),
    nullVersion: database.prepare<[number, string], FullVersionRow>(VERSION_READS.nullVersion),
  };

  // One transaction: a version that is moved between two of its reads would be in neither table.
  return database.transaction((name: VersionName): VersionRecord | undefined => {
    const { bucketId, key, versionId } = name;
    const current = standing.get(bucketId, key);
    if (current !== undefined) {
      const object = objectOf(name, current);
      if (versionId === undefined || object.versionId === versionId) {
        return { kind: "object", object, isLatest: true };
      }
    } else if (versionId === undefined) {
      const row = newest.get(bucketId, key);
      const version = row && versionOf(name, row);
      // Something followed it, and cannot be found: what is older is no answer.
      if (version?.isLatest === false) throw new DamagedRowError("objects", `${bucketId}, ${key}`);
      return version;
    }
    if (versionId === undefined) return undefined;
    const older = findVersionRow(seeks, name, versionId);
    return older && versionRecordOf(key, older);
  });
}

/** In the order of the selects above. */
type ListedRow = readonly [
  ...summary: SummaryRow,
  sequence: number,
  versionId: string | null,
  isMarker: number,
  isLatest: number,
];

interface ListedEntry {
  readonly key: string;
  readonly row: ListedRow;
}

const SEQUENCE_AT = 8;

function versionListing(database: Database): (query: ListVersionsQuery) => VersionPage {
  const prepare = (text: string) =>
    database.prepare<(Buffer | number | string)[], ListedRow>(text).raw();
  const currentFrom = prepare(VERSION_READS.currentFrom);
  const olderFrom = prepare(VERSION_READS.olderFrom);
  const currentOfKey = prepare(VERSION_READS.currentOfKey);
  const olderOfKey = prepare(VERSION_READS.olderOfKey);
  const findMarker = markerFinding(database);

  /** The versions of the marker's own key that are older; all of them when the marker is gone. */
  const restOfKey = (query: ListVersionsQuery): readonly ListedEntry[] => {
    const { bucketId, prefix, keyMarker, versionIdMarker, limit } = query;
    if (keyMarker === undefined || versionIdMarker === undefined) return [];
    const isHidden = findCommonPrefix(keyMarker, query) === keyMarker;
    if (isHidden || !keyMarker.startsWith(prefix)) return [];
    const before = findMarker({ bucketId, key: keyMarker, versionId: versionIdMarker });
    return [
      ...currentOfKey.all(bucketId, keyMarker, before),
      ...olderOfKey.all(bucketId, keyMarker, before, limit + 1),
    ].map(entryOf);
  };

  // One transaction a page: its seeks see one state, and share the cost of the lock that each would take.
  return database.transaction((query: ListVersionsQuery): VersionPage => {
    const { bucketId } = query;
    const end = prefixEnd(query.prefix);
    const seek = (key: string, count: number): Iterable<ListedEntry> =>
      merged(
        currentFrom.iterate(bucketId, key, end, count),
        olderFrom.iterate(bucketId, key, end, count),
      );
    const from = pageStart(query, query.keyMarker);
    const following = () => (from === undefined ? [] : seek(from, query.limit + 1));
    const page = walkPage(query, chain(restOfKey(query), following), seek);
    const entries = page.entries.map((entry) =>
      entry.row === undefined
        ? ({ kind: "prefix", prefix: entry.prefix } as const)
        : listedOf(entry.row.row),
    );
    return { entries, isTruncated: page.isTruncated };
  });
}

/** The sequence of the version that a page ended with. Beyond all of them when it is not known any more. */
function markerFinding(
  database: Database,
): (name: VersionName & { readonly versionId: string }) => number {
  const standing = database.prepare<
    [number, string],
    { readonly sequence: number; readonly version_id: string | null }
  >("select sequence, version_id from objects where bucket_id = ? and key = ?");
  const older = database.prepare<[number, string], number>(VERSION_READS.nullSequence).pluck();
  return ({ bucketId, key, versionId }) => {
    // An id says its sequence even when its version is gone.
    if (versionId !== NULL_VERSION) return sequenceOf(versionId) ?? Number.MAX_SAFE_INTEGER;
    const current = standing.get(bucketId, key);
    if (current?.version_id === null) return current.sequence;
    return older.get(bucketId, key) ?? Number.MAX_SAFE_INTEGER;
  };
}

function entryOf(row: ListedRow): ListedEntry {
  return { key: row[0], row };
}

/** By key, of one key the newest first. Each source is in that order; both are closed when the caller has enough. */
function* merged(
  current: IterableIterator<ListedRow>,
  older: IterableIterator<ListedRow>,
): Generator<ListedEntry, void> {
  try {
    let [a, b] = [current.next(), older.next()];
    while (a.done !== true || b.done !== true) {
      const isCurrent = b.done === true || (a.done !== true && isFirst(a.value, b.value));
      const next = isCurrent ? a : b;
      if (next.done !== true) yield entryOf(next.value);
      if (isCurrent) a = current.next();
      else b = older.next();
    }
  } finally {
    current.return?.();
    older.return?.();
  }
}

function isFirst(a: ListedRow, b: ListedRow): boolean {
  return (compareUtf8(a[0], b[0]) || b[SEQUENCE_AT] - a[SEQUENCE_AT]) < 0;
}

function listedOf(row: ListedRow): ListedVersion {
  const [key, sizeBytes, etag, modifiedAt, ownerId, storageClass, algorithm, type] = row;
  const summary: SummaryRow = [
    key,
    sizeBytes,
    etag,
    modifiedAt,
    ownerId,
    storageClass,
    algorithm,
    type,
  ];
  const [versionId, isMarker, isLatest] = [row[9], row[10], row[11]];
  return {
    kind: isMarker === 1 ? "delete-marker" : "object",
    isLatest: isLatest === 1,
    versionId: versionId ?? NULL_VERSION,
    object: summaryOf(summary),
  };
}

/** The second is asked for only when it is needed: a statement that is not read to an end keeps its connection busy. */
function* chain<Row>(first: Iterable<Row>, second: () => Iterable<Row>): Iterable<Row> {
  yield* first;
  yield* second();
}
