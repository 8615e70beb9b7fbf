// How many disks may still fail: counted in devices, for drives on one device fail together, and in the worst order.

/** Drives that hold parts of the same thing, of which only so many may fail. */
export interface Dependence {
  /** The device of each drive that is well. */
  readonly devices: readonly string[];
  /** How many of these drives may fail; negative where too many have. */
  readonly spareCount: number;
}

/** @returns how many devices may fail, whichever they are; 0 where too many have. */
export function disksThatMayFail({ devices, spareCount }: Dependence): number {
  const drivesByDevice = new Map<string, number>();
  for (const device of devices) {
    drivesByDevice.set(device, (drivesByDevice.get(device) ?? 0) + 1);
  }
  // The worst case: the devices with the most drives go first.
  const largestFirst = [...drivesByDevice.values()].toSorted((a, b) => b - a);
  let [disks, lost] = [0, 0];
  for (const drives of largestFirst) {
    lost += drives;
    if (lost > spareCount) break;
    disks += 1;
  }
  return disks;
}

/** The number for several things that must all go on. */
export function disksThatMayFailOfAll(dependences: Iterable<Dependence>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const dependence of dependences) least = Math.min(least, disksThatMayFail(dependence));
  return Number.isFinite(least) ? least : 0;
}
