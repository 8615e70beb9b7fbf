// Rows of buckets, kept while the database stays as it is: every request asks for one. SQLite itself says whether anybody,
// in this process or another, has committed anything since (https://www.sqlite.org/pragma.html#pragma_data_version). That
// is asked of it for every request, or once for those that take the step side by side, so that what was acknowledged before
// a request began is seen by it, as in a read; and it costs a third of reading the row. A connection to another file has
// another memory.

import type { Database } from "better-sqlite3";
import { Moment } from "../../util/moment.ts";
import type { BucketRecord } from "../records.ts";

type FindBucket = (name: string) => BucketRecord | undefined;

const BUCKETS_MAX = 1_000;

/** The same function without reading what is known. A connection that writes is not told of its own changes. */
export function rememberBuckets(database: Database, find: FindBucket): FindBucket {
  if (!database.readonly) return find;
  const version = database.prepare<[], number>("pragma data_version").pluck();
  const known = new Map<string, BucketRecord>();
  const moment = new Moment();
  let knownAt: number | undefined;
  return (name) => {
    if (moment.isOver) {
      // Before the row: what is committed in between makes the row newer than its version says, which is harmless.
      const now = version.get();
      if (now !== knownAt) {
        known.clear();
        knownAt = now;
      }
      moment.begin();
    }
    const before = known.get(name);
    if (before !== undefined) return before;
    const bucket = find(name);
    if (bucket !== undefined && known.size < BUCKETS_MAX) known.set(name, bucket);
    return bucket;
  };
}
