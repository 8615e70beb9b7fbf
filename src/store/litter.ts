// Shards of writes that failed, on drives that could not be reached to remove them: this process wrote them, no metadata
// names their sets, so it removes them itself when the drive is back; on one that was given up they are left. What is
// forgotten here (the list is bounded, and dies with the process) is an orphan of an ended incarnation: the sweep finds it.

import type { ShardName } from "../datanode/shard-store.ts";
import type { Drive } from "./drive.ts";

const ENTRIES_MAX = 10_000;

interface Entry {
  readonly drive: Drive;
  readonly name: ShardName;
}

export class Litter {
  #entries: Entry[] = [];

  add(drive: Drive, name: ShardName): void {
    if (this.#entries.length < ENTRIES_MAX) this.#entries.push({ drive, name });
  }

  /** Tries to remove what lies on drives that are there; keeps what could not be removed. */
  async collect(): Promise<void> {
    const entries = this.#entries;
    this.#entries = [];
    for (const entry of entries) {
      if (entry.drive.isClosed) continue;
      if (entry.drive.isAway) this.#entries.push(entry);
      else await removeShard(entry.drive, entry.name).catch(() => this.#entries.push(entry));
    }
  }

  get count(): number {
    return this.#entries.length;
  }
}

/** Removes a shard and tells the drive's health how it went. An absent one is no error. */
export async function removeShard(drive: Drive, name: ShardName): Promise<void> {
  try {
    await drive.store.delete(name);
  } catch (error) {
    drive.noteError(error);
    throw error;
  }
  drive.noteGood();
}
