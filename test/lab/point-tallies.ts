// How often each named point was hit and missed, and which is next: the one that was tried least.

import type { CrashPoint } from "../../src/util/crash-point.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { Journal } from "./world.ts";

/** A point is given up when it was missed so many times more than hit. */
const MISSES_MAX = 6;

interface Tally {
  readonly name: CrashPoint;
  hits: number;
  misses: number;
}

export class PointTallies {
  readonly #tallies: readonly Tally[];
  readonly #random: SeededRandom;
  readonly #target: number;

  /** `target`: hits after which a point is not tried any more. */
  constructor(names: readonly CrashPoint[], random: SeededRandom, target = Infinity) {
    this.#tallies = names.map((name) => ({ name, hits: 0, misses: 0 }));
    this.#random = random;
    this.#target = target;
  }

  /** Undefined when all were hit as often as they should, or given up. */
  next(): CrashPoint | undefined {
    const open = this.#tallies.filter((each) => each.hits < this.#target && !isGivenUp(each));
    const least = Math.min(...open.map(triesOf));
    const first = open.filter((each) => triesOf(each) === least);
    return first[this.#random.below(Math.max(first.length, 1))]?.name;
  }

  note(name: CrashPoint, wasHit: boolean): void {
    const tally = this.#tallies.find((each) => each.name === name);
    if (tally !== undefined) tally[wasHit ? "hits" : "misses"] += 1;
  }

  /** In a line. */
  get progress(): string {
    const hits = this.#tallies.map((each) => each.hits);
    const sum = hits.reduce((total, count) => total + count, 0);
    return `${sum} hits of ${hits.length} points, each ${Math.min(...hits)} times or more`;
  }

  /** A point that is never passed, or not as often as was asked for, is a violation: nothing is known of it. */
  report(journal: Journal): void {
    for (const { name, hits, misses } of this.#tallies) {
      journal.note(`point: ${name}`, hits);
      if (misses > 0) journal.note(`missed: ${name}`, misses);
    }
    for (const { name, hits, misses } of this.#tallies.filter(isGivenUp)) {
      journal.violation(`the point ${name} was hit ${hits} times and missed ${misses} times`);
    }
    const lacking = this.#tallies.filter((each) => !isGivenUp(each) && each.hits < this.#target);
    if (this.#target === Infinity || lacking.length === 0) return;
    const rows = lacking.map(({ name, hits }) => `${name} ${hits}`);
    journal.violation(`hit less often than ${this.#target} times: ${rows.join(", ")}`);
  }
}

function triesOf({ hits, misses }: Tally): number {
  return hits + misses;
}

function isGivenUp({ hits, misses }: Tally): boolean {
  return misses - hits >= MISSES_MAX;
}
