// What has come of a stripe while memory is scarce, in pieces that fit it: a client that trickles holds what it has sent
// and no more, until there is a whole stripe for a buffer of its own. The price is that these bytes are copied twice.

import { S3Error } from "../core/s3-error.ts";
import type { BufferPools } from "./buffer-pools.ts";

const PIECE_BYTES = 16 * 1024;

export class StripeScraps {
  readonly #pools: BufferPools;
  readonly #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(pools: BufferPools) {
    this.#pools = pools;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * The bytes are the caller's again at once.
   * @throws S3Error SlowDown when nothing is left of the budget: those that wait for bytes cannot give any of it back. Of
   * one that `isUnderWay` only when much more is out: its bytes would all have to come again.
   */
  take(bytes: Uint8Array, isUnderWay: boolean): void {
    let rest = bytes;
    while (rest.length > 0) {
      const within = this.#sizeBytes % PIECE_BYTES;
      if (within === 0) this.#pieces.push(this.#newPiece(isUnderWay));
      const part = rest.subarray(0, PIECE_BYTES - within);
      this.#pieces.at(-1)?.set(part, within);
      this.#sizeBytes += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** The bytes in order: views of buffers that `release` takes back. */
  *data(): Generator<Uint8Array, void> {
    let left = this.#sizeBytes;
    for (const piece of this.#pieces) {
      yield piece.subarray(0, Math.min(PIECE_BYTES, left));
      left -= PIECE_BYTES;
    }
  }

  /** Forgets all of it. */
  release(): void {
    for (const piece of this.#pieces.splice(0)) this.#pools.release(piece);
    this.#sizeBytes = 0;
  }

  #newPiece(isUnderWay: boolean): Uint8Array {
    const { isExhausted } = this.#pools;
    if (isExhausted || (!isUnderWay && this.#pools.isFullFor(PIECE_BYTES))) {
      throw new S3Error("SlowDown");
    }
    return this.#pools.acquire(PIECE_BYTES);
  }
}
