// Buffers of one size, used again: stripes and read windows come and go thousands of times a second, and fresh memory
// costs page faults and garbage collection. What is idle is bounded; what is out is bounded by whoever acquires.

import { assert } from "./assert.ts";

export interface BufferPoolOptions {
  /** Size of every buffer, in bytes. */
  readonly sizeBytes: number;
  /** How many released buffers are kept; more are discarded. */
  readonly idleMax: number;
  /** Where buffers come from; by default they are ordinary ones. */
  readonly allocate?: ((sizeBytes: number) => Uint8Array) | undefined;
  /** What becomes of a released buffer that is not kept; by default the garbage collector finds it. */
  readonly discard?: ((buffer: Uint8Array) => void) | undefined;
  /** Buffers that are better, of which there are no more than `idleMax`: they are used before others, and always kept. */
  readonly kept?: { readonly allocate: () => Uint8Array | undefined } | undefined;
}

export class BufferPool {
  readonly sizeBytes: number;
  readonly #idleMax: number;
  readonly #allocate: (sizeBytes: number) => Uint8Array;
  readonly #discard: BufferPoolOptions["discard"];
  readonly #kept: BufferPoolOptions["kept"];
  readonly #idle: Uint8Array[] = [];
  readonly #idleKept: Uint8Array[] = [];
  // Weak, so that a buffer whose owner was lost in an error can still be collected.
  readonly #out = new WeakSet<Uint8Array>();
  readonly #outKept = new WeakSet<Uint8Array>();

  constructor(options: BufferPoolOptions) {
    assert(options.sizeBytes > 0 && options.idleMax >= 0, "a pool needs sizes");
    this.sizeBytes = options.sizeBytes;
    this.#idleMax = options.idleMax;
    this.#discard = options.discard;
    this.#kept = options.kept;
    this.#allocate = options.allocate ?? ((sizeBytes) => Buffer.allocUnsafeSlow(sizeBytes));
  }

  /** A buffer of `sizeBytes` bytes with unspecified content: never send or store what was not written into it. */
  acquire(): Uint8Array {
    const kept = this.#idleKept.pop() ?? this.#kept?.allocate();
    if (kept !== undefined) {
      this.#outKept.add(kept);
      return kept;
    }
    const buffer = this.#idle.pop() ?? this.#allocate(this.sizeBytes);
    this.#out.add(buffer);
    return buffer;
  }

  /** Gives a buffer back, once; the same object that `acquire` returned, not a view of it. */
  release(buffer: Uint8Array): void {
    if (this.#outKept.delete(buffer)) {
      this.#idleKept.push(buffer);
      if (this.idleCount > this.#idleMax) this.#idle.pop();
      return;
    }
    assert(this.#out.delete(buffer), "a buffer is released once, to the pool that it came from");
    if (this.idleCount < this.#idleMax) this.#idle.push(buffer);
    else this.#discard?.(buffer);
  }

  /** Buffers that wait to be used again. */
  get idleCount(): number {
    return this.#idle.length + this.#idleKept.length;
  }
}
