// At most so many tasks at a time, and at most so many that wait: what comes on top is refused at once, because a queue
// without a bound turns a slow resource into a full memory.

import { assert } from "./assert.ts";

export class LimiterFullError extends Error {
  constructor() {
    super("too many tasks wait already");
    this.name = "LimiterFullError";
  }
}

export interface LimiterOptions {
  /** Tasks that run at a time. */
  readonly concurrency: number;
  /** Tasks that may wait beyond those. */
  readonly queueMax: number;
}

export class Limiter {
  readonly #concurrency: number;
  readonly #queueMax: number;
  #queue: (() => void)[] = [];
  #queueStart = 0;
  #activeCount = 0;

  constructor(options: LimiterOptions) {
    assert(options.concurrency >= 1 && options.queueMax >= 0, "a limiter lets something through");
    this.#concurrency = options.concurrency;
    this.#queueMax = options.queueMax;
  }

  /**
   * Runs `task` when its turn has come, in the order of the calls; its turn ends when its promise settles.
   * @throws LimiterFullError when too many wait.
   */
  run<Value>(task: () => Promise<Value>): Promise<Value> {
    if (this.#activeCount < this.#concurrency) return this.#start(task);
    if (this.queuedCount >= this.#queueMax) return Promise.reject(new LimiterFullError());
    return new Promise<Value>((resolve) => {
      this.#queue.push(() => resolve(this.#start(task)));
    });
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  get queuedCount(): number {
    return this.#queue.length - this.#queueStart;
  }

  async #start<Value>(task: () => Promise<Value>): Promise<Value> {
    this.#activeCount += 1;
    try {
      return await task();
    } finally {
      this.#activeCount -= 1;
      this.#shift()?.();
    }
  }

  // Array.shift moves every element of a long queue; an index moves none.
  #shift(): (() => void) | undefined {
    const next = this.#queue[this.#queueStart];
    if (next === undefined) return undefined;
    this.#queueStart += 1;
    if (this.#queueStart * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueStart);
      this.#queueStart = 0;
    }
    return next;
  }
}
