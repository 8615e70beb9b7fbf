// Reads of a process that does not have the writer: straight from metadata.db. The database may be set aside and made
// anew at any time, and another process may answer from the new one before this one has heard of it. So it is looked at,
// where each request begins, whether the file of that name still is the one that is open: SQLite itself would go on
// reading what was set aside.
// Invariant: what another process has acknowledged before a request began is never missing from what the request reads.

import { statSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { MetadataReader } from "../engine-store.ts";
import { openForReading } from "./open-database.ts";
import { sqliteReads } from "./sqlite-reads.ts";

const TRIES_MAX = 5;

interface OpenReader {
  readonly database: Database;
  readonly reader: MetadataReader;
  readonly identity: string;
}

export class SideReader {
  readonly #path: string;
  #open: OpenReader | undefined;

  /** Of metadata.db. Nothing is opened yet. */
  constructor(path: string) {
    this.#path = path;
  }

  get reader(): MetadataReader {
    if (this.#open === undefined) throw new Error("the metadata is not open for reading");
    return this.#open.reader;
  }

  /** Opens the database that is there now, unless it is open. @throws when it cannot be read. */
  renew(): void {
    for (let tries = 1; ; tries += 1) {
      const before = this.#open;
      const identity = identityOf(this.#path);
      if (before !== undefined && before.identity === identity) return;
      const database = openForReading(this.#path);
      // Between the two looks it may have been replaced once more.
      if (identity === undefined || identityOf(this.#path) !== identity) {
        database.close();
        if (tries === TRIES_MAX) throw new Error(`${this.#path} is being replaced`);
        continue;
      }
      const reader = this.#guarded(sqliteReads(database));
      this.#open = { database, reader, identity };
      before?.database.close();
      return;
    }
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  /** Every request of a client asks for its bucket, or for all of them, before anything else. */
  #guarded(reads: MetadataReader): MetadataReader {
    return {
      ...reads,
      findBucket: (name) => {
        this.#confirm();
        return reads.findBucket(name);
      },
      listBuckets: (query) => {
        this.#confirm();
        return reads.listBuckets(query);
      },
    };
  }

  /**
   * While there is none of that name nobody has a newer one; and one of which the writer has not said that it is in force
   * may hold what will not stand.
   * @throws S3Error ServiceUnavailable
   */
  #confirm(): void {
    const identity = identityOf(this.#path);
    if (identity === undefined || identity === this.#open?.identity) return;
    const cause = new Error("the metadata is being opened anew");
    throw new S3Error("ServiceUnavailable", { cause });
  }
}

/** Undefined when there is none. A file that is open keeps its identity to itself. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
