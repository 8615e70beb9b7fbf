// All reads of the SQLite engine over one read-only connection.

import type { Database } from "better-sqlite3";
import type { MetadataReader } from "../engine-store.ts";
import { clusterReads } from "./cluster-reads.ts";
import { dueReads } from "./due-reads.ts";
import { objectReads } from "./object-reads.ts";
import { packReads } from "./pack-reads.ts";
import { uploadReads } from "./upload-reads.ts";
import { versionReads } from "./version-reads.ts";
import { walkReads } from "./walk-reads.ts";

export function sqliteReads(database: Database): MetadataReader {
  return {
    ...clusterReads(database),
    ...objectReads(database),
    ...versionReads(database),
    ...uploadReads(database),
    ...packReads(database),
    ...walkReads(database),
    ...dueReads(database),
  };
}
