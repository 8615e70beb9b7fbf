// Sets that are named and of which no drive has anything. They lie nowhere, and an older layout that they name would be in
// force until they were found: they come to name the newest one.

import type { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import { newestLayout } from "../store/layout/compare-layouts.ts";

/** How many there are. */
export function settleGone(draft: DraftDatabase, stage: Pick<ClaimStage, "hasSeen">): number {
  const newest = newestLayout(draft.findLayouts());
  let gone = 0;
  for (const setId of draft.sets.ids()) {
    if (stage.hasSeen(setId)) continue;
    if (newest !== undefined) draft.sets.place(setId, newest.version);
    gone += 1;
  }
  return gone;
}
