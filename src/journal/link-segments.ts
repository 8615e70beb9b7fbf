// Which segments of a folder form the chain. They are taken in the order of their creation; each says what it continues,
// or that the chain begins anew with it, and overrides what earlier ones hold behind its base. So a new segment takes the
// place of others in the moment in which it gets its name, and a crash before those are put away changes nothing.

import { isSamePosition } from "./journal-record.ts";
import type { SegmentHeader } from "./segment-header.ts";

export interface NamedSegment {
  readonly name: string;
  readonly header: SegmentHeader;
}

export interface LinkedSegments<Each extends NamedSegment> {
  readonly chain: readonly Each[];
  /** Another has taken their place. */
  readonly replaced: readonly Each[];
  /** They continue a segment that is not there. */
  readonly unlinked: readonly Each[];
}

/** `segments` in the order of their creation. */
export function linkSegments<Each extends NamedSegment>(
  segments: readonly Each[],
): LinkedSegments<Each> {
  let chain: Each[] = [];
  const replaced: Each[] = [];
  const unlinked: Each[] = [];
  for (const segment of segments) {
    const keptCount = countBefore(segment.header, chain);
    if (keptCount === undefined) {
      unlinked.push(segment);
      continue;
    }
    replaced.push(...chain.slice(keptCount));
    chain = [...chain.slice(0, keptCount), segment];
  }
  return { chain, replaced, unlinked };
}

/** How many of the chain's segments stand before this one; undefined: it does not continue the chain. */
function countBefore(
  { base, follows }: SegmentHeader,
  chain: readonly NamedSegment[],
): number | undefined {
  if (follows === undefined || chain.length === 0) return 0;
  const sameBase = chain.findIndex(({ header }) => isSamePosition(header.base, base));
  if (sameBase >= 0) return sameBase;
  const previous = chain.findIndex(({ name }) => name === follows.name);
  return previous < 0 ? undefined : previous + 1;
}
