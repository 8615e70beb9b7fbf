// Writes to what belongs to the cluster rather than to a bucket, within the writer's transaction.

import type { SetId } from "../../core/ids.ts";
import type { WriteHandlers } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import { sortedIndexes } from "./content-writes.ts";
import { indexesFrom, listText } from "./rows.ts";

type ProcessWrite = "beginIncarnation" | "endIncarnation" | "endOtherIncarnations";
type ShardSetWrite = "dropTrash" | "noteMissing";
type ClusterWrite = ProcessWrite | ShardSetWrite | "addLayout" | "ensureSetting" | "reset";

/** Tables that are emptied by a reset; a table without triggers is emptied as a whole, whatever its size. */
const RESET_TABLES = [
  "shard_sets",
  "inline_data",
  "part_offsets",
  "parts",
  "uploads",
  "versions",
  "objects",
  "bucket_config",
  "buckets",
] as const;

export function clusterWrites(database: StatementSource): Pick<WriteHandlers, ClusterWrite> {
  const ensure = database
    .prepare<[string, string], string>(
      "insert into settings (name, value) values (?, ?) on conflict do update set value = value returning value",
    )
    .pluck();
  const addLayout = database.prepare<[number, string, string]>(
    "insert into layouts (version, drives, partitions) values (?, ?, ?)",
  );
  const trashSets = database.prepare<[number]>(
    `insert into trash (set_id, layout_version, shard_count, trashed_at)
     select id, layout_version, data_shards + parity_shards, ? from shard_sets order by id`,
  );
  const emptying = RESET_TABLES.map((table) => database.prepare<[]>(`delete from ${table}`));
  return {
    ...processWrites(database),
    ...shardSetWrites(database),
    ensureSetting: ({ name, value }) => ensure.get(name, value) ?? value,
    addLayout: ({ version, drives, partitions }) => {
      addLayout.run(version, JSON.stringify(drives), JSON.stringify(partitions));
    },
    reset: (_input, nowMs) => {
      trashSets.run(nowMs);
      for (const table of emptying) table.run();
    },
  };
}

function processWrites(database: StatementSource): Pick<WriteHandlers, ProcessWrite> {
  const begin = database.prepare<[string, number]>(
    `insert into processes (incarnation, started_at, ordinal)
     values (?, ?, (select coalesce(max(ordinal), 0) + 1 from processes))`,
  );
  const end = database.prepare<[number, string]>(
    "update processes set ended_at = ? where incarnation = ? and ended_at is null",
  );
  const endOthers = database.prepare<[number, string]>(
    "update processes set ended_at = ? where incarnation <> ? and ended_at is null",
  );
  return {
    endOtherIncarnations: ({ own, endedAt }) => void endOthers.run(endedAt, own),
    beginIncarnation: ({ incarnation, startedAt }) => void begin.run(incarnation, startedAt),
    endIncarnation: ({ incarnation, endedAt }) => void end.run(endedAt, incarnation),
  };
}

function shardSetWrites(database: StatementSource): Pick<WriteHandlers, ShardSetWrite> {
  const missingOf = database.prepare<[SetId], { readonly missing: string | null }>(
    "select missing from shard_sets where id = ?",
  );
  const setMissing = database.prepare<[string | null, SetId]>(
    "update shard_sets set missing = ? where id = ?",
  );
  const dropTrash = database.prepare<[SetId]>("delete from trash where set_id = ?");
  return {
    noteMissing: ({ setId, indexes }) => {
      const row = missingOf.get(setId);
      if (row === undefined) return;
      const missing = sortedIndexes([...indexesFrom(row.missing), ...indexes]);
      setMissing.run(listText(missing), setId);
    },
    dropTrash: ({ setIds }) => {
      for (const setId of setIds) dropTrash.run(setId);
    },
  };
}
