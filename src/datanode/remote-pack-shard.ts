// A shard of a pack on a data node: each append is a request of its own, and ends when the node has synced it.

import type { BufferPool } from "../util/buffer-pool.ts";
import type { NodeLink } from "./node-link.ts";
import { renderPackQuery, type PackAppend } from "./protocol.ts";
import { writeWhole } from "./remote-shard-writer.ts";
import { ShardError, type PackShard } from "./shard-store.ts";

export interface RemotePackOptions {
  readonly link: NodeLink;
  /** Of the pack's route. */
  readonly path: string;
  readonly buffers: BufferPool;
}

export class RemotePackShard implements PackShard {
  readonly #options: RemotePackOptions;
  #state: "closed" | "failed" | "new" | "open" = "new";

  constructor(options: RemotePackOptions) {
    this.#options = options;
  }

  async append(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.#send({ offset, isLast: false }, chunks);
    this.#state = "open";
  }

  async seal(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.#send({ offset, isLast: true }, chunks);
    this.#state = "closed";
  }

  async close(): Promise<void> {
    const mayBeOpen = this.#state === "open" || this.#state === "failed";
    this.#state = "closed";
    if (!mayBeOpen) return;
    const { link, path } = this.#options;
    // A node that does not hear of it closes the file when it needs room for others.
    await link.call({ method: "DELETE", path }).catch(() => undefined);
  }

  async #send(append: PackAppend, chunks: readonly Uint8Array[]): Promise<void> {
    const { link, path, buffers } = this.#options;
    if (this.#state !== "new" && this.#state !== "open") {
      throw new ShardError("Unavailable", `${link.url}: the pack is no longer being written`);
    }
    this.#state = "failed";
    await writeWhole({ link, path: path + renderPackQuery(append), buffers }, chunks);
  }
}
