// Makes the metadata anew from the drives: begins with the newest state that members, snapshots or the old database give,
// and adds what the shards say beyond it. Everything happens in files of their own; who calls puts the result in place.
//
// Where nothing of the metadata is left, a deletion that nobody has a copy of is not known: an object whose shards are
// still there comes back. Where there is a base, what it decided stays decided: sets in its trash, and sets that it does not
// name of processes that had ended, are nobody's.

import type { ShardStore } from "../datanode/shard-store.ts";
import type { JournalMember } from "../journal/journal-member.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { findBase, type FoundBase } from "../metadata/sqlite/rebuild/find-base.ts";
import { hasSameDrives, newestLayout } from "../store/layout/compare-layouts.ts";
import { inDraft, type OpenDraft } from "./in-draft.ts";
import { NamedPlaces } from "./named-places.ts";
import { SetPlaces } from "./place-sets.ts";
import { RebuildTally } from "./rebuild-tally.ts";
import { scanDrives } from "./scan-drives.ts";
import { settleGone } from "./settle-gone.ts";
import { RowWriter } from "./write-rows.ts";

export interface RebuildOptions {
  /** Those that are there. */
  readonly drives: readonly ShardStore[];
  /** What new sets are written by, where no layout is left. */
  readonly firstLayout: LayoutRecord;
  readonly members: readonly JournalMember[];
  readonly clusterId: string;
  /** Where the new database is made, beside which others of that name with an ending are. */
  readonly draftPath: string;
  /** Of databases that are there, the one that knows the most first. */
  readonly standingPaths: readonly string[];
  /** Of buckets of which nothing says where they are. */
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly onProgress: (words: string) => void;
}

export interface RebuiltMetadata {
  readonly base: FoundBase;
  readonly tally: RebuildTally;
  /** Layouts that had to be made of where shards were found. */
  readonly foundLayouts: number;
  /** Whether the new database has anything that a start would not find by itself. */
  readonly hasNews: boolean;
}

const KEYS_PER_PROGRESS = 20_000;

/** Where there is news, the new database is whole, durable and closed at `draftPath` when it resolves. @throws ShardError, ForeignDatabaseError */
export async function rebuildMetadata(options: RebuildOptions): Promise<RebuiltMetadata> {
  const { members, draftPath, standingPaths, onProgress } = options;
  const base = await findBase({ path: draftPath, standingPaths, members, onProgress });
  const tally = new RebuildTally();
  // Then nothing was acknowledged that it does not know: what else lies on the drives was never finished.
  if (base.isWhole) return { base, tally, foundLayouts: 0, hasNews: false };
  const hasBase = base.source !== "none";
  const foundLayouts = await inDraft(draftPath, (open) =>
    fillDraft(options, { ...open, tally, hasBase }),
  );
  return { base, tally, foundLayouts, hasNews: true };
}

interface DraftParts extends OpenDraft {
  readonly tally: RebuildTally;
  readonly hasBase: boolean;
}

/** Resolves to how many layouts had to be made of where shards were found. */
async function fillDraft(options: RebuildOptions, parts: DraftParts): Promise<number> {
  const { clusterId, firstLayout, nowMs, onProgress } = options;
  const { draft, stage, tally, hasBase } = parts;
  await draft.addLayouts(layoutToWriteBy(draft.findLayouts(), firstLayout), nowMs);
  const drives = options.drives.map(({ driveId }) => driveId);
  const named = new NamedPlaces({ draft, stage, drives, staying: firstLayout.drives });
  await scanDrives({
    drives: options.drives,
    clusterId,
    stage,
    tally,
    knows: (setId, incarnation) => draft.base.knows(setId, incarnation),
    onSet: (set) => {
      if (!hasBase) return;
      stage.addSeen(set.setId);
      named.add(set);
    },
    onProgress,
  });
  onProgress(`${tally.claims} objects and parts are put in order`);
  stage.finish();
  const { placed, layouts } = await named.finish(nowMs);
  tally.placed = placed;
  const places = new SetPlaces(drives, draft.findLayouts());
  for (const set of stage.sets()) places.add(set);
  const found = places.layouts();
  await draft.addLayouts(found, nowMs);
  await writeRows(options, { draft, stage, places, tally, hasBase });
  if (hasBase) tally.gone = settleGone(draft, stage);
  return layouts + found.length;
}

/**
 * None where the newest that the base knows is of the drives that there are. Else that of a first start over those: by the
 * base's nothing could be written, nor would what lies on drives that are gone ever come to lie elsewhere.
 */
function layoutToWriteBy(
  known: readonly LayoutRecord[],
  firstLayout: LayoutRecord,
): readonly LayoutRecord[] {
  const newest = newestLayout(known);
  if (newest === undefined) return [firstLayout];
  return hasSameDrives(newest, firstLayout)
    ? []
    : [{ ...firstLayout, version: newest.version + 1 }];
}

interface Parts extends DraftParts {
  readonly places: SetPlaces;
}

async function writeRows(
  { region, nowMs, onProgress }: RebuildOptions,
  parts: Parts,
): Promise<void> {
  const { stage } = parts;
  const writer = new RowWriter({ ...parts, region, nowMs });
  let keyCount = 0;
  for (const claims of stage.keys()) {
    await writer.add(claims);
    keyCount += 1;
    if (keyCount % KEYS_PER_PROGRESS === 0) onProgress(`${keyCount} keys are written`);
  }
  await writer.finish(stage.sets());
}
