// Metadata as it was at a time names packs that compaction has emptied since: the drives are looked through for where the
// objects are now.

import type { ShardStore } from "../datanode/shard-store.ts";
import type { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import { followMoves } from "./follow-moves.ts";
import { SetPlaces } from "./place-sets.ts";
import { RebuildTally } from "./rebuild-tally.ts";
import { scanDrives } from "./scan-drives.ts";

export interface FindMovedOptions {
  readonly drives: readonly ShardStore[];
  readonly clusterId: string;
  readonly draft: DraftDatabase;
  /** Knows of every set that has a shard anywhere; takes what is found. */
  readonly stage: ClaimStage;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly onProgress: (words: string) => void;
}

const nothing = (): void => undefined;

/** Resolves to how many objects and parts are named elsewhere now. @throws ShardError when a drive cannot be listed */
export async function findMoved(options: FindMovedOptions): Promise<number> {
  const { drives, draft, stage, nowMs } = options;
  const knows = draft.base.knows.bind(draft.base);
  await scanDrives({ ...options, knows, onSet: nothing, tally: new RebuildTally() });
  stage.finish();
  const driveIds = drives.map(({ driveId }) => driveId);
  const places = new SetPlaces(driveIds, draft.findLayouts());
  for (const set of stage.sets()) places.add(set);
  await draft.addLayouts(places.layouts(), nowMs);
  let count = 0;
  for (const claims of stage.keys()) {
    const { moves } = followMoves({ draft, stage, places }, claims);
    if (moves.length === 0) continue;
    const answers = await draft.apply(moves, nowMs);
    count += answers.filter(({ kind }) => kind === "done").length;
  }
  return count;
}
