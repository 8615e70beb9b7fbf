// Sets that could not be made whole, and why: each is tried again later, more and more rarely. Bounded: what is forgotten
// is tried again sooner.

import type { SetId } from "../core/ids.ts";
import type { RepairProblem } from "../store/repair/repair-set.ts";

export interface FailingSet extends RepairProblem {
  readonly setId: SetId;
  readonly triedCount: number;
  /** Monotonic milliseconds. */
  readonly againAt: number;
}

const REMEMBERED_MAX = 10_000;
const AGAIN_MS = 60_000;
const AGAIN_MS_MAX = 60 * 60_000;

export class FailingSets {
  readonly #sets = new Map<SetId, FailingSet>();

  get count(): number {
    return this.#sets.size;
  }

  /** The first of them. */
  list(limit: number): readonly FailingSet[] {
    return [...this.#sets.values()].slice(0, limit);
  }

  /** Whether it is to be left alone for now. */
  isResting(setId: SetId, now: number): boolean {
    return (this.#sets.get(setId)?.againAt ?? Number.NEGATIVE_INFINITY) > now;
  }

  note(setId: SetId, problem: RepairProblem, now: number): void {
    const triedCount = (this.#sets.get(setId)?.triedCount ?? 0) + 1;
    if (this.#sets.size >= REMEMBERED_MAX && triedCount === 1) return;
    const againAt = now + Math.min(AGAIN_MS * 2 ** (triedCount - 1), AGAIN_MS_MAX);
    this.#sets.set(setId, { ...problem, setId, triedCount, againAt });
  }

  forget(setId: SetId): void {
    this.#sets.delete(setId);
  }

  /** All are tried again: something has changed, or somebody asks for it. */
  wakeAll(): void {
    for (const [setId, failing] of this.#sets) this.#sets.set(setId, { ...failing, againAt: 0 });
  }
}
