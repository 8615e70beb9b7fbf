// The walk over everything that holds bytes, and the totals.

import type { Database } from "better-sqlite3";
import type { MetadataReader } from "../engine-store.ts";

export function walkReads(_database: Database): Pick<MetadataReader, "totals" | "walk"> {
  const none = { buckets: 0, objects: 0, objectBytes: 0, openUploads: 0 };
  return {
    walk: () => [],
    totals: () => ({ ...none, sets: 0, packs: 0, degradedSets: 0, trashedSets: 0 }),
  };
}
