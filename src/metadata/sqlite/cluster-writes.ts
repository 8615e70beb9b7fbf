// Writes to what belongs to the cluster rather than to a bucket, within the writer's transaction.

import type { Incarnation, SetId } from "../../core/ids.ts";
import type { WriteHandlers } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";
import { indexesFrom, listText } from "./column-text.ts";
import { sortedIndexes } from "./content-writes.ts";

type ProcessWrite = "beginIncarnation" | "endIncarnation" | "endOtherIncarnations";
type ShardSetWrite = "dropTrash" | "noteFound" | "noteMissing";
type LayoutWrite = "addLayout" | "useLayout";
type ClusterWrite =
  | LayoutWrite
  | ProcessWrite
  | ShardSetWrite
  | "ensureSetting"
  | "putProgress"
  | "putSetting"
  | "reset";

/** Tables that are emptied by a reset; a table without triggers is emptied as a whole, whatever its size. */
const RESET_TABLES = [
  "inline_data",
  "part_offsets",
  "parts",
  "uploads",
  "versions",
  "objects",
  "bucket_config",
  "buckets",
  "job_progress",
] as const;

export function clusterWrites(database: StatementSource): Pick<WriteHandlers, ClusterWrite> {
  const ensure = database
    .prepare<[string, string], string>(
      "insert into settings (name, value) values (?, ?) on conflict do update set value = value returning value",
    )
    .pluck();
  const putSetting = database.prepare<[string, string]>(
    "insert or replace into settings (name, value) values (?, ?)",
  );
  const putProgress = database.prepare<[string, string]>(
    "insert or replace into job_progress (job, text) values (?, ?)",
  );
  const removeProgress = database.prepare<[string]>("delete from job_progress where job = ?");
  const resetSets = setReset(database);
  const emptying = RESET_TABLES.map((table) => database.prepare<[]>(`delete from ${table}`));
  return {
    ...processWrites(database),
    ...layoutWrites(database),
    ...shardSetWrites(database),
    ensureSetting: ({ name, value }) => ensure.get(name, value) ?? value,
    putSetting: ({ name, value }) => {
      putSetting.run(name, value);
    },
    putProgress: ({ job, text }) => {
      if (text === undefined) removeProgress.run(job);
      else putProgress.run(job, text);
    },
    reset: (_input, nowMs) => {
      resetSets(nowMs);
      for (const table of emptying) table.run();
    },
  };
}

function layoutWrites(database: StatementSource): Pick<WriteHandlers, LayoutWrite> {
  const add = database.prepare<
    [number, string, string, number | null, number | null, number, number | null]
  >(
    `insert into layouts (version, drives, partitions, data_shards, parity_shards, is_written, retired_into)
     values (?, ?, ?, ?, ?, ?, ?)`,
  );
  const use = database.prepare<[number]>("update layouts set is_written = 1 where version = ?");
  const retire = database.prepare<[{ readonly into: number }]>(
    "update layouts set retired_into = :into where version < :into and retired_into is null",
  );
  return {
    addLayout: ({ version, drives, partitions, geometry, isWritten, retiredInto }) => {
      const { dataShards = null, parityShards = null } = geometry ?? {};
      const lists = [JSON.stringify(drives), JSON.stringify(partitions)] as const;
      const written = isWritten ? 1 : 0;
      add.run(version, ...lists, dataShards, parityShards, written, retiredInto ?? null);
    },
    useLayout: ({ version, isAlone }) => {
      use.run(version);
      if (isAlone) retire.run({ into: version });
    },
  };
}

/** A pack that may still grow is not trashed: nothing refers to it any more, and sealing it will find that. */
function setReset(database: StatementSource): (nowMs: number) => void {
  const trash = database.prepare<[number]>(
    `insert into trash (set_id, layout_version, shard_count, trashed_at)
     select id, layout_version, data_shards + parity_shards, ? from shard_sets
     where pack_state is not 'open' order by id`,
  );
  const remove = database.prepare<[]>("delete from shard_sets where pack_state is not 'open'");
  const empty = database.prepare<[]>("update shard_sets set reference_count = 0, live_bytes = 0");
  return (nowMs) => {
    trash.run(nowMs);
    remove.run();
    empty.run();
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
  const ownSets = "id >= :own and id < :own || 'g'";
  const seal = packSealing(database, ownSets);
  const sealOthers = packSealing(database, `not (${ownSets})`);
  return {
    beginIncarnation: ({ incarnation, startedAt }) => void begin.run(incarnation, startedAt),
    endIncarnation: ({ incarnation, endedAt }, nowMs) => {
      end.run(endedAt, incarnation);
      seal(incarnation, nowMs);
    },
    endOtherIncarnations: ({ own, endedAt }, nowMs) => {
      endOthers.run(endedAt, own);
      sealOthers(own, nowMs);
    },
  };
}

/** Seals packs that processes left open. How many bytes of them are dead is not known. */
function packSealing(
  database: StatementSource,
  which: string,
): (own: Incarnation, nowMs: number) => void {
  const left = `pack_state = 'open' and ${which}`;
  const trash = database.prepare<[{ readonly own: Incarnation; readonly nowMs: number }]>(
    `insert into trash (set_id, layout_version, shard_count, trashed_at)
     select id, layout_version, data_shards + parity_shards, :nowMs from shard_sets
     where ${left} and reference_count = 0 order by id`,
  );
  const remove = database.prepare<[{ readonly own: Incarnation }]>(
    `delete from shard_sets where ${left} and reference_count = 0`,
  );
  const seal = database.prepare<[{ readonly own: Incarnation }]>(
    `update shard_sets set pack_state = 'sealed', size_bytes = live_bytes where ${left}`,
  );
  return (own, nowMs) => {
    trash.run({ own, nowMs });
    remove.run({ own });
    seal.run({ own });
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
    noteFound: ({ setId, noted, found }) => {
      const text = missingOf.get(setId)?.missing;
      if (text !== listText(noted)) return;
      setMissing.run(listText(noted.filter((index) => !found.includes(index))), setId);
    },
    dropTrash: ({ setIds }) => {
      for (const setId of setIds) dropTrash.run(setId);
    },
  };
}
