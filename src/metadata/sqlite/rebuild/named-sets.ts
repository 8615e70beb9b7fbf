// Sets as a database that is being made anew names them, and where it says that they lie.

import type { Database } from "better-sqlite3";
import type { SetId } from "../../../core/ids.ts";
import { DamagedRowError } from "../../damaged-row-error.ts";
import type { ShardSetRecord } from "../../records.ts";
import { rowCheck } from "../row-check.ts";
import { SET_COLUMNS, setOf, setValues, type SetRow } from "../rows.ts";

export interface NamedSet extends ShardSetRecord {
  readonly isPack: boolean;
}

type NamedRow = SetRow & { readonly is_pack: number };

const SQL = {
  find: `select ${SET_COLUMNS}, s.pack_state is not null as is_pack from shard_sets s where s.id = ?`,
  after: "select id from shard_sets where id > ? order by id limit ?",
  layoutOf: "select layout_version from shard_sets where id = ?",
  place:
    "update shard_sets set layout_version = ?, row_check = iif(row_check is null, null, ?) where id = ?",
} as const;

const PAGE = 1_000;

export class NamedSets {
  readonly #after: (setId: SetId | "") => readonly SetId[];
  readonly #find: (setId: SetId) => NamedRow | undefined;
  readonly #layoutOf: (setId: SetId) => number | undefined;
  readonly #place: (values: readonly [number, number, SetId]) => void;

  constructor(database: Database) {
    const find = database.prepare<[SetId], NamedRow>(SQL.find);
    this.#find = (setId) => find.get(setId);
    const after = database.prepare<[string, number], SetId>(SQL.after).pluck();
    this.#after = (setId) => after.all(setId, PAGE);
    const layout = database.prepare<[SetId], number>(SQL.layoutOf).pluck();
    this.#layoutOf = (setId) => layout.get(setId);
    const place = database.prepare<[number, number, SetId]>(SQL.place);
    this.#place = (values) => void place.run(...values);
  }

  /** All of them, by id; they may be changed meanwhile. */
  *ids(): Generator<SetId, void> {
    let page = this.#after("");
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      yield* page;
      page = this.#after(last);
    }
  }

  /** Undefined where it is not named, or its row is damaged: nothing can be said of where it lies. */
  find(setId: SetId): NamedSet | undefined {
    const row = this.#find(setId);
    if (row === undefined) return undefined;
    try {
      return { ...setOf(row, setId), isPack: row.is_pack === 1 };
    } catch (error) {
      if (error instanceof DamagedRowError) return undefined;
      throw error;
    }
  }

  /** Of a set that is named; its row is not tried. */
  layoutOf(setId: SetId): number | undefined {
    return this.#layoutOf(setId);
  }

  /** Has it lie where another layout says. */
  place(setId: SetId, layoutVersion: number): void {
    const set = this.find(setId);
    if (set === undefined) return;
    const check = rowCheck(setValues({ ...set, layoutVersion }, set.isPack));
    this.#place([layoutVersion, check, setId]);
  }
}
