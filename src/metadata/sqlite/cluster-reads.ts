// Reads of what belongs to the cluster rather than to a bucket.

import type { Database } from "better-sqlite3";
import type { MetadataReader } from "../engine-store.ts";
import type { LayoutRecord, ProcessRecord, TrashRecord } from "../records.ts";

type ClusterRead = "findLayouts" | "findSetting" | "listProcesses" | "listTrash";

interface LayoutRow {
  readonly version: number;
  readonly drives: string;
  readonly partitions: string;
  readonly data_shards: number | null;
  readonly parity_shards: number | null;
  readonly is_written: number;
  readonly retired_into: number | null;
}

interface ProcessRow {
  readonly incarnation: ProcessRecord["incarnation"];
  readonly started_at: number;
  readonly ended_at: number | null;
}

interface TrashRow {
  readonly set_id: TrashRecord["setId"];
  readonly layout_version: number;
  readonly shard_count: number;
  readonly trashed_at: number;
}

export function clusterReads(database: Database): Pick<MetadataReader, ClusterRead> {
  const setting = database
    .prepare<[string], string>("select value from settings where name = ?")
    .pluck();
  const layouts = database.prepare<[], LayoutRow>(
    `select version, drives, partitions, data_shards, parity_shards, is_written, retired_into from layouts
     order by version`,
  );
  const processes = database.prepare<[], ProcessRow>(
    "select incarnation, started_at, ended_at from processes order by ordinal",
  );
  const trash = database.prepare<[string | null, number], TrashRow>(
    `select set_id, layout_version, shard_count, trashed_at from trash
      where number > coalesce((select number from trash where set_id = ?), 0) order by number limit ?`,
  );
  return {
    findSetting: (name) => setting.get(name),
    findLayouts: () => layouts.all().map(layoutOf),
    listProcesses: () =>
      processes.all().map((row) => ({
        incarnation: row.incarnation,
        startedAt: row.started_at,
        endedAt: row.ended_at ?? undefined,
      })),
    listTrash: (limit, after) =>
      trash.all(after ?? null, limit).map((row) => ({
        setId: row.set_id,
        layoutVersion: row.layout_version,
        shardCount: row.shard_count,
        trashedAt: row.trashed_at,
      })),
  };
}

function layoutOf(row: LayoutRow): LayoutRecord {
  const { data_shards: dataShards, parity_shards: parityShards } = row;
  const hasGeometry = dataShards !== null && parityShards !== null;
  return {
    version: row.version,
    drives: JSON.parse(row.drives) as LayoutRecord["drives"],
    partitions: JSON.parse(row.partitions) as LayoutRecord["partitions"],
    ...(hasGeometry ? { geometry: { dataShards, parityShards } } : {}),
    isWritten: row.is_written === 1,
    retiredInto: row.retired_into ?? undefined,
  };
}
