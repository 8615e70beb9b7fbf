// A shard being written to a drive of this process. Its file has its final name from the first byte: without a footer
// it is garbage, so nothing is renamed, and the folder can be synced while the bytes still come.

import type { AppendFile } from "../disk/disk.ts";
import { shardErrorFrom } from "./shard-fault.ts";
import { ShardError, type ShardWriter } from "./shard-store.ts";

/** A file that has just been created for a shard. */
export interface NewShardFile {
  /** Of the drive. */
  readonly label: string;
  readonly path: string;
  readonly file: AppendFile;
  /** Settles when the file's name is durable. */
  readonly nameSynced: Promise<void>;
}

interface LocalShardWriterOptions extends NewShardFile {
  /** Removes the file, unless one that was made anew has taken its place. */
  readonly remove: () => Promise<void>;
  /** The same, durably. */
  readonly undo: () => Promise<void>;
}

export class LocalShardWriter implements ShardWriter {
  readonly #options: LocalShardWriterOptions;
  #state: "ended" | "failed" | "open" = "open";

  constructor(options: LocalShardWriterOptions) {
    this.#options = options;
    // Its error is finish's to tell; without a finish nobody may miss it.
    options.nameSynced.catch(() => undefined);
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#guard(() => this.#options.file.append(chunks));
  }

  async finish(chunks: readonly Uint8Array[]): Promise<void> {
    const { file, nameSynced } = this.#options;
    await this.#guard(async () => {
      await file.append(chunks);
      await file.sync();
      await nameSynced;
    });
    this.#state = "ended";
    await file.close();
  }

  async abort(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    const { file, remove } = this.#options;
    await file.close();
    // What cannot be removed now has no footer, and is collected as an orphan.
    await remove().catch(() => undefined);
  }

  undo(): Promise<void> {
    return this.#options.undo();
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    const { label, path } = this.#options;
    if (this.#state !== "open") {
      throw new ShardError("Unavailable", `${label}: ${path} is no longer being written`);
    }
    try {
      await work();
    } catch (error) {
      this.#state = "failed";
      throw shardErrorFrom(error, label);
    }
  }
}
