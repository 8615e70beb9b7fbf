// Where records of the chain are read: on all members that have it, one after the other when one of them is away or its
// bytes are not what was written.

import {
  JournalError,
  type ChainPosition,
  type JournalMember,
} from "../../journal/journal-member.ts";
import { parseRecord, type JournalRecord } from "../../journal/journal-record.ts";

/** A member that has the chain from behind `base` up to `head`, both places on it. */
export interface ChainHolder {
  readonly member: JournalMember;
  readonly base: ChainPosition;
  readonly head: ChainPosition;
}

export class ChainSource {
  /** The first one is asked first. */
  readonly #holders: readonly ChainHolder[];
  readonly base: ChainPosition;

  /** Holders of one chain; at least one. */
  constructor(holders: readonly [ChainHolder, ...ChainHolder[]]) {
    this.#holders = holders;
    this.base = reachOf(holders);
  }

  /**
   * Intact records from `sequence` on, which must lie on the chain; at least one, up to about `bytesMax`.
   * @throws JournalError when no holder can give it.
   */
  async read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    const several = await this.#readFrom(sequence, bytesMax);
    if (several.records !== undefined) return several.records;
    // What is not intact may be one of the later ones.
    const one = await this.#readFrom(sequence, 1);
    if (one.records !== undefined) return one.records;
    const why = one.problems.length > 0 ? one.problems.join("; ") : "no member holds it";
    throw new JournalError("Unavailable", `change ${sequence} of the metadata: ${why}`);
  }

  async #readFrom(
    sequence: number,
    bytesMax: number,
  ): Promise<{ records?: readonly Uint8Array[]; problems: readonly string[] }> {
    const problems: string[] = [];
    for (const { member, base, head } of this.#holders) {
      if (sequence <= base.sequence || sequence > head.sequence) continue;
      try {
        const read = await member.read(sequence, bytesMax);
        const records = read.slice(0, head.sequence - sequence + 1);
        records.forEach(parseRecord);
        if (records.length > 0) return { records, problems };
        problems.push(`${member.label} has it no more`);
      } catch (error) {
        // Anything else is no fault of the member.
        if (!(error instanceof JournalError)) throw error;
        problems.push(error.message);
      }
    }
    return { problems };
  }

  /** The digest of the chain's record of that number. @throws JournalError */
  async digestAt(sequence: number): Promise<string> {
    const ends = this.#holders.flatMap(({ base, head }) => [base, head]);
    const known = ends.find((position) => position.sequence === sequence);
    if (known !== undefined) return known.digest;
    // The record after it says it too, and may be readable where this one is not.
    const [next] = await this.read(sequence + 1, 1);
    if (next === undefined) throw new JournalError("Gap", `there is no change ${sequence + 1}`);
    return parseRecord(next).previousDigest;
  }
}

/** How far back the chain can be read without a hole. */
function reachOf([first, ...others]: readonly [ChainHolder, ...ChainHolder[]]): ChainPosition {
  const byReach = others.toSorted((a, b) => b.base.sequence - a.base.sequence);
  return byReach.reduce(
    (reach, { base, head }) =>
      base.sequence < reach.sequence && head.sequence >= reach.sequence ? base : reach,
    first.base,
  );
}

export function positionOf({ sequence, epoch, digest }: JournalRecord): ChainPosition {
  return { sequence, epoch, digest };
}

export function isSame(a: ChainPosition, b: ChainPosition): boolean {
  return a.sequence === b.sequence && a.digest === b.digest;
}
