// How new sets are cut: as the layout says that they are written by. It changes while the server runs, so whoever writes a
// set asks once, at the very moment at which it asks for the layout.

import type { Geometry } from "../erasure/geometry.ts";
import { geometryOf } from "./placement.ts";
import type { StoreContext } from "./store-context.ts";

export function newGeometry({ drives, limits }: Pick<StoreContext, "drives" | "limits">): Geometry {
  const { dataShards, parityShards } = geometryOf(drives.written);
  return { dataShards, parityShards, unitBytes: limits.unitBytes };
}
