// When the next group of many callers goes: those that have just been answered come back one by one, and one that came a
// moment before them would go alone, as would they after it. A group has its cost, however small it is; so the first few
// wait for others, for a moment: up to half of what a group takes, for on a slow disk, or a busy machine, they come
// back more slowly, and one that goes alone keeps them waiting for longer.

/** Of fewer callers nobody waits. */
export const CALLERS_MIN = 8;
const WAIT_MS_MIN = 1;
const WAIT_MS_MAX = 5;

/** How long the first of the next group may wait for others, where one takes so long. */
export function gatheringMs(tookMs: number): number {
  return Math.min(Math.max(tookMs / 2, WAIT_MS_MIN), WAIT_MS_MAX);
}

/**
 * How many callers there are, as far as can be told: those that are elsewhere for a moment are not seen, so that a few
 * small groups must not look like few callers. Half of the difference is believed at a time.
 */
export class CallerEstimate {
  #count = 0;

  /** So many are seen now. Returns how many there may be. */
  note(seenCount: number): number {
    this.#count = Math.max(seenCount, Math.floor((this.#count + seenCount) / 2));
    return this.#count;
  }
}

/** What else is known of the group that has just been answered. */
export interface GroupCost {
  /** So many others, who gather elsewhere, shared it. */
  readonly othersCount: number;
  readonly tookMs: number;
}

export class Gathering {
  readonly #onOver: () => void;
  readonly #callers = new CallerEstimate();
  #wantedCount = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onOver`: nobody need wait any longer. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** After a group of so many, while so many others wait already. */
  begin(answeredCount: number, waitingCount: number, cost?: GroupCost): void {
    this.end();
    const callers = this.#callers.note(answeredCount + waitingCount);
    const wantedCount = Math.floor(callers / 2);
    const othersCount = cost?.othersCount ?? 0;
    // Where others wait elsewhere, one that goes with few keeps those waiting too.
    const enoughCount = othersCount > 0 ? wantedCount : wantedCount / 2;
    if (callers + othersCount < CALLERS_MIN || waitingCount >= enoughCount) return;
    this.#wantedCount = wantedCount;
    this.#timer = setTimeout(
      () => {
        this.end();
        this.#onOver();
      },
      gatheringMs(cost?.tookMs ?? 0),
    );
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
