// Reads of shard sets and packs.

import type { Database } from "better-sqlite3";
import type { MetadataReader } from "../engine-store.ts";

type PackRead = "findNamedSets" | "listDegradedSets" | "listSparsePacks";

export function packReads(_database: Database): Pick<MetadataReader, PackRead> {
  return {
    findNamedSets: () => new Set(),
    listDegradedSets: () => [],
    listSparsePacks: () => [],
  };
}
