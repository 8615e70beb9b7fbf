// What every codec demands of a stripe before it touches it.

import { assert } from "../util/assert.ts";
import { shardCount, type Geometry } from "./geometry.ts";

/** Fewer units are present than are needed. */
class TooFewUnitsError extends Error {
  constructor(presentCount: number, neededCount: number) {
    super(`${presentCount} units are present, ${neededCount} are needed`);
    this.name = "TooFewUnitsError";
  }
}

/** Bytes of each unit of a stripe. */
export function unitBytesIn(stripe: Uint8Array, geometry: Geometry): number {
  const unitBytes = stripe.length / shardCount(geometry);
  assert(Number.isInteger(unitBytes), "a stripe has k+m units of equal size");
  return unitBytes;
}

/** Whether a unit is absent. @throws when so many are that the others do not determine them. */
export function isAnyAbsent(present: readonly boolean[], geometry: Geometry): boolean {
  assert(present.length === shardCount(geometry), "there is a flag for each unit");
  const presentCount = present.filter(Boolean).length;
  if (presentCount < geometry.dataShards) {
    throw new TooFewUnitsError(presentCount, geometry.dataShards);
  }
  return presentCount < present.length;
}
