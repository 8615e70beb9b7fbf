// Where another layout has taken the place of one, its sets lie where that one says.

import type { LayoutRecord } from "../../metadata/records.ts";

/** By the version that a set names: the layout that says where it lies now. */
export function resolveLayouts(
  layouts: readonly LayoutRecord[],
): ReadonlyMap<number, LayoutRecord> {
  const known = new Map(layouts.map((layout) => [layout.version, layout]));
  const resolve = (layout: LayoutRecord): LayoutRecord => {
    const next = layout.retiredInto === undefined ? undefined : known.get(layout.retiredInto);
    return next === undefined ? layout : resolve(next);
  };
  return new Map(layouts.map((layout) => [layout.version, resolve(layout)]));
}
