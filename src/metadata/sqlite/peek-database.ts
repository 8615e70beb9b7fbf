// What a database file says of its cluster, before it is opened for good: a gateway has to know which drives to look
// for, and whose they should be.

import { join } from "node:path";
import type { Database } from "better-sqlite3";
import type { LayoutRecord } from "../records.ts";
import { clusterReads } from "./cluster-reads.ts";
import { openForReading } from "./open-database.ts";

export interface RememberedCluster {
  /** The newest one. */
  readonly layout: LayoutRecord | undefined;
  /** Settings by their names, those that were asked for and are there. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Undefined when there is no file, or none that can be read: its copies decide then. */
export function peekDatabase(
  folder: string,
  settingNames: readonly string[],
): RememberedCluster | undefined {
  let database: Database | undefined;
  try {
    database = openForReading(join(folder, "metadata.db"));
    const { findLayouts, findSetting } = clusterReads(database);
    const settings = settingNames.flatMap((name) => {
      const value = findSetting(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return { layout: findLayouts().at(-1), settings: new Map(settings) };
  } catch {
    // Absent, damaged, of another version: whoever opens it for good says so.
    return undefined;
  } finally {
    database?.close();
  }
}
