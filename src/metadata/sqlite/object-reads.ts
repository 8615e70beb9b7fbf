// Reads of buckets and objects: what GET, HEAD and LIST ask.

import type { Database } from "better-sqlite3";
import type { AccountId } from "../../core/ids.ts";
import { findCommonPrefix } from "../common-prefix.ts";
import type { MetadataReader } from "../engine-store.ts";
import type { ListObjectsQuery, ObjectPage } from "../metadata-store.ts";
import type { ObjectSummary } from "../records.ts";
import { pageStart, prefixEnd, walkPage } from "./page-walk.ts";
import {
  BYTES_AT,
  OBJECT_COLUMNS,
  SUMMARY_COLUMNS,
  objectOf,
  rowOfValues,
  summaryOf,
  type ObjectRowValues,
  type SummaryRow,
} from "./object-rows.ts";
import { rememberBuckets } from "./remember-buckets.ts";
import { BUCKET_COLUMNS, bucketOf, type BucketRow } from "./rows.ts";

type ObjectRead =
  | "findBucket"
  | "findBucketById"
  | "findBucketConfig"
  | "findObject"
  | "findObjectWithBytes"
  | "listBuckets"
  | "listConfigured"
  | "listObjects"
  | "listQuotas"
  | "readInline";

const JOIN_SET = "left join shard_sets s on s.id = o.set_id";
const ONE_OBJECT = "where o.bucket_id = ? and o.key = ?";
const FIND_OBJECT = `select ${OBJECT_COLUMNS} from objects o ${JOIN_SET} ${ONE_OBJECT}`;
/** One statement: each costs a read transaction of its own, which is more than the rest of it. */
const FIND_WITH_BYTES = `select ${OBJECT_COLUMNS}, i.bytes from objects o ${JOIN_SET}
  left join inline_data i on i.id = o.data_id ${ONE_OBJECT}`;

export function objectReads(database: Database): Pick<MetadataReader, ObjectRead> {
  const object = database.prepare<[number, string], ObjectRowValues>(FIND_OBJECT).raw();
  const withBytes = database.prepare<[number, string], ObjectRowValues>(FIND_WITH_BYTES).raw();
  const inline = database
    .prepare<[number], Uint8Array>("select bytes from inline_data where id = ?")
    .pluck();
  return {
    ...bucketReads(database),
    findObject: (bucketId, key) => {
      const values = object.get(bucketId, key);
      return values && objectOf({ bucketId, key }, rowOfValues(values));
    },
    findObjectWithBytes: (bucketId, key) => {
      const values = withBytes.get(bucketId, key);
      if (values === undefined) return undefined;
      const found = objectOf({ bucketId, key }, rowOfValues(values));
      return { object: found, bytes: values[BYTES_AT] ?? undefined };
    },
    readInline: (dataId) => inline.get(dataId),
    listObjects: objectListing(database),
  };
}

type BucketRead = Exclude<
  ObjectRead,
  "findObject" | "findObjectWithBytes" | "listObjects" | "readInline"
>;

function bucketReads(database: Database): Pick<MetadataReader, BucketRead> {
  const byName = database.prepare<[string], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where name = ?`,
  );
  const byId = database.prepare<[number], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where id = ?`,
  );
  const byOwner = database.prepare<[AccountId, string, Buffer | string, number], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where owner_id = ? and name >= ? and name < ? order by name limit ?`,
  );
  const ofAll = database.prepare<[string, Buffer | string, number], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where name >= ? and name < ? order by name limit ?`,
  );
  const withQuota = database.prepare<[number], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where quota_bytes is not null
      order by cast(object_bytes as real) / max(quota_bytes, 1) desc, name limit ?`,
  );
  const configured = database.prepare<[number, string, number], BucketRow>(
    `select ${BUCKET_COLUMNS} from buckets where id > ? and exists (
      select 1 from bucket_config c where c.bucket_id = buckets.id and c.name = ?) order by id limit ?`,
  );
  const config = database
    .prepare<[number, string], string>(
      "select value from bucket_config where bucket_id = ? and name = ?",
    )
    .pluck();
  return {
    findBucket: rememberBuckets(database, (name) => {
      const row = byName.get(name);
      return row && bucketOf(row);
    }),
    listBuckets: ({ ownerId, prefix, after, limit }) => {
      const from = pageStart({ prefix, delimiter: "" }, after);
      if (from === undefined) return [];
      const end = prefixEnd(prefix);
      const rows =
        ownerId === undefined
          ? ofAll.all(from, end, limit)
          : byOwner.all(ownerId, from, end, limit);
      return rows.map(bucketOf);
    },
    findBucketById: (bucketId) => {
      const row = byId.get(bucketId);
      return row && bucketOf(row);
    },
    findBucketConfig: (bucketId, name) => config.get(bucketId, name),
    listConfigured: (name, after, limit) => configured.all(after, name, limit).map(bucketOf),
    listQuotas: (limit) => withQuota.all(limit).map(bucketOf),
  };
}

function objectListing(database: Database): (query: ListObjectsQuery) => ObjectPage {
  const rows = database
    .prepare<[number, string, Buffer | string, number], SummaryRow>(
      `select ${SUMMARY_COLUMNS} from objects where bucket_id = ? and key >= ? and key < ? order by key limit ?`,
    )
    .raw();
  const firstKey = database
    .prepare<[number, string, Buffer | string], string>(
      "select key from objects where bucket_id = ? and key >= ? and key < ? order by key limit 1",
    )
    .pluck();
  // One transaction a page: its seeks see one state, and share the cost of the lock that each would take.
  return database.transaction((query: ListObjectsQuery): ObjectPage => {
    const from = pageStart(query, query.after);
    if (from === undefined) return { entries: [], isTruncated: false };
    const end = prefixEnd(query.prefix);
    const { bucketId, delimiter } = query;
    const seek = (key: string, count: number): Iterable<ObjectSummary | string> => {
      // Without a delimiter all rows are looked at: then one call fetches them.
      if (delimiter === "") return rows.all(bucketId, key, end, count).map(summaryOf);
      // With one most are hidden by a prefix, and their keys tell.
      const first = firstKey.get(bucketId, key, end);
      if (first === undefined) return [];
      if (findCommonPrefix(first, query) !== undefined) return [first];
      return summaries(rows.iterate(bucketId, first, end, count));
    };
    const page = walkPage(query, seek(from, query.limit + 1), seek);
    const entries = page.entries.map((entry) =>
      entry.row === undefined
        ? ({ kind: "prefix", prefix: entry.prefix } as const)
        : ({ kind: "object", object: entry.row } as const),
    );
    return { entries, isTruncated: page.isTruncated };
  });
}

function* summaries(rows: Iterable<SummaryRow>): Generator<ObjectSummary, void> {
  for (const row of rows) yield summaryOf(row);
}
