// Reads of a process that does not have the writer: straight from metadata.db. The database may be set aside and made
// anew at any time, and another process may answer from the new one before this one has heard of it. So it is looked at,
// where each request begins (once for those that begin side by side), whether the file of that name still is the one that
// is open: SQLite itself would go on reading what was set aside.
// Invariant: what another process has acknowledged before a request began is never missing from what the request reads.

import { statSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { Moment } from "../../util/moment.ts";
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
  /** What file has the name, as it was last looked at. */
  #named: string | undefined;
  readonly #moment = new Moment();
  /** Those who wait for the database that is there now. */
  readonly #waiting = new Set<() => void>();

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
      this.#open = { database, reader: sqliteReads(database), identity };
      this.#moment.end();
      before?.database.close();
      for (const wake of this.#waiting) wake();
      return;
    }
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  /**
   * Whether there is another database than the one that is open: the writer has not said that it is in force, so it may
   * hold what will not stand. While there is none of that name nobody has a newer one.
   */
  get isBehind(): boolean {
    if (this.#moment.isOver) {
      this.#named = identityOf(this.#path);
      this.#moment.begin();
    }
    return this.#named !== undefined && this.#named !== this.#open?.identity;
  }

  /** Resolves when another database was opened, or the time is over. */
  async renewed(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}

/** Undefined when there is none. A file that is open keeps its identity to itself. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
