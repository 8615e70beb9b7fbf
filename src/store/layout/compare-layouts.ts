// Which layout is the last one, and whether two are over the same drives.

import type { LayoutRecord } from "../../metadata/records.ts";

/** Undefined where there is none. */
export function newestLayout(layouts: readonly LayoutRecord[]): LayoutRecord | undefined {
  return layouts.toSorted((one, other) => one.version - other.version).at(-1);
}

/** In whatever order they name them. */
export function hasSameDrives(one: LayoutRecord, other: LayoutRecord): boolean {
  const drives = new Set(one.drives);
  return drives.size === other.drives.length && other.drives.every((id) => drives.has(id));
}
