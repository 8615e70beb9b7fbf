// The files of shards that are being read, kept open for a while: opening one costs more than reading a unit of it.
// Bounded; a file that is in use is never closed under its reader.

import type { Disk, ReadFile } from "../disk/disk.ts";

interface Entry {
  readonly opening: Promise<ReadFile>;
  /** Once it is open: then a read need not wait for anything. */
  file: ReadFile | undefined;
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
      return known;
    }
    const opening = this.#disk.open(path);
    const entry: Entry = { opening, file: undefined, readCount: 0, dropped: false };
    opening.then(
      (file) => (entry.file = file),
      () => undefined,
    );
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
  entry.opening.then((file) => file.close()).catch(() => undefined);
}
