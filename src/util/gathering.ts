// When the next group of many callers goes: those that have just been answered come back one by one, and one that came a
// moment before them would go alone, as would they after it. A group has its cost, however small it is; so the first few
// wait for others, for a moment.

/** Of fewer callers nobody waits. */
const CALLERS_MIN = 8;
const WAIT_MS = 1;

export class Gathering {
  readonly #onOver: () => void;
  #wantedCount = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onOver`: nobody need wait any longer. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** After a group of so many, while so many others wait already. */
  begin(answeredCount: number, waitingCount: number): void {
    this.end();
    const callers = answeredCount + waitingCount;
    const wantedCount = Math.floor(callers / 2);
    if (callers < CALLERS_MIN || waitingCount * 2 >= wantedCount) return;
    this.#wantedCount = wantedCount;
    this.#timer = setTimeout(() => {
      this.end();
      this.#onOver();
    }, WAIT_MS);
  }

  /** Whether so many are to wait for others. */
  holds(waitingCount: number): boolean {
    return waitingCount < this.#wantedCount;
  }

  /** Of a group that goes, or where nobody is to wait. */
  end(): void {
    clearTimeout(this.#timer);
    this.#wantedCount = 0;
  }
}
