// Which drive has which shard of a set, where copies of some lie on several: each on one, no drive twice, and as many as can
// be found.

/**
 * @param due By index of the shard: the drive where it should be; -1: none.
 * @param found By index: the drives where there is one.
 * @returns By index: the drive; where it was found nowhere the one where it should be, unless that has another; else -1.
 */
export function matchDrives(
  due: readonly number[],
  found: readonly (readonly number[])[],
): readonly number[] {
  const indexOn = new Map<number, number>();
  // Where it should be comes first: then the same copies are the same places, set after set.
  for (const [index, drive] of due.entries()) {
    if (found[index]?.includes(drive) === true) indexOn.set(drive, index);
  }
  const settled = new Set(indexOn.values());
  for (const index of found.keys()) {
    if (!settled.has(index)) place(index, { found, indexOn, seen: new Set() });
  }
  const drives = due.map(() => -1);
  for (const [drive, index] of indexOn) drives[index] = drive;
  for (const [index, drive] of due.entries()) {
    if (drives[index] === -1 && !indexOn.has(drive)) drives[index] = drive;
  }
  return drives;
}

interface Matching {
  readonly found: readonly (readonly number[])[];
  /** By drive. */
  readonly indexOn: Map<number, number>;
  /** Drives that were tried for this one. */
  readonly seen: Set<number>;
}

/** Whether a drive could be had for it, be it that others take another of theirs. */
function place(index: number, matching: Matching): boolean {
  const { found, indexOn, seen } = matching;
  for (const drive of found[index] ?? []) {
    if (seen.has(drive)) continue;
    seen.add(drive);
    const holder = indexOn.get(drive);
    if (holder !== undefined && !place(holder, matching)) continue;
    indexOn.set(drive, index);
    return true;
  }
  return false;
}
