// Remembers the nonces of requests that change something, so that none is obeyed twice. Two generations: a nonce is
// kept for one to two generations and the memory is bounded; what would not fit is refused, never forgotten early.

export interface NonceStoreOptions {
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
  /** How long a nonce is remembered at least. */
  readonly keepMs: number;
  /** Nonces of one generation. */
  readonly countMax: number;
}

export type NonceVerdict = "full" | "new" | "seen";

export class NonceStore {
  readonly #options: NonceStoreOptions;
  #current = new Set<string>();
  #previous = new Set<string>();
  #startedAt: number;

  constructor(options: NonceStoreOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  /** Takes a nonce once; "new" means that it is remembered from now on. */
  take(nonce: string): NonceVerdict {
    this.#rotate();
    if (this.#current.has(nonce) || this.#previous.has(nonce)) return "seen";
    if (this.#current.size >= this.#options.countMax) return "full";
    this.#current.add(nonce);
    return "new";
  }

  #rotate(): void {
    const age = this.#options.now() - this.#startedAt;
    if (age < this.#options.keepMs) return;
    // After a long silence both generations are older than anyone needs.
    this.#previous = age < 2 * this.#options.keepMs ? this.#current : new Set();
    this.#current = new Set();
    this.#startedAt = this.#options.now();
  }
}
