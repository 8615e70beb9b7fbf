// Two times: wall time, which S3 dates and which tests move, and monotonic time, which leases, grace periods and
// deadlines use and nobody moves. Interface of two implementations (a real clock, and one that can be advanced).

export interface Clock {
  /** Wall time in milliseconds since 1970. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  /**
   * A date that a client read off its own, real clock, as a time on this clock's line. What was dated after the
   * last move is fresh; what was dated before a move has aged by it. On a real clock: the date itself.
   */
  translate(dateMs: number): number;
}

export interface ClockStep {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
}

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  translate: (dateMs) => dateMs,
};

/**
 * A clock whose wall time can be moved forward. It keeps the history of its moves.
 * A client's date counts every move that happened, on the client's real clock, after that date.
 */
export class MovableClock implements Clock {
  #offsetMs = 0;
  readonly #moves: { readonly realMs: number; readonly stepMs: number }[] = [];

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  monotonic(): number {
    return performance.now();
  }

  /** A date within a second after a move may have been signed just before it: dates have whole seconds. */
  translate(dateMs: number): number {
    let offset = 0;
    for (const move of this.#moves) {
      if (Math.floor(move.realMs / 1000) * 1000 <= dateMs) offset += move.stepMs;
    }
    return dateMs + offset;
  }

  advance(step: ClockStep): void {
    const { days = 0, hours = 0, minutes = 0, seconds = 0 } = step;
    // Whole milliseconds: times are stored as integers.
    const stepMs = Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
    if (!Number.isFinite(stepMs) || stepMs < 0) throw new RangeError("a clock only moves forward");
    this.#moves.push({ realMs: Date.now(), stepMs });
    this.#offsetMs += stepMs;
  }

  /** Back to real time, without a history. */
  reset(): void {
    this.#moves.length = 0;
    this.#offsetMs = 0;
  }
}
