// Removes many objects of a bucket without versions by a few statements over all of them. It takes only what is as most
// objects are: rows that have nothing of what few have, which are read in three quarters of the time (for the driver a column
// that is null is as much work as another), and that their checks find intact. All others are left to the way that removes
// one at a time.

import type { Statement } from "better-sqlite3";
import type { ContentWrites, StoredBytes } from "./content-writes.ts";
import {
  contentOfPlain,
  IS_PLAIN,
  isIntactPlain,
  PLAIN_COLUMNS,
  type PlainValues,
} from "./plain-rows.ts";
import type { StatementSource } from "./statement-source.ts";

/** Many keys are given to a statement as one text of JSON. */
const SQL = {
  find: `select ${PLAIN_COLUMNS}, j.key from json_each(?) j cross join objects o
    where o.bucket_id = ? and o.key = j.value and ${IS_PLAIN}`,
  remove: `delete from objects where bucket_id = ? and key in (select value from json_each(?))`,
} as const;

/** Fewer keys are removed as quickly one at a time. */
export const BULK_MIN = 4;

/** Half of a character, which JSON writes so: what is noted for the members has no way to write it. */
const BROKEN_CHARACTER = /\\ud[89a-f]/;

type FoundRow = readonly [...PlainValues, nth: number];
/** The place of `nth` in a row. */
const NTH_AT = 14;

export interface Removed {
  readonly keys: readonly string[];
  /** What they held, as it was counted. */
  readonly bytes: number;
}

export class BulkRemovals {
  readonly #find: Statement<[string, number], FoundRow>;
  readonly #remove: Statement<[number, string]>;
  readonly #contents: ContentWrites;

  constructor(database: StatementSource, contents: ContentWrites) {
    this.#find = database.prepare<[string, number], FoundRow>(SQL.find).raw();
    this.#remove = database.prepare(SQL.remove);
    this.#contents = contents;
  }

  /** Removes those of these keys, each of them named once, that it can; the bucket's count is the caller's. */
  remove(bucketId: number, keys: readonly string[], nowMs: number): Removed {
    const asked = JSON.stringify(keys);
    const removed: string[] = [];
    const contents: StoredBytes[] = [];
    let bytes = 0;
    if (BROKEN_CHARACTER.test(asked)) return { keys: removed, bytes };
    for (const row of this.#find.all(asked, bucketId)) {
      const key = keys[row[NTH_AT]];
      if (key === undefined || !isIntactPlain({ bucketId, key }, row)) continue;
      const content = contentOfPlain(row);
      removed.push(key);
      contents.push(content);
      bytes += content.size_bytes;
    }
    if (removed.length === 0) return { keys: removed, bytes };
    this.#remove.run(bucketId, removed.length === keys.length ? asked : JSON.stringify(removed));
    this.#contents.releaseAll(contents, nowMs);
    return { keys: removed, bytes };
  }
}
