// A database that was restored to a time says where things were then: it is told where they are now.

import type { DriveId, SetId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { namedSetsIn } from "../metadata/sqlite/rebuild/draft-database.ts";
import { findMoved } from "./find-moved.ts";
import { FOLDER_COUNT, findSets, type FoundSet } from "./found-set.ts";
import { inDraft, type OpenDraft } from "./in-draft.ts";
import { NamedPlaces } from "./named-places.ts";
import { settleGone } from "./settle-gone.ts";

export interface SettleOptions {
  readonly draftPath: string;
  /** Those that are there. */
  readonly drives: readonly ShardStore[];
  /** All that the cluster has, those that are away too. */
  readonly staying: readonly DriveId[];
  readonly clusterId: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly onProgress: (words: string) => void;
}

export interface SettledDraft {
  /** Sets that it names and no drive has anything of: deleted since, and collected. */
  readonly gone: number;
  /** Objects and parts that compaction, or a reshape, has moved to other sets since. */
  readonly moved: number;
  /** Sets whose shards lie elsewhere than it said. */
  readonly placed: number;
}

/** Whole, durable and closed when it resolves, and of no chain. @throws ShardError when a drive cannot be listed */
export function settleRestored(options: SettleOptions): Promise<SettledDraft> {
  return inDraft(options.draftPath, (open) => settle(options, open));
}

async function settle(options: SettleOptions, { draft, stage }: OpenDraft): Promise<SettledDraft> {
  const { staying, nowMs } = options;
  const drives = options.drives.map(({ driveId }) => driveId);
  const places = new NamedPlaces({ draft, stage, drives, staying });
  await forEachSet(options, (set) => {
    stage.addSeen(set.setId);
    places.add(set);
  });
  const { placed } = await places.finish(nowMs);
  const isAllThere = countGone(draft.sets.ids(), stage) === 0;
  const moved = isAllThere ? 0 : await findMoved({ ...options, draft, stage });
  return { gone: settleGone(draft, stage), moved, placed };
}

/** Of a database that stays as it is: sets that it names and no drive has anything of. */
export async function countGoneIn(options: SettleOptions): Promise<number> {
  const { draftPath } = options;
  const stage = new ClaimStage(`${draftPath}.claims`);
  try {
    await forEachSet(options, ({ setId }) => stage.addSeen(setId));
    return countGone(namedSetsIn(draftPath), stage);
  } finally {
    stage.close();
  }
}

async function forEachSet(
  { drives, onProgress }: SettleOptions,
  use: (set: FoundSet) => void,
): Promise<void> {
  for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
    const { sets } = await findSets(drives, folder);
    for (const set of sets) use(set);
    onProgress(`the drives are listed: ${Math.floor(((folder + 1) * 100) / FOLDER_COUNT)}%`);
  }
}

function countGone(named: Iterable<SetId>, stage: ClaimStage): number {
  let gone = 0;
  for (const setId of named) if (!stage.hasSeen(setId)) gone += 1;
  return gone;
}
