// Comparison of signatures in constant time.

import { timingSafeEqual } from "node:crypto";

/**
 * Whether two texts are equal, in a time that depends on neither's content. `expected` has the fixed length of its
 * algorithm, so that refusing another length at once tells nothing.
 */
export function equalDigests(expected: string, provided: string): boolean {
  if (provided.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(expected, "latin1"), Buffer.from(provided, "latin1"));
}
