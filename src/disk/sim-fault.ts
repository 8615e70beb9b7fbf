// Faults that a SimDrive is told to have: which calls they hit, and what happens to those. Some are told to the caller;
// the others are lies: the call says that it went well.

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

/** What happens to the bytes of a call; all but "short" are told to nobody. */
export type SimTwist =
  /** A bit of what an append stores, or of what a read gives, is another. */
  | { readonly kind: "flip" }
  /** A sync, of a file or a folder, makes nothing durable. */
  | { readonly kind: "lie" }
  /** The bytes of an append go to another file of the drive; here there is what lay there before. */
  | {
      readonly kind: "misdirected";
      /** A path that the other file's begins with. */ readonly within?: string;
    }
  /** An append stores a random part of its bytes, and then fails. */
  | { readonly kind: "short"; readonly code: "EIO" | "ENOSPC" }
  /** A read gives what lay at that place of the platter before: bytes of a removed file, or zeros. */
  | { readonly kind: "stale" }
  /** The bytes of an append from a random one on, be it amid a sector, are zeros. */
  | { readonly kind: "torn" };

export type SimEffect =
  /** The call fails at once, and has done nothing. */
  | { readonly kind: "error"; readonly code: "EIO" | "ENOSPC" | "EROFS" | "OTHER" }
  /** The call is never answered: its caller gets TIMEOUT when the deadline has passed. */
  | { readonly kind: "hang" }
  /** The call takes longer, in milliseconds; past the deadline it is TIMEOUT. */
  | { readonly kind: "slow"; readonly delayMs: number }
  | SimTwist;

/** Effects that make sense for some calls alone; others never meet them. */
const CALLS_OF: Readonly<Partial<Record<SimEffect["kind"], readonly DiskCall[]>>> = {
  flip: ["append", "read"],
  lie: ["sync", "syncDirectory"],
  misdirected: ["append"],
  short: ["append"],
  stale: ["read"],
  torn: ["append"],
};

export interface SimFault {
  /** All calls that the effect is about where absent. */
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
  #hitCount = 0;

  /** Returns what ends the fault. */
  add(fault: SimFault): () => void {
    const entry = { fault, matchCount: 0 };
    this.#faults.add(entry);
    return () => void this.#faults.delete(entry);
  }

  clear(): void {
    this.#faults.clear();
  }

  /** Calls that were hit since the beginning. */
  get hitCount(): number {
    return this.#hitCount;
  }

  /** What happens to this call; counts it. */
  effectOn(call: DiskCall, path: string): SimEffect | undefined {
    for (const entry of this.#faults) {
      const { calls, pathPrefix = "", skip = 0, times = Infinity, effect } = entry.fault;
      if (calls !== undefined && !calls.includes(call)) continue;
      if (CALLS_OF[effect.kind]?.includes(call) === false) continue;
      if (!path.startsWith(pathPrefix)) continue;
      entry.matchCount += 1;
      if (entry.matchCount <= skip || entry.matchCount > skip + times) continue;
      this.#hitCount += 1;
      return effect;
    }
    return undefined;
  }
}
