// A shard of a pack on a drive of this process: one open file, one sync for each append.
// Invariant: nothing is appended after an error. What a failed call left in the file is unknown, so that its end no
// longer is where the metadata believes it to be.

import type { NewShardFile } from "./local-shard-writer.ts";
import { shardErrorFrom } from "./shard-fault.ts";
import { ShardError, type PackShard } from "./shard-store.ts";

export class LocalPackShard implements PackShard {
  readonly #options: NewShardFile;
  #state: "closed" | "failed" | "open" = "open";
  #endOffset = 0;

  constructor(options: NewShardFile) {
    this.#options = options;
    // Its error is the first append's to tell; without one nobody may miss it.
    options.nameSynced.catch(() => undefined);
  }

  async append(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    const { file, label, nameSynced, path } = this.#options;
    if (this.#state !== "open") {
      throw new ShardError("Unavailable", `${label}: ${path} is no longer being written`);
    }
    // Until this call is over no other may come: what it leaves if it fails is unknown.
    this.#state = "failed";
    if (offset !== this.#endOffset) {
      throw new ShardError("Unavailable", `${label}: ${path} ends at ${this.#endOffset}`);
    }
    try {
      await file.append(chunks);
      await file.sync();
      await nameSynced;
    } catch (error) {
      throw shardErrorFrom(error, label);
    }
    for (const chunk of chunks) this.#endOffset += chunk.length;
    this.#state = "open";
  }

  async seal(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.append(offset, chunks);
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await this.#options.file.close();
  }
}
