// The files of shards that are being read, kept open for a while: opening one costs more than reading a unit of it.
// Bounded; a file that is in use is never closed under its reader. One that nobody reads any more is closed soon: another
// process may have removed it, and its space comes back only then.

import type { Disk, ReadFile } from "../disk/disk.ts";

/** A file is closed once nobody has begun to read it for one to two of these. */
const IDLE_MS = 5_000;

interface Entry {
  readonly opening: Promise<ReadFile>;
  /** Once it is open: then a read need not wait for anything. */
  file: ReadFile | undefined;
  readCount: number;
  /** Whether a read has begun since the last look for idle ones: a mark, for a timer for each read would cost more. */
  wasUsed: boolean;
  /** No longer in the cache: the last reader closes. */
  dropped: boolean;
}

export class OpenShards {
  readonly #disk: Disk;
  readonly #openMax: number;
  // In order of last use: a Map keeps the order of insertion.
  readonly #entries = new Map<string, Entry>();
  // Only while there are entries.
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(disk: Disk, openMax: number) {
    this.#disk = disk;
    this.#openMax = openMax;
  }

  /**
   * Fills `target` from `offset`; resolves to the bytes read, fewer only at the end of the file. After an error, or when
   * the file ends before, it is opened anew the next time.
   */
  read(path: string, offset: number, target: Uint8Array): Promise<number> {
    const entry = this.#take(path);
    entry.readCount += 1;
    const { file, opening } = entry;
    const reading =
      file === undefined
        ? opening.then((opened) => opened.read(target, offset))
        : file.read(target, offset);
    return reading.then(
      (count) => {
        this.#ended(path, entry, count === target.length);
        return count;
      },
      (error: unknown) => {
        this.#ended(path, entry, false);
        throw error;
      },
    );
  }

  /** Forgets a file, for instance because it is removed; who reads it now goes on. */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) this.#drop(path, entry);
  }

  forgetAll(): void {
    for (const [path, entry] of this.#entries) this.#drop(path, entry);
  }

  #ended(path: string, entry: Entry, isGood: boolean): void {
    if (!isGood && this.#entries.get(path) === entry) this.#drop(path, entry);
    entry.readCount -= 1;
    closeIfUnused(entry);
  }

  #take(path: string): Entry {
    const known = this.#entries.get(path);
    if (known !== undefined) {
      this.#entries.delete(path);
      this.#entries.set(path, known);
      known.wasUsed = true;
      return known;
    }
    const opening = this.#disk.open(path);
    const entry: Entry = {
      opening,
      file: undefined,
      readCount: 0,
      wasUsed: true,
      dropped: false,
    };
    opening.then(
      (file) => (entry.file = file),
      () => undefined,
    );
    this.#entries.set(path, entry);
    this.#idleTimer ??= setInterval(() => this.#dropIdle(), IDLE_MS).unref();
    this.#dropOldest();
    return entry;
  }

  #dropOldest(): void {
    if (this.#entries.size <= this.#openMax) return;
    const [oldest] = this.#entries;
    if (oldest !== undefined) this.#drop(...oldest);
  }

  #dropIdle(): void {
    for (const [path, entry] of this.#entries) {
      if (!entry.wasUsed && entry.readCount === 0) this.#drop(path, entry);
      entry.wasUsed = false;
    }
  }

  #drop(path: string, entry: Entry): void {
    this.#entries.delete(path);
    if (this.#entries.size === 0) {
      clearInterval(this.#idleTimer);
      this.#idleTimer = undefined;
    }
    entry.dropped = true;
    closeIfUnused(entry);
  }
}

function closeIfUnused(entry: Entry): void {
  if (!entry.dropped || entry.readCount > 0) return;
  // A file that could not be opened has told its reader; there is nothing to close.
  entry.opening.then((file) => file.close()).catch(() => undefined);
}
