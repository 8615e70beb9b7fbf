// Pools of the few buffer sizes that stripes and read windows have, and how much of them is out: the one budget of all
// bytes under way in bodies and answers. The more of it is used, the less a reader or writer holds at a time; when it is
// used up new ones are asked to come later, large ones first: the rest is for small ones.

import { BufferPool } from "../util/buffer-pool.ts";
import { VectorSlabs } from "../util/vector-memory.ts";

const MIB = 1024 * 1024;
/** Of the budget: beyond it a reader or writer takes one stripe at a time, and reads none ahead. */
const BUSY_SHARE = 3 / 16;
/** Beyond it a stripe is for those who showed that they are quick. */
const TIGHT_SHARE = 1 / 4;
/** Beyond it what is large is refused. */
const LARGE_SHARE = 7 / 8;
/** What takes no more than this is small. */
const SMALL_BYTES_MAX = MIB;
/** Sizes of which there are many buffers, in which the erasure codec and checksums work without copying. */
const SLAB_BUFFER_BYTES_MIN = 32 * 1024;
const SLAB_BUFFER_BYTES_MAX = MIB;
/** Beyond it whatever asks for more is ended, also what was admitted before. */
const EXHAUSTED_SHARE = 5 / 4;
const BUDGET_BYTES_MIN = 64 * MIB;
const BUDGET_BYTES_MAX = 512 * MIB;
const MEMORY_SHARE = 1 / 8;

/** The budget of a process that may have so much memory, in bytes. */
export function defaultBudget(memoryBytes: number): number {
  const share = Math.floor(memoryBytes * MEMORY_SHARE);
  return Math.min(Math.max(share, BUDGET_BYTES_MIN), BUDGET_BYTES_MAX);
}

export interface BufferPoolsOptions {
  /** What may be out at a time. */
  readonly budgetBytes: number;
  /** How much of each size is kept for later use. */
  readonly idleBytesMax: number;
  /** Where buffers come from; by default they are ordinary ones. */
  readonly allocate?: ((sizeBytes: number) => Uint8Array) | undefined;
}

export class BufferPools {
  readonly #budgetBytes: number;
  readonly #idleBytesMax: number;
  readonly #allocate: ((sizeBytes: number) => Uint8Array) | undefined;
  readonly #pools = new Map<number, BufferPool>();
  #outBytes = 0;

  constructor({ budgetBytes, idleBytesMax, allocate }: BufferPoolsOptions) {
    this.#budgetBytes = budgetBytes;
    this.#idleBytesMax = idleBytesMax;
    this.#allocate = allocate;
  }

  /** What is out, in bytes. */
  get outBytes(): number {
    return this.#outBytes;
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
    return this.#outBytes >= this.#budgetBytes * BUSY_SHARE;
  }

  get isTight(): boolean {
    return this.#outBytes >= this.#budgetBytes * TIGHT_SHARE;
  }

  /** Whether there is nothing left for a body, or an answer, of so many bytes. */
  isFullFor(sizeBytes: number): boolean {
    const share = sizeBytes <= SMALL_BYTES_MAX ? 1 : LARGE_SHARE;
    return this.#outBytes >= this.#budgetBytes * share;
  }

  /** Whether so much more than the budget is out that those under way must end too. */
  get isExhausted(): boolean {
    return this.#outBytes >= this.#budgetBytes * EXHAUSTED_SHARE;
  }

  #pool(sizeBytes: number): BufferPool {
    let pool = this.#pools.get(sizeBytes);
    if (pool === undefined) {
      const idleMax = Math.max(1, Math.floor(this.#idleBytesMax / sizeBytes));
      const isShared = sizeBytes >= SLAB_BUFFER_BYTES_MIN && sizeBytes <= SLAB_BUFFER_BYTES_MAX;
      const kept = isShared ? new VectorSlabs(sizeBytes, this.#idleBytesMax) : undefined;
      pool = new BufferPool({ sizeBytes, idleMax, allocate: this.#allocate, kept });
      this.#pools.set(sizeBytes, pool);
    }
    return pool;
  }
}
