// Reads on through a shard: what is asked for next mostly lies behind what was asked for before, and is there already.

import type { ShardName, ShardStore } from "../datanode/shard-store.ts";

export class ShardWindow {
  readonly #store: ShardStore;
  readonly #name: ShardName;
  readonly sizeBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(store: ShardStore, name: ShardName, sizeBytes: number) {
    this.#store = store;
    this.#name = name;
    this.sizeBytes = sizeBytes;
  }

  /** Up to `length` bytes from `at`: fewer at the end of the shard. Reads `ahead` bytes where it must read. @throws ShardError */
  async read(at: number, length: number, ahead: number): Promise<Uint8Array> {
    const end = Math.min(at + length, this.sizeBytes);
    if (at >= end) return new Uint8Array(0);
    if (at < this.#start || end > this.#start + this.#bytes.length) {
      const bytes = new Uint8Array(Math.min(Math.max(length, ahead), this.sizeBytes - at));
      await this.#store.read(this.#name, at, bytes);
      this.#bytes = bytes;
      this.#start = at;
    }
    return this.#bytes.subarray(at - this.#start, end - this.#start);
  }
}
