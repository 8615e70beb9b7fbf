// The files of shards that are being read, kept open for a while: opening one costs more than reading a unit of it.
// Bounded; a file that is in use is never closed under its reader.

import type { Disk, ReadFile } from "../disk/disk.ts";

interface Entry {
  readonly file: Promise<ReadFile>;
  readCount: number;
  /** No longer in the cache: the last reader closes. */
  dropped: boolean;
}

export class OpenShards {
  readonly #disk: Disk;
  readonly #openMax: number;
  // In order of last use: a Map keeps the order of insertion.
  readonly #entries = new Map<string, Entry>();

  constructor(disk: Disk, openMax: number) {
    this.#disk = disk;
    this.#openMax = openMax;
  }

  /** Runs `work` on the open file. After an error of any kind the file is opened anew the next time. */
  async use<Value>(path: string, work: (file: ReadFile) => Promise<Value>): Promise<Value> {
    const entry = this.#take(path);
    entry.readCount += 1;
    try {
      return await work(await entry.file);
    } catch (error) {
      if (this.#entries.get(path) === entry) this.#drop(path, entry);
      throw error;
    } finally {
      entry.readCount -= 1;
      closeIfUnused(entry);
    }
  }

  /** Forgets a file, for instance because it is removed; who reads it now goes on. */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) this.#drop(path, entry);
  }

  forgetAll(): void {
    for (const [path, entry] of this.#entries) this.#drop(path, entry);
  }

  #take(path: string): Entry {
    const known = this.#entries.get(path);
    if (known !== undefined) {
      this.#entries.delete(path);
      this.#entries.set(path, known);
      return known;
    }
    const entry: Entry = { file: this.#disk.open(path), readCount: 0, dropped: false };
    this.#entries.set(path, entry);
    this.#dropOldest();
    return entry;
  }

  #dropOldest(): void {
    if (this.#entries.size <= this.#openMax) return;
    const [oldest] = this.#entries;
    if (oldest !== undefined) this.#drop(...oldest);
  }

  #drop(path: string, entry: Entry): void {
    this.#entries.delete(path);
    entry.dropped = true;
    closeIfUnused(entry);
  }
}

function closeIfUnused(entry: Entry): void {
  if (!entry.dropped || entry.readCount > 0) return;
  // A file that could not be opened has told its reader; there is nothing to close.
  entry.file.then((file) => file.close()).catch(() => undefined);
}
