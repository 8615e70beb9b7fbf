// Spares the requests that take a step side by side from looking, each for itself, at what cannot have changed for them: a
// look serves whoever asks for it before the microtasks that wait then have run. They run before anything else is received
// (https://nodejs.org/learn/asynchronous-work/understanding-processnexttick), so all who ask had been received by the time
// of the look; and what was acknowledged to anybody before they were sent, it has seen. (But after an exception that nobody
// catches: then the process ends.)

export class Moment {
  readonly #settled = Promise.resolve();
  #isOver = true;
  readonly #end = (): void => {
    this.#isOver = true;
  };

  /** Whether whoever asks now has to look. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Just after a look. */
  begin(): void {
    this.#isOver = false;
    // `queueMicrotask` of Node's makes an AsyncResource for each.
    void this.#settled.then(this.#end);
  }

  /** What was seen is not to be used any more. */
  end(): void {
    this.#isOver = true;
  }
}
