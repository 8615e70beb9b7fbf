// Subsets of a small set: which units of a stripe are lost.

/** All subsets of 0 to count-1 with at most `sizeMax` members. */
export function subsetsUpTo(count: number, sizeMax: number): number[][] {
  const all = Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (__, index) => index).filter((index) => (bits >> index) & 1),
  );
  return all.filter((subset) => subset.length <= sizeMax);
}
