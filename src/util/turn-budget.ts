// How much may be done without giving the event loop a turn. A loop that awaits what is there already never lets anything
// else run: timers, sockets and other requests wait until it ends.

export class TurnBudget {
  readonly #amountPerTurn: number;
  #left: number;
  #isTurnKnown = false;

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
      setImmediate(() => {
        this.#isTurnKnown = false;
        this.#left = this.#amountPerTurn;
      });
    }
    return true;
  }
}
