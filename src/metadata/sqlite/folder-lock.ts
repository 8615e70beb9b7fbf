// Keeps a second process off a folder: a small database held exclusively for as long as the process lives. The kernel
// gives the lock up at death, so nothing stale is ever left behind.
//
// But a process that was killed lives on while the kernel does not answer one of its file calls, and keeps its locks. It
// will never run again, so whoever killed it may name it: then the next place (lock-1.db, ...) is held instead. To own
// a folder is to hold one place while every other one is free, or held by such a process. Both sides take their own
// place before they look at the others, so that of two that start at once at most one goes on.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";

export interface FolderLock {
  release(): void;
}

export interface FolderLockOptions {
  /** Processes that the caller, or who started it, has killed, and that may not be gone. */
  readonly replacedPids?: readonly number[];
}

/** How long a process that has just been killed may take to be gone, its locks with it. */
const WAIT_MS_MAX = 2_000;
const TRY_EVERY_MS = 50;
/** More killed processes than that are never waited for at once. */
const PLACES_MAX = 8;

/** @throws when another process, or this one, holds the folder. */
export async function lockFolder(
  folder: string,
  { replacedPids = [] }: FolderLockOptions = {},
): Promise<FolderLock> {
  const giveUpAt = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const lock = tryLock(folder, new Set(replacedPids));
    if (lock !== undefined) return lock;
    if (performance.now() > giveUpAt) throw new Error(`${folder} is in use by another process`);
    await sleep(TRY_EVERY_MS);
  }
}

function tryLock(folder: string, replaced: ReadonlySet<number>): FolderLock | undefined {
  const held: Database.Database[] = [];
  const release = (): void => held.splice(0).forEach((database) => void database.close());
  const take = (path: string): boolean => {
    const database = hold(path);
    if (database !== undefined) held.push(database);
    return database !== undefined || isHeldBy(path, replaced);
  };
  try {
    const places = Array.from({ length: PLACES_MAX }, (_, place) => placeIn(folder, place));
    const passed: string[] = [];
    for (const path of places) {
      // One of our own is enough; of the others those matter that somebody has made.
      if (held.length > 0 && !existsSync(path)) continue;
      const before = held.length;
      if (!take(path)) return releaseAndRefuse(release);
      if (held.length === before) passed.push(path);
    }
    // With a place of our own, what was passed over is looked at again: its holder may have changed.
    if (held.length > 0 && passed.every((path) => take(path))) return { release };
    return releaseAndRefuse(release);
  } catch (error) {
    release();
    throw error;
  }
}

function releaseAndRefuse(release: () => void): undefined {
  release();
  return undefined;
}

function placeIn(folder: string, place: number): string {
  return join(folder, place === 0 ? "lock.db" : `lock-${place}.db`);
}

/** Undefined when it is held already. */
function hold(path: string): Database.Database | undefined {
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec("begin exclusive");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      return undefined;
    }
    throw error;
  }
}

/** Whether all who hold a file's locks are among these. False where the system does not tell (it is Linux that does). */
function isHeldBy(path: string, pids: ReadonlySet<number>): boolean {
  if (pids.size === 0) return false;
  const holders = holdersOf(path);
  return holders.length > 0 && holders.every((pid) => pids.has(pid));
}

/** Lines such as "1: POSIX ADVISORY WRITE 4711 08:01:131 1073741824 1073742335"; waiting ones have an arrow. */
function holdersOf(path: string): readonly number[] {
  if (!existsSync("/proc/locks")) return [];
  const inode = String(statSync(path).ino);
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .filter((line) => !line.includes("->"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , place]) => place?.split(":")[2] === inode)
    .map(([, , , , pid]) => Number(pid));
}
