// Removes a manifest, or an upload in progress, with all its parts, by statements over whole sets of rows: an upload of
// ten thousand parts must not hold the writer for long.

import type { Statement } from "better-sqlite3";
import type { StatementSource } from "./statement-source.ts";

interface Removal {
  readonly manifestId: number;
  readonly nowMs: number;
}

const SETS = "select set_id from parts where manifest_id = :manifestId and set_id is not null";

/** How often each set is named by the parts of the manifest, for how many bytes, and by which part last. */
const USES = `(select set_id, count(*) as uses, sum(size_bytes) as bytes, max(number) as last_number from parts
  where manifest_id = :manifestId and set_id is not null group by set_id) u`;

/**
 * In this order: sets without another reference go to the trash (but no pack that may still grow), the others lose
 * references, then the rows go. Inline bytes bear their part's id: a damaged row takes no others with it.
 */
const STEPS: readonly string[] = [
  `insert into trash (set_id, layout_version, shard_count, trashed_at)
   select s.id, s.layout_version, s.data_shards + s.parity_shards, :nowMs
   from ${USES} cross join shard_sets s on s.id = u.set_id
   where s.reference_count <= u.uses and s.pack_state is not 'open' order by u.last_number`,
  `delete from shard_sets where id in (${SETS})
   and exists (select 1 from trash t where t.set_id = shard_sets.id)`,
  `update shard_sets set reference_count = reference_count - u.uses,
   live_bytes = iif(pack_state is null, 0, live_bytes - u.bytes) from ${USES} where shard_sets.id = u.set_id`,
  `delete from inline_data where id in (
     select data_id from parts where manifest_id = :manifestId and data_id = id)`,
  "delete from part_offsets where manifest_id = :manifestId",
  "delete from parts where manifest_id = :manifestId",
  "delete from uploads where manifest_id = :manifestId",
];

export class ManifestWrites {
  readonly #steps: readonly Statement<[Removal]>[];

  constructor(database: StatementSource) {
    this.#steps = STEPS.map((step) => database.prepare<[Removal]>(step));
  }

  /** Returns how many rows that took. */
  remove(manifestId: number, nowMs: number): number {
    let rows = 0;
    for (const step of this.#steps) rows += step.run({ manifestId, nowMs }).changes;
    return rows;
  }
}
