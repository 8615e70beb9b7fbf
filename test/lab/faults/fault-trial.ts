// One trial of a fault: what it draws its choices from, and where it counts.
// A trial throws, or notes a violation, when something is not as it must be. What it opens it closes by `atEnd`.

import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import type { Journal } from "../world.ts";

export interface Trial {
  readonly random: SeededRandom;
  readonly journal: Journal;
}

/** So many different ones below a bound, in order. */
export function someBelow(random: SeededRandom, bound: number, count: number): readonly number[] {
  const left = Array.from({ length: bound }, (_, index) => index);
  const chosen = Array.from({ length: count }, () => left.splice(random.below(left.length), 1));
  return chosen.flat().toSorted((a, b) => a - b);
}

/** One of several. */
export function oneOf<Value>(random: SeededRandom, values: readonly [Value, ...Value[]]): Value {
  return values[random.below(values.length)] ?? values[0];
}
