// The chunks of a body that wait for its reader. Those that came in memory of their own are handed on as they are; bytes
// that are somebody else's are copied into buffers that all bodies of the process use in turn, each filled up before
// another is begun.

import { BufferPool } from "../util/buffer-pool.ts";
import { giveBack } from "../util/give-back.ts";

/** What is handed on at a time, at most, where bytes were copied. */
const BUFFER_BYTES = 128 * 1024;
/** Less is worth no such buffer: none is to be held for the sake of a few bytes. */
const POOLED_BYTES_MIN = BUFFER_BYTES / 2;
const IDLE_MAX = 16;

const pool = new BufferPool({ sizeBytes: BUFFER_BYTES, idleMax: IDLE_MAX, discard: giveBack });

interface Chunk {
  readonly buffer: Uint8Array;
  sizeBytes: number;
  readonly isPooled: boolean;
}

export class ChunkQueue {
  readonly #chunks: Chunk[] = [];
  /** With the reader. */
  #handedOut: Chunk | undefined;
  #sizeBytes = 0;

  /** What waits, in bytes. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes a chunk with its memory. */
  push(buffer: Uint8Array): void {
    this.#chunks.push({ buffer, sizeBytes: buffer.length, isPooled: false });
    this.#sizeBytes += buffer.length;
  }

  /** Takes bytes that are the caller's again at once. */
  copy(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const last = this.#roomFor(rest.length);
      const taken = Math.min(rest.length, last.buffer.length - last.sizeBytes);
      last.buffer.set(taken === rest.length ? rest : rest.subarray(0, taken), last.sizeBytes);
      last.sizeBytes += taken;
      this.#sizeBytes += taken;
      rest = rest.subarray(taken);
    }
  }

  /** The next bytes, if there are any: the reader's until `release`. */
  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#handedOut = chunk;
    const { buffer, sizeBytes } = chunk;
    this.#sizeBytes -= sizeBytes;
    return sizeBytes === buffer.length ? buffer : buffer.subarray(0, sizeBytes);
  }

  /** Nobody needs the bytes any more that were handed out last. */
  release(): void {
    const chunk = this.#handedOut;
    this.#handedOut = undefined;
    if (chunk !== undefined) free(chunk);
  }

  /** Nor those that wait. */
  clear(): void {
    for (const chunk of this.#chunks.splice(0)) free(chunk);
    this.#sizeBytes = 0;
  }

  #roomFor(sizeBytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last?.isPooled === true && last.sizeBytes < last.buffer.length) return last;
    const isPooled = sizeBytes >= POOLED_BYTES_MIN;
    const buffer = isPooled ? pool.acquire() : Buffer.allocUnsafeSlow(sizeBytes);
    const chunk = { buffer, sizeBytes: 0, isPooled };
    this.#chunks.push(chunk);
    return chunk;
  }
}

function free({ buffer, isPooled }: Chunk): void {
  if (isPooled) pool.release(buffer);
  else giveBack(buffer);
}
