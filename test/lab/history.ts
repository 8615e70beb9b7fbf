// A checker of linearizability for one key: the calls on it, with when they began and ended, must have an order in which
// each took effect at one moment within its time, and answered what a register would have answered then: a plain write,
// a conditional one that was accepted or refused, a delete, a read. What nobody answered may have taken effect at any
// moment after it began, or never. Whenever no call is under way, what was before is checked, and only the states that it
// may have left are kept; so memory stays small, and nothing is left out.

import { tick } from "./register.ts";

/** The number of the operation whose value stands there; 0: nothing does. */
export type KeyState = number;
export const ABSENT: KeyState = 0;

/** What the call makes of a state; undefined where it could not have answered what it did. */
type Effect = (state: KeyState) => KeyState | undefined;

interface Call {
  readonly from: number;
  readonly to: number;
  readonly effect: Effect;
  /** Whether it may never have taken effect. */
  readonly isDoubtful: boolean;
}

/** Orders that are tried for one stretch of calls; more are too many to be sure in time. */
const TRIES_MAX = 300_000;

export type Verdict = "impossible" | "possible" | "too many orders";

export class History {
  /** What may stand there when nothing is under way; undefined: nothing is known, after a violation. */
  #states: ReadonlySet<KeyState> | undefined;
  #calls: Call[] = [];
  #openCount = 0;
  #doubtfulCount = 0;
  #etags = new Map<KeyState, string>();

  constructor(initial: KeyState = ABSENT) {
    this.#states = new Set([initial]);
  }

  /** Calls that wait to be checked. */
  get size(): number {
    return this.#calls.length;
  }

  /** A call begins. */
  begin(): number {
    this.#openCount += 1;
    return tick();
  }

  /** It was answered. */
  end(from: number, effect: Effect): Verdict {
    this.#calls.push({ from, to: tick(), effect, isDoubtful: false });
    return this.#close();
  }

  /** Nobody answered. */
  lose(from: number, effect: Effect): void {
    this.#calls.push({ from, to: Infinity, effect, isDoubtful: true });
    this.#doubtfulCount += 1;
    this.#openCount -= 1;
  }

  /** Its answer says nothing of the key. */
  drop(): Verdict {
    return this.#close();
  }

  /** Remembers what a condition may ask of. */
  name(state: KeyState, etag: string): void {
    this.#etags.set(state, etag);
  }

  etagOf(state: KeyState): string | undefined {
    return this.#etags.get(state);
  }

  /** The server is gone, and this is what stands there: nothing that was under way takes effect any more. */
  settle(found: KeyState, etag = this.#etags.get(found)): Verdict {
    // Two values of one ETag are one to whoever looks: which of them it is nobody can say.
    const isIt = (state: KeyState): boolean =>
      state === found || (etag !== undefined && this.#etags.get(state) === etag);
    const effect = (state: KeyState): KeyState | undefined => (isIt(state) ? found : undefined);
    const last = { from: tick(), to: tick(), effect, isDoubtful: false };
    const verdict = this.#check([...this.#calls, last]);
    this.#states = new Set([found]);
    this.#calls = [];
    this.#openCount = 0;
    this.#doubtfulCount = 0;
    this.#etags = new Map(etag === undefined ? [] : [[found, etag]]);
    return verdict;
  }

  #close(): Verdict {
    this.#openCount -= 1;
    if (this.#openCount > 0 || this.#doubtfulCount > 0) return "possible";
    const verdict = this.#check(this.#calls);
    this.#calls = [];
    const states = this.#states;
    for (const state of this.#etags.keys()) {
      if (states?.has(state) === false) this.#etags.delete(state);
    }
    return verdict;
  }

  #check(calls: readonly Call[]): Verdict {
    if (this.#states === undefined) return "possible";
    const search = new Search(calls);
    for (const state of this.#states) search.from(state);
    this.#states = search.ends.size === 0 || search.isOver ? undefined : search.ends;
    if (search.isOver) return "too many orders";
    return search.ends.size === 0 ? "impossible" : "possible";
  }
}

export function wrote(op: KeyState): Effect {
  return () => op;
}

export function seen(op: KeyState): Effect {
  return (state) => (state === op ? state : undefined);
}

/** Depth first over the orders, each set of calls that are left with each state once. */
class Search {
  readonly ends = new Set<KeyState>();
  readonly #calls: readonly Call[];
  readonly #known = new Set<string>();
  #tries = 0;

  constructor(calls: readonly Call[]) {
    this.#calls = calls.toSorted((a, b) => a.from - b.from);
  }

  get isOver(): boolean {
    return this.#tries > TRIES_MAX;
  }

  from(state: KeyState): void {
    this.#step([...this.#calls.keys()], state);
  }

  /** `left`: positions of calls that have not taken effect yet, in the order of their beginnings. */
  #step(left: readonly number[], state: KeyState): void {
    const name = `${state}:${left.join()}`;
    if (this.isOver || this.#known.has(name)) return;
    this.#known.add(name);
    this.#tries += 1;
    const certain = left.filter((position) => this.#calls[position]?.isDoubtful === false);
    if (certain.length === 0) this.ends.add(state);
    // Whatever comes next must have begun before any that is left had ended.
    const firstEnd = Math.min(...certain.map((position) => this.#calls[position]?.to ?? Infinity));
    for (const position of left) {
      const call = this.#calls[position];
      if (call === undefined || call.from > firstEnd) break;
      const next = call.effect(state);
      if (next !== undefined)
        this.#step(
          left.filter((other) => other !== position),
          next,
        );
    }
  }
}
