// The memory that reads of a data node take: buffers that are used again for reads of common size, and a bound on all
// of them together, so that readers who are slow to take their bytes cannot fill the node.

import { BufferPool } from "../util/buffer-pool.ts";
import { ShardError } from "./shard-store.ts";

/** Room for a read of several stripes' units with their checksums. */
const POOLED_BYTES = 512 * 1024;
const IDLE_MAX = 32;
const OUT_BYTES_MAX = 128 * 1024 * 1024;

export interface ReadBuffer {
  readonly bytes: Uint8Array;
  /** To be called once. `mayReuse` is false when something may still read from it or write to it. */
  release(mayReuse: boolean): void;
}

export class ReadMemory {
  readonly #pool = new BufferPool({ sizeBytes: POOLED_BYTES, idleMax: IDLE_MAX });
  #outBytes = 0;

  /** Whether half of it is out: then nothing is read that nobody has asked for. */
  get isBusy(): boolean {
    return this.#outBytes > OUT_BYTES_MAX / 2;
  }

  /** @throws ShardError Unavailable when too much is being read. */
  acquire(length: number): ReadBuffer {
    const isPooled = length <= POOLED_BYTES;
    const sizeBytes = isPooled ? POOLED_BYTES : length;
    if (this.#outBytes + sizeBytes > OUT_BYTES_MAX) {
      throw new ShardError("Unavailable", "the node is busy: too much is being read");
    }
    this.#outBytes += sizeBytes;
    const buffer = isPooled ? this.#pool.acquire() : Buffer.allocUnsafeSlow(length);
    const release = (mayReuse: boolean): void => {
      this.#outBytes -= sizeBytes;
      if (isPooled && mayReuse) this.#pool.release(buffer);
    };
    return { bytes: buffer.subarray(0, length), release };
  }
}
