// Pools of the few buffer sizes that stripes and read windows have, and how much of them is out: when many slow
// clients hold buffers, readers and writers take a stripe at a time, and beyond a bound no new ones are let in.

import { BufferPool } from "../util/buffer-pool.ts";

/** Beyond so many bytes in use a reader or writer takes one stripe at a time, and reads none ahead. */
const BUSY_BYTES = 96 * 1024 * 1024;
/** Beyond so many no reading and no set of shards is begun. */
const FULL_BYTES = 384 * 1024 * 1024;

export class BufferPools {
  readonly #idleBytesMax: number;
  readonly #allocate: ((sizeBytes: number) => Uint8Array) | undefined;
  readonly #pools = new Map<number, BufferPool>();
  #outBytes = 0;

  /**
   * @param idleBytesMax How much of each size is kept for later use.
   * @param allocate Where buffers come from; by default they are ordinary ones.
   */
  constructor(idleBytesMax: number, allocate?: (sizeBytes: number) => Uint8Array) {
    this.#idleBytesMax = idleBytesMax;
    this.#allocate = allocate;
  }

  /** Sizes must be few: each is a pool for ever. */
  acquire(sizeBytes: number): Uint8Array {
    this.#outBytes += sizeBytes;
    return this.#pool(sizeBytes).acquire();
  }

  release(buffer: Uint8Array): void {
    this.#outBytes -= buffer.length;
    this.#pool(buffer.length).release(buffer);
  }

  /** Gives up a buffer that something may still write to: it is never used again. */
  abandon(buffer: Uint8Array): void {
    this.#outBytes -= buffer.length;
  }

  /** Counts memory that is no buffer of these pools as in use, until `unclaim`. */
  claim(sizeBytes: number): void {
    this.#outBytes += sizeBytes;
  }

  unclaim(sizeBytes: number): void {
    this.#outBytes -= sizeBytes;
  }

  get isBusy(): boolean {
    return this.#outBytes >= BUSY_BYTES;
  }

  get isFull(): boolean {
    return this.#outBytes >= FULL_BYTES;
  }

  #pool(sizeBytes: number): BufferPool {
    let pool = this.#pools.get(sizeBytes);
    if (pool === undefined) {
      const idleMax = Math.max(1, Math.floor(this.#idleBytesMax / sizeBytes));
      pool = new BufferPool({ sizeBytes, idleMax, allocate: this.#allocate });
      this.#pools.set(sizeBytes, pool);
    }
    return pool;
  }
}
