// What the store offers to whoever changes the layout: what stands, each step of a change, and moving one set.

import type { DriveId, SetId } from "../../core/ids.ts";
import type { SpaceInfo } from "../../datanode/shard-store.ts";
import type { LayoutRecord } from "../../metadata/records.ts";
import { crashPoint } from "../../util/crash-point.ts";
import type { Sides } from "../side-workers.ts";
import type { StoreContext } from "../store-context.ts";
import { isToMove, moveSet, type MoveSetOptions, type SetMove } from "./move-set.ts";

export interface LayoutState {
  /** In force, the oldest first; two or more while drives come or go. */
  readonly live: readonly LayoutRecord[];
  /** What new sets are written by. */
  readonly written: LayoutRecord;
  readonly newest: LayoutRecord;
}

export interface SetsToMove {
  /** Of those that were looked at, the ones that lie elsewhere by the newest layout. */
  readonly setIds: readonly SetId[];
  /** The last that was looked at; undefined: there are no more. */
  readonly after: SetId | undefined;
  readonly seenCount: number;
}

export interface LayoutOperations {
  layoutState(): LayoutState;
  /** Reads anew what the metadata says of layouts. */
  refreshLayouts(): Promise<void>;
  /** Makes a layout known, here; nothing is written by it. */
  publishLayout(layout: LayoutRecord): Promise<void>;
  /** New sets are written by the newest layout; packs of before are ended. */
  useNewestLayout(): Promise<void>;
  /** The newest layout is the only one that counts: sets of all others lie where it says. */
  retireOlderLayouts(): Promise<void>;
  /** Whether every worker beside this one has said that it knows what this one knows. */
  areLayoutsKnown(): boolean;
  /** Whether a write may be under way, of any process, that uses an older layout than the newest. */
  areOlderLayoutsUsed(): boolean;
  /** Whether a read may be under way, of any process, that began before all of them knew that the older layouts are retired. */
  areOlderPlacesRead(): boolean;
  /** A page of all sets, by id. */
  findSetsToMove(after: SetId | undefined, limit: number): Promise<SetsToMove>;
  moveSet(setId: SetId, options: MoveSetOptions): Promise<SetMove>;
  /** Gives up drives that are gone, as far as no layout in force names them. Until then readings may still use them. */
  detachDrives(isGone: (driveId: DriveId) => boolean): Promise<void>;
  /** What is left on each drive, and all there is: those that are away are not in it. */
  driveSpaces(): Promise<ReadonlyMap<DriveId, SpaceInfo>>;
}

interface LayoutParts {
  readonly sides: Sides;
  /** Old copies may be removed now. */
  readonly onRetired: () => void;
}

export function layoutOperations(context: StoreContext, parts: LayoutParts): LayoutOperations {
  const { clock, drives, metadata, packs, readings, writings } = context;
  /** "told": since when nobody reads by what was retired last. */
  let retired: { readonly toldAt: number } | "none" | "untold" = "none";
  const refresh = async (): Promise<void> => drives.update(await metadata.findLayouts());
  const areKnown = (): boolean => {
    const isKnown = parts.sides.doKnow(drives.stamp);
    // Others went on reading at the old places until they had heard of it.
    if (isKnown && retired === "untold") retired = { toldAt: clock.monotonic() };
    return isKnown;
  };
  return {
    layoutState: () => {
      const { layouts: live, newest, written } = drives;
      return { live, newest, written };
    },
    refreshLayouts: async () => {
      const { version } = drives.written;
      await refresh();
      if (drives.written.version !== version) await packs.sealOpen();
    },
    publishLayout: async (layout) => {
      await metadata.addLayout(layout);
      crashPoint("layout.published");
      await refresh();
    },
    useNewestLayout: async () => {
      await metadata.useLayout(drives.newest.version, false);
      crashPoint("layout.used");
      await refresh();
      await packs.sealOpen();
    },
    retireOlderLayouts: async () => {
      await metadata.useLayout(drives.newest.version, true);
      crashPoint("layout.retired");
      await refresh();
      retired = "untold";
      parts.onRetired();
    },
    areLayoutsKnown: areKnown,
    areOlderLayoutsUsed: () =>
      Math.min(writings.oldestLayout, parts.sides.oldestLayout) < drives.newest.version,
    areOlderPlacesRead: () => {
      areKnown();
      if (typeof retired === "string") return retired === "untold";
      const oldest = readings.oldestAnywhere;
      return oldest !== undefined && oldest <= retired.toldAt;
    },
    findSetsToMove: async (after, limit) => {
      const sets = await metadata.listSets(after, limit);
      return {
        setIds: sets.filter((set) => isToMove(context, set)).map(({ id }) => id),
        after: sets.length < limit ? undefined : sets.at(-1)?.id,
        seenCount: sets.length,
      };
    },
    moveSet: (setId, options) => moveSet(context, setId, options),
    detachDrives: (isGone) => drives.detachUnnamed(isGone),
    driveSpaces: async () => {
      await Promise.all(drives.all.map((drive) => drive.confirm(0)));
      const there = drives.all.filter(({ isAway }) => !isAway);
      return new Map(
        there.flatMap(({ space, store }) => (space ? [[store.driveId, space] as const] : [])),
      );
    },
  };
}
