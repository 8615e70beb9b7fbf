// Faults that a SimDrive is told to have: which calls they hit, and what happens to those.

/** The calls of a drive and of its files, as faults name them. */
export type DiskCall =
  | "append"
  | "create"
  | "device"
  | "list"
  | "makeDirectory"
  | "open"
  | "read"
  | "rename"
  | "space"
  | "sync"
  | "syncDirectory"
  | "unlink";

export type SimEffect =
  /** The call fails at once, and has done nothing. */
  | { readonly kind: "error"; readonly code: "EIO" | "ENOSPC" | "EROFS" | "OTHER" }
  /** The call is never answered: its caller gets TIMEOUT when the deadline has passed. */
  | { readonly kind: "hang" }
  /** The call takes longer, in milliseconds; past the deadline it is TIMEOUT. */
  | { readonly kind: "slow"; readonly delayMs: number };

export interface SimFault {
  /** All calls where absent. */
  readonly calls?: readonly DiskCall[];
  /** Only paths that begin so; all where absent. */
  readonly pathPrefix?: string;
  /** Matching calls that still go well before the first that is hit. */
  readonly skip?: number;
  /** Calls that are hit; all that follow where absent. */
  readonly times?: number;
  readonly effect: SimEffect;
}

/** The faults of a drive, in the order of their injection: the first that matches a call hits it. */
export class FaultList {
  readonly #faults = new Set<{ readonly fault: SimFault; matchCount: number }>();

  /** Returns what ends the fault. */
  add(fault: SimFault): () => void {
    const entry = { fault, matchCount: 0 };
    this.#faults.add(entry);
    return () => void this.#faults.delete(entry);
  }

  clear(): void {
    this.#faults.clear();
  }

  /** What happens to this call; counts it. */
  effectOn(call: DiskCall, path: string): SimEffect | undefined {
    for (const entry of this.#faults) {
      const { calls, pathPrefix = "", skip = 0, times = Infinity, effect } = entry.fault;
      if (calls !== undefined && !calls.includes(call)) continue;
      if (!path.startsWith(pathPrefix)) continue;
      entry.matchCount += 1;
      if (entry.matchCount > skip && entry.matchCount <= skip + times) return effect;
    }
    return undefined;
  }
}
