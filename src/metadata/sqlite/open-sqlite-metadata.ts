// MetadataStore over SQLite: one file, one writer in a thread of its own, reads in the calling thread. With members the
// file is what can be made anew: each change is held by a quorum of them before it is seen.

import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Database } from "better-sqlite3";
import { realClock, type Clock } from "../../util/clock.ts";
import { EngineStore, type MetadataReader } from "../engine-store.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import type { JournalReport, MetadataStore } from "../metadata-store.ts";
import type { RowDifference } from "./compare-databases.ts";
import { compareWithMembers, removeComparisons } from "./compare-with-members.ts";
import { lockFolder, type FolderLock } from "./folder-lock.ts";
import { openForReading } from "./open-database.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import type { MembersChange, WriterNews } from "./write-protocol.ts";
import type { SpawnWriter } from "./spawn-writer.ts";
import type { WriterDoor } from "./write-listener.ts";
import { startWriter, type StartedWriter, type WriterOptions } from "./writer-client.ts";
import type { MembersPlan } from "./writer-host.ts";
import { syncFolder } from "./sync-folder.ts";

/** It holds small objects and secrets. */
const FOLDER_MODE = 0o700;

export interface SqliteMetadataOptions {
  /** Holds metadata.db and lock.db; made when absent. */
  readonly folder: string;
  /** Dates what goes to the trash. */
  readonly clock?: Clock | undefined;
  /** Processes that were killed and may not be gone: see `lockFolder`. */
  readonly replacedPids?: readonly number[];
  /** Where other processes of this server, `openSideMetadata` in them, reach the writer; undefined: nowhere. */
  readonly door?: WriterDoor | undefined;
}

export interface MemberedMetadataOptions extends SqliteMetadataOptions {
  readonly plan: MembersPlan;
  /** How the writer's thread is started. */
  readonly spawn?: SpawnWriter | undefined;
  /** What the writer has to say, in sentences. */
  readonly onLog: (level: "info" | "warn", message: string) => void;
  /** Another process has taken the members over: this one must end. */
  readonly onFenced: (message: string) => void;
}

export interface MemberedMetadata {
  readonly metadata: MetadataStore;
  readonly clusterId: string;
  /** What was found odd, in sentences. */
  readonly remarks: readonly string[];
  /** A member whose drive was not there at the start; harmless when it was. */
  addMember(spec: MemberSpec): void;
  /** Has the members be chosen among other drives. Resolves to why they are still those of before. */
  changeMembers(change: MembersChange): Promise<string | undefined>;
}

/**
 * The only copy.
 * @throws when another process holds the folder, or a newer version wrote the database.
 */
export async function openSqliteMetadata(options: SqliteMetadataOptions): Promise<MetadataStore> {
  const { clock = realClock, door } = options;
  return inFolder(options, async (path, lock) => {
    const writer = await startWriter({ path, clock, door });
    return assemble(path, lock, { writer, reports: new Reports() });
  });
}

/**
 * Beside its members.
 * @throws MetadataRefusedError in words when it must not be opened; when another process holds the folder.
 */
export async function openMemberedMetadata(
  options: MemberedMetadataOptions,
): Promise<MemberedMetadata> {
  const { plan, door, spawn, clock = realClock, onLog, onFenced } = options;
  return inFolder(options, async (path, lock) => {
    const reports = new Reports();
    const onNews: WriterOptions["onNews"] = (news) => {
      if (news.kind === "log") onLog(news.level, news.message);
      else if (news.kind === "fenced") onFenced(news.message);
      else reports.take(news);
    };
    const writer = await startWriter({ path, clock, plan, door, spawn, onNews });
    const metadata = await assemble(path, lock, { writer, reports });
    const { clusterId = plan.clusterId ?? "", remarks } = writer;
    return {
      metadata,
      clusterId,
      remarks,
      addMember: (spec) => writer.addMember(spec),
      changeMembers: (change) => writer.changeMembers(change),
    };
  });
}

/** What the writer tells of its members, and of the file. */
class Reports {
  journal: JournalReport | undefined;
  /** Set once there is something to read from. */
  onReplaced: (() => void) | undefined;

  take(news: Extract<WriterNews, { kind: "replaced" | "report" }>): void {
    if (news.kind === "report") this.journal = news.report;
    else this.onReplaced?.();
  }
}

async function inFolder<Value>(
  { folder, replacedPids = [] }: SqliteMetadataOptions,
  work: (path: string, lock: FolderLock) => Promise<Value>,
): Promise<Value> {
  await makeFolder(resolve(folder));
  const lock = await lockFolder(folder, { replacedPids });
  try {
    await removeComparisons(folder);
    return await work(join(folder, "metadata.db"), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function assemble(
  path: string,
  lock: FolderLock,
  { writer, reports }: { readonly writer: StartedWriter; readonly reports: Reports },
): Promise<MetadataStore> {
  let reading = await openReader(path, writer);
  reports.onReplaced = () => {
    const before = reading.database;
    reading = readerOf(openForReading(path));
    before.close();
  };
  return new EngineStore({
    reader: () => reading.reader,
    writer: writer.port,
    journalReport: () => reports.journal,
    compareWithMembers: async (signal) => {
      const members = writer.specs();
      if (members.length === 0) return undefined;
      const compared = await compareWithMembers({ databasePath: path, members }, signal);
      return { ...compared, differences: compared.differences.map(differenceWords) };
    },
    restoreFromMembers: () => writer.restore(),
    closeReader: () => {
      reports.onReplaced = undefined;
      reading.database.close();
    },
    release: () => lock.release(),
  });
}

function differenceWords({ table, key, problem }: RowDifference): string {
  if (table === "") return problem;
  return key === undefined
    ? `table ${table}: ${problem}`
    : `table ${table}, row ${key}: ${problem}`;
}

interface OpenReader {
  readonly database: Database;
  readonly reader: MetadataReader;
}

function readerOf(database: Database): OpenReader {
  return { database, reader: sqliteReads(database) };
}

async function openReader(path: string, writer: StartedWriter): Promise<OpenReader> {
  try {
    return readerOf(openForReading(path));
  } catch (error) {
    await writer.port.close();
    throw error;
  }
}

/** Others have no business in it, and its name is durable: SQLite syncs what is in a folder, not the folder's own name. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  // A folder that stands already may have been made by a process that died before this.
  const top = dirname(first ?? folder);
  for (let path = folder; path !== top; path = dirname(path)) await syncFolder(dirname(path));
}
