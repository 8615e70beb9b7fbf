// A copy of the database as it is at one moment, while others write to it: whole, checked, and described by its place in
// the chain and its digest.

import { open } from "node:fs/promises";
import type { SnapshotInfo } from "../../../journal/journal-member.ts";
import { openForReading, versionOf } from "../open-database.ts";
import { makeSnapshot } from "../snapshot-file.ts";

export interface DatabaseCopy extends SnapshotInfo {
  readonly schemaVersion: number;
  /** As the database names its cluster; undefined where it does not. */
  readonly clusterId: string | undefined;
}

/** Durable at `to` when it resolves. @throws when the copy is not whole. */
export async function copyDatabase(
  from: string,
  to: string,
  clusterSetting: string,
): Promise<DatabaseCopy> {
  const database = openForReading(from);
  let info: SnapshotInfo;
  try {
    info = await makeSnapshot(database, to);
  } finally {
    database.close();
  }
  const copy = openForReading(to);
  try {
    const problem = copy.pragma("quick_check(1)", { simple: true });
    if (problem !== "ok") throw new Error(`${from} is damaged: ${String(problem)}`);
    const clusterId = copy
      .prepare<[string], string>("select value from settings where name = ?")
      .pluck()
      .get(clusterSetting);
    return { ...info, schemaVersion: versionOf(copy), clusterId };
  } finally {
    copy.close();
    const file = await open(to, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
