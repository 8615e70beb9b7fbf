// How sets may be cut that are still there, beside those that are cut as new ones are. Layouts say how sets were ever cut,
// and what stands of the rewriting (layout/reshaper.ts) which of those are gone.

import type { MetadataStore } from "../../metadata/metadata-store.ts";
import type { LayoutRecord } from "../../metadata/records.ts";
import type { Geometry } from "../../erasure/geometry.ts";
import { geometryOf } from "../placement.ts";

export type Cut = Pick<Geometry, "dataShards" | "parityShards">;

/** The name under which the rewriting keeps how far it has come. */
export const RESHAPE_JOB = "reshape";

/** What others read of that. */
interface Standing {
  /** Of the layout since which sets are cut anew. */
  readonly version: number;
  readonly isDone: boolean;
  /** All sets of layouts before that one are cut as it says, or as one says that followed. */
  readonly sinceVersion: number;
}

export function isSameCut(one: Cut, two: Cut): boolean {
  return one.dataShards === two.dataShards && one.parityShards === two.parityShards;
}

/** The first of the layouts since which sets are cut as by the newest; undefined: they never were cut otherwise. */
export function cutSince(layouts: readonly LayoutRecord[]): LayoutRecord | undefined {
  const ordered = layouts.toSorted((a, b) => a.version - b.version);
  return ordered.findLast((layout, index) => {
    const before = ordered[index - 1];
    return before !== undefined && !isSameCut(geometryOf(before), geometryOf(layout));
  });
}

/** From which layout on there may be sets that are cut otherwise than by `version`. */
export function sinceOf(saved: Standing | undefined, version: number): number {
  if (saved === undefined) return 0;
  return saved.version < version && saved.isDone ? saved.version : saved.sinceVersion;
}

/** Each once; none where all sets are cut as new ones are. */
export async function findOtherCuts(
  metadata: Pick<MetadataStore, "findLayouts" | "findProgress">,
): Promise<readonly Cut[]> {
  const layouts = await metadata.findLayouts();
  const newest = cutSince(layouts);
  if (newest === undefined) return [];
  const text = await metadata.findProgress(RESHAPE_JOB);
  const saved = text === undefined ? undefined : (JSON.parse(text) as Standing);
  if (saved?.version === newest.version && saved.isDone) return [];
  const since = sinceOf(saved, newest.version);
  const cuts: Cut[] = [];
  for (const layout of layouts) {
    if (layout.version < since || layout.version >= newest.version) continue;
    const cut = geometryOf(layout);
    if (isSameCut(cut, geometryOf(newest))) continue;
    if (!cuts.some((each) => isSameCut(each, cut))) cuts.push(cut);
  }
  return cuts;
}
