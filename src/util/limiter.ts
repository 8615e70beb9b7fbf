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

/** The turns themselves, for callers to whom a promise a task would be too dear. */
export class Turns {
  readonly #concurrency: number;
  readonly #queueMax: number;
  #queue: (() => void)[] = [];
  #queueStart = 0;
  #activeCount = 0;
  #isBeginning = false;

  constructor(options: LimiterOptions) {
    assert(options.concurrency >= 1 && options.queueMax >= 0, "a limiter lets something through");
    this.#concurrency = options.concurrency;
    this.#queueMax = options.queueMax;
  }

  /** Calls `begin` at its turn, now or later, in the order of the calls; `end` ends it. False when too many wait. */
  ask(begin: () => void): boolean {
    if (this.#activeCount < this.#concurrency && this.queuedCount === 0) {
      this.#activeCount += 1;
      begin();
      return true;
    }
    if (this.queuedCount >= this.#queueMax) return false;
    this.#queue.push(begin);
    return true;
  }

  /** Once for each turn that has begun; also within `begin`. */
  end(): void {
    this.#activeCount -= 1;
    // A turn that ends as soon as it has begun must not begin the next one within itself: the stack has an end.
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    try {
      this.#beginNext();
    } finally {
      this.#isBeginning = false;
    }
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  get queuedCount(): number {
    return this.#queue.length - this.#queueStart;
  }

  #beginNext(): void {
    while (this.#activeCount < this.#concurrency) {
      const next = this.#shift();
      if (next === undefined) return;
      this.#activeCount += 1;
      next();
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

export class Limiter {
  readonly #turns: Turns;

  constructor(options: LimiterOptions) {
    this.#turns = new Turns(options);
  }

  /**
   * Runs `task` when its turn has come, in the order of the calls; its turn ends when its promise settles.
   * @throws LimiterFullError when too many wait.
   */
  run<Value>(task: () => Promise<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const begin = (): void => resolve(this.#perform(task));
      if (!this.#turns.ask(begin)) reject(new LimiterFullError());
    });
  }

  get activeCount(): number {
    return this.#turns.activeCount;
  }

  get queuedCount(): number {
    return this.#turns.queuedCount;
  }

  async #perform<Value>(task: () => Promise<Value>): Promise<Value> {
    try {
      return await task();
    } finally {
      this.#turns.end();
    }
  }
}
