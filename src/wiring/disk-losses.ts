// How many disks may fail: counted in devices, for folders on one device are lost together.

import type { Geometry } from "../erasure/geometry.ts";

/** @param devices The device of each drive. */
export function disksThatMayFail(devices: readonly string[], geometry: Geometry): number {
  const drivesByDevice = new Map<string, number>();
  for (const device of devices) {
    drivesByDevice.set(device, (drivesByDevice.get(device) ?? 0) + 1);
  }
  // The worst case: the devices with the most drives go first, and every drive of them held a shard of the same set.
  const largestFirst = [...drivesByDevice.values()].toSorted((a, b) => b - a);
  let [disks, lost] = [0, 0];
  for (const drives of largestFirst) {
    lost += drives;
    if (lost > geometry.parityShards) break;
    disks += 1;
  }
  return disks;
}
