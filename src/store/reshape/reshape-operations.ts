// What the store offers to whoever has sets cut anew: which there are, and one page of them after the other cut as new ones
// are. Single sets are found by the rows that name them, packs by themselves.

import type { SetId } from "../../core/ids.ts";
import type { WalkPosition } from "../../metadata/metadata-store.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import type { Compaction } from "../compaction.ts";
import { placesFor } from "../layout/change-layout.ts";
import { geometryOf } from "../placement.ts";
import type { StoreContext } from "../store-context.ts";
import { cutSince, findOtherCuts, isSameCut, type Cut } from "./other-cuts.ts";
import { SetRewriter, type RewriteOptions } from "./rewrite-set.ts";

/** What was seen on a page, and done about it. */
export interface ReshapePage<Position> {
  /** The last that was looked at; undefined: there are no more. */
  readonly after: Position | undefined;
  readonly seenCount: number;
  readonly rewrittenCount: number;
  readonly writtenBytes: number;
  /** That could not be cut anew now. */
  readonly waitingCount: number;
  readonly problem: string | undefined;
}

export interface ReshapeOperations {
  /** How new sets are cut. */
  newCut(): Cut;
  /** Why a copy that is written now would lack a shard, which the old set may have; undefined where it would not. */
  lackOfDrives(): string | undefined;
  /** How else sets may be cut that are still there. */
  findOtherCuts(): Promise<readonly Cut[]>;
  /** How many places of each partition sets may use that are there. */
  placesInUse(): Promise<number>;
  /** The version of the layout since which new sets are cut as they are; undefined: they never were cut otherwise. */
  findCutVersion(): Promise<number | undefined>;
  /** Empties packs that are cut otherwise than new ones, of those that have grown to their end. */
  reshapePacks(
    after: SetId | undefined,
    limit: number,
    options: RewriteOptions,
  ): Promise<ReshapePage<SetId>>;
  /** Cuts anew the sets that rows name. */
  reshapeRows(
    after: WalkPosition | undefined,
    limit: number,
    options: RewriteOptions,
  ): Promise<ReshapePage<WalkPosition>>;
  /** How many sets of a page are cut otherwise than new ones. */
  countOthers(
    after: SetId | undefined,
    limit: number,
  ): Promise<{ readonly after: SetId | undefined; readonly count: number }>;
  /** Whether a set waits in the trash that has more shards than new ones have. */
  isWiderTrashed(): Promise<boolean>;
}

/** Sets that are cut anew at a time. */
const CONCURRENCY = 2;
const TRASH_PAGE = 1_000;

export function reshapeOperations(
  context: StoreContext,
  compaction: Compaction,
): ReshapeOperations {
  const { drives, metadata } = context;
  const rewriter = new SetRewriter(context);
  const isOther = (set: ShardSetRecord): boolean => !isSameCut(set, geometryOf(drives.written));
  return {
    newCut: () => geometryOf(drives.written),
    lackOfDrives: () => drives.lack,
    findOtherCuts: () => findOtherCuts(metadata),
    placesInUse: async () => {
      const cuts = [geometryOf(drives.newest), ...(await findOtherCuts(metadata))];
      const places = drives.newest.partitions[0]?.length ?? 0;
      return Math.min(places, Math.max(...cuts.map(placesFor)));
    },
    findCutVersion: async () => cutSince(await metadata.findLayouts())?.version,
    reshapePacks: async (after, limit, options) => {
      const emptied = await compaction.emptyChosen({ after, limit, isChosen: isOther, ...options });
      const { keptCount, movedBytes, packCount } = emptied.progress;
      return {
        after: emptied.after,
        seenCount: emptied.seenCount,
        rewrittenCount: packCount - keptCount,
        writtenBytes: movedBytes,
        waitingCount: keptCount,
        problem: keptCount > 0 ? "something in a pack cannot be read" : undefined,
      };
    },
    reshapeRows: async (after, limit, options) => {
      const page = await metadata.walk({ bucketId: undefined, prefix: "", after, limit });
      const rows = page.filter(({ content }) => content?.kind === "set" && isOther(content.set));
      const tally = { rewrittenCount: 0, writtenBytes: 0, waitingCount: 0 };
      let problem: string | undefined;
      const queue = rows.values();
      const take = async (): Promise<void> => {
        for (const row of queue) {
          if (options.signal.aborted) return;
          const rewrite = await rewriter.rewrite(row, options);
          if (rewrite.isRewritten) tally.rewrittenCount += 1;
          tally.writtenBytes += rewrite.writtenBytes;
          if (rewrite.problem === undefined) continue;
          tally.waitingCount += 1;
          problem = rewrite.problem;
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, take));
      const next = page.length < limit ? undefined : page.at(-1)?.position;
      return { after: next, seenCount: page.length, ...tally, problem };
    },
    countOthers: async (after, limit) => {
      const sets = await metadata.listSets(after, limit);
      return {
        after: sets.length < limit ? undefined : sets.at(-1)?.id,
        count: sets.filter(isOther).length,
      };
    },
    isWiderTrashed: async () => {
      const width = placesFor(geometryOf(drives.written));
      let after: SetId | undefined;
      for (;;) {
        const page = await metadata.listTrash(TRASH_PAGE, after);
        if (page.some((trashed) => trashed.shardCount > width)) return true;
        if (page.length < TRASH_PAGE) return false;
        after = page.at(-1)?.setId;
      }
    },
  };
}
