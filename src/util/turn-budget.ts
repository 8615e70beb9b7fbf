// How much may be done without giving the event loop a turn. A loop that awaits what is there already never lets anything
// else run: timers, sockets and other requests wait until it ends.

export class TurnBudget {
  readonly #amountPerTurn: number;
  #left: number;
  #isTurnKnown = false;
  /** What waits for one of the next turns, with what it takes. */
  readonly #waiting: { readonly amount: number; readonly work: () => void }[] = [];

  constructor(amountPerTurn: number) {
    this.#amountPerTurn = amountPerTurn;
    this.#left = amountPerTurn;
  }

  /** False when this turn has had its share: then the caller must wait for something real. */
  take(amount: number): boolean {
    if (this.#left <= 0) return false;
    this.#left -= amount;
    if (!this.#isTurnKnown) {
      this.#isTurnKnown = true;
      setImmediate(() => this.#beginTurn());
    }
    return true;
  }

  /** Does it now if this turn has something left, otherwise in one of the next: first what has waited longest. */
  spend(amount: number, work: () => void): void {
    if (this.#waiting.length === 0 && this.take(amount)) work();
    else this.#waiting.push({ amount, work });
  }

  #beginTurn(): void {
    this.#isTurnKnown = false;
    this.#left = this.#amountPerTurn;
    let count = 0;
    try {
      for (;;) {
        // What the work itself asks for comes behind what waits.
        const next = this.#waiting[count];
        if (next === undefined || !this.take(next.amount)) return;
        count += 1;
        next.work();
      }
    } finally {
      // Also where one threw: taking has seen to it that there is a next turn.
      this.#waiting.splice(0, count);
    }
  }
}
