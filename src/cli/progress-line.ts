// Progress of long work on standard error: one line that is written over on a terminal, a line now and then elsewhere.

const ELSEWHERE_EVERY_MS = 5_000;
const ERASE = "\r\u001b[K";

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class ProgressLine {
  readonly #out: Terminal;
  readonly #now: () => number;
  #isShown = false;
  #saidAt = Number.NEGATIVE_INFINITY;

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(out: Terminal, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#now = now;
  }

  show(words: string): void {
    if (this.#out.isTTY === true) {
      this.#out.write(`${ERASE}${words}`);
      this.#isShown = true;
      return;
    }
    if (this.#now() - this.#saidAt < ELSEWHERE_EVERY_MS) return;
    this.#saidAt = this.#now();
    this.#out.write(`${words}\n`);
  }

  /** Makes room for other lines. */
  clear(): void {
    if (this.#isShown) this.#out.write(ERASE);
    this.#isShown = false;
  }
}
