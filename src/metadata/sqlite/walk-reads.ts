// The walk over everything that holds bytes, in pages that are found with seeks, and the totals. Under a key stand the
// current version, older versions, and the parts of its uploads, in progress or completed: three sources, merged by key,
// and within a key by the numbers that the one counter gave them.

import type { Database } from "better-sqlite3";
import type { MetadataReader } from "../engine-store.ts";
import type { MetadataTotals, WalkEntry, WalkQuery } from "../metadata-store.ts";
import { prefixEnd } from "./page-walk.ts";
import { WalkSources, type KeyRange } from "./walk-sources.ts";

const TOTALS = {
  buckets: `select count(*) as buckets, coalesce(sum(object_count), 0) as objects,
    coalesce(sum(object_bytes), 0) as objectBytes from buckets`,
  others: `select
    (select count(*) from uploads indexed by uploads_open where completed_sequence is null) as openUploads,
    (select count(*) from shard_sets) as sets,
    (select count(*) from shard_sets indexed by shard_sets_packs where pack_state is not null) as packs,
    (select count(*) from shard_sets indexed by shard_sets_missing where missing is not null) as degradedSets,
    (select count(*) from trash) as trashedSets`,
} as const;

type BucketTotals = Pick<MetadataTotals, "buckets" | "objectBytes" | "objects">;
type OtherTotals = Omit<MetadataTotals, keyof BucketTotals>;

/** Counting more rows than this is not repeated at once: it takes milliseconds, and holds up every request. */
const QUICK_ROWS = 50_000;
/** The count of many rows stands for this many times as long as it took. */
const REST_FACTOR = 200;

export function walkReads(database: Database): Pick<MetadataReader, "totals" | "walk"> {
  return { walk: walking(database), totals: counting(database) };
}

function counting(database: Database): () => MetadataTotals {
  const buckets = database.prepare<[], BucketTotals>(TOTALS.buckets);
  const others = database.prepare<[], OtherTotals>(TOTALS.others);
  let counted: OtherTotals | undefined;
  let standsUntilMs = 0;
  return () => {
    const startMs = performance.now();
    if (counted === undefined || startMs >= standsUntilMs) {
      counted = others.get();
      standsUntilMs = startMs + (performance.now() - startMs) * REST_FACTOR;
      if (rowCount(counted) <= QUICK_ROWS) standsUntilMs = 0;
    }
    const sums = buckets.get();
    if (sums === undefined || counted === undefined) throw new Error("a count gave no row");
    return { ...sums, ...counted };
  };
}

function rowCount(counted: OtherTotals | undefined): number {
  if (counted === undefined) return 0;
  return counted.sets + counted.trashedSets + counted.openUploads;
}

function walking(database: Database): (query: WalkQuery) => readonly WalkEntry[] {
  const sources = new WalkSources(database);
  const bucketsFrom = database
    .prepare<[number], number>("select id from buckets where id >= ? order by id limit 1")
    .pluck();
  // One transaction a page: its seeks see one state, and share the cost of the lock that each would take.
  return database.transaction((query: WalkQuery): readonly WalkEntry[] => {
    const entries: WalkEntry[] = [];
    const first = Math.max(query.bucketId ?? 0, query.after?.bucketId ?? 0);
    let bucketId = bucketsFrom.get(first);
    while (bucketId !== undefined && entries.length < query.limit) {
      if (query.bucketId !== undefined && bucketId !== query.bucketId) break;
      const range = rangeOf(query, bucketId);
      entries.push(...sources.walkBucket(range, query.limit - entries.length));
      bucketId = bucketsFrom.get(bucketId + 1);
    }
    return entries;
  });
}

function rangeOf({ prefix, after }: WalkQuery, bucketId: number): KeyRange {
  const end = prefixEnd(prefix);
  if (after?.bucketId !== bucketId) return { bucketId, prefix, end, after: undefined };
  return { bucketId, prefix, end, after };
}
