// Comparison of signatures in constant time.

import { timingSafeEqual } from "node:crypto";

/**
 * Whether two texts are equal, in a time that depends on neither's content. `expected` has the fixed length of its
 * algorithm, so that refusing another length at once tells nothing.
 */
export function equalDigests(expected: string, provided: string): boolean {
  const wanted = Buffer.from(expected);
  const given = Buffer.from(provided);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}
