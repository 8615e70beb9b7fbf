// One shard of a pack, read from its beginning to its end in small pieces (headers, the blocks of one object after another):
// the drive is asked for much at a time, and the pieces are copied out of that. Who skips much is not helped, nor hindered:
// what is no continuation is read as it is asked for.

import type { ShardName, ShardStore } from "../../datanode/shard-store.ts";

/** What is asked for at a time. */
const AHEAD_BYTES = 512 * 1024;
/** A piece that begins so near behind the one before continues it. */
const SKIPPED_BYTES_MAX = 64 * 1024;

const NO_PIECE = { offset: Number.NaN, end: Number.NaN };

export class ReadAhead {
  readonly #store: Pick<ShardStore, "read" | "size">;
  readonly #name: ShardName;
  #sizeBytes: Promise<number> | undefined;
  /** What was read last, and where in the file it begins. */
  #bytes = new Uint8Array(0);
  #from = 0;
  /** The last piece. */
  #piece = NO_PIECE;
  #isLoading = false;

  constructor(store: Pick<ShardStore, "read" | "size">, name: ShardName) {
    this.#store = store;
    this.#name = name;
  }

  /** Fills the target. @throws ShardError, as the drive's own `read`. */
  async read(offset: number, target: Uint8Array): Promise<void> {
    const end = offset + target.length;
    const isNext = offset >= this.#piece.offset && offset <= this.#piece.end + SKIPPED_BYTES_MAX;
    this.#piece = { offset, end };
    if (!this.#has(offset, end)) {
      const isWorth = isNext && !this.#isLoading && target.length <= AHEAD_BYTES / 2;
      if (!isWorth || !(await this.#load(offset, end))) {
        return this.#store.read(this.#name, offset, target);
      }
    }
    target.set(this.#bytes.subarray(offset - this.#from, end - this.#from));
  }

  /** What was read may no longer be what stands there. */
  forget(): void {
    this.#bytes = new Uint8Array(0);
    this.#sizeBytes = undefined;
    this.#piece = NO_PIECE;
  }

  #has(offset: number, end: number): boolean {
    return offset >= this.#from && end <= this.#from + this.#bytes.length;
  }

  /** Resolves to whether the piece is there now; what stands against it is told by reading the piece alone. */
  async #load(offset: number, end: number): Promise<boolean> {
    this.#isLoading = true;
    try {
      this.#sizeBytes ??= this.#store.size(this.#name);
      const until = Math.min(offset + AHEAD_BYTES, await this.#sizeBytes);
      if (until < end) return false;
      // A new one each time: a call that was given up may still write to the last.
      const bytes = Buffer.allocUnsafeSlow(until - offset);
      await this.#store.read(this.#name, offset, bytes);
      [this.#bytes, this.#from] = [bytes, offset];
      return true;
    } catch {
      this.forget();
      return false;
    } finally {
      this.#isLoading = false;
    }
  }
}
