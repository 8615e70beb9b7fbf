// How many disks may still fail, as things stand: without loss of anything that is acknowledged, and without writes being
// refused. What is away counts as lost, though it may come back: nobody should count on that.

import type { DriveId } from "../core/ids.ts";
import { shardCount, type Geometry } from "../erasure/geometry.ts";
import type { JournalReport } from "../metadata/metadata-store.ts";
import type { LayoutRecord, ShardSetRecord } from "../metadata/records.ts";
import { disksThatMayFailOfAll, type Dependence } from "./disk-tolerance.ts";
import type { Drive } from "./drive.ts";
import { geometryOf } from "./placement.ts";
import { findOtherCuts, type Cut } from "./reshape/other-cuts.ts";
import type { StoreContext } from "./store-context.ts";
import { quorumOfWrite } from "./write-quorum.ts";

export interface Tolerance {
  /** Disks that may fail, whichever they are, and everything acknowledged can still be read. */
  readonly disksBeforeLoss: number;
  /** The same in drives: where several share a disk, more of them may be lost or rot than disks may fail. */
  readonly drivesBeforeLoss: number;
  /** Disks that may fail, and writes are still taken. */
  readonly disksBeforeOutage: number;
  /** Whether something cannot be read as things stand. */
  readonly isBeyond: boolean;
}

/** Degraded sets that are looked at: of very many, the weakest may be another. */
const SETS_LOOKED_AT_MAX = 1_000;

type Devices = ReadonlyMap<DriveId, string>;

/** `devices`: what is known of where drives are. Those of which it is not known count as being on one device. */
export async function toleranceOf(context: StoreContext, devices: Devices): Promise<Tolerance> {
  const { drives, metadata } = context;
  const deviceOf = (driveId: DriveId): string => devices.get(driveId) ?? "";
  const degraded = await metadata.listDegradedSets(undefined, SETS_LOOKED_AT_MAX);
  const journal = metadata.journalReport();
  const otherCuts = await findOtherCuts(metadata);
  const reads = [
    ...drives.layouts.flatMap((layout) =>
      [geometryOf(layout), ...otherCuts].flatMap((cut) =>
        groupsOf(layout, cut).map((group) => readsOfGroup(context, group, deviceOf)),
      ),
    ),
    ...degraded.map((set) => readsOfSet(context, set, deviceOf)),
    ...membersBefore("loss", journal, deviceOf),
  ];
  const writes = [
    ...groupsOf(drives.written, geometryOf(drives.written)).map((group) =>
      writesOfGroup(context, group, deviceOf),
    ),
    ...membersBefore("outage", journal, deviceOf),
  ];
  return {
    disksBeforeLoss: disksThatMayFailOfAll(reads),
    drivesBeforeLoss: Math.max(0, Math.min(...reads.map(({ spareCount }) => spareCount))),
    disksBeforeOutage: disksThatMayFailOfAll(writes),
    isBeyond: reads.some(({ spareCount }) => spareCount < 0),
  };
}

/** Drives that sets of a layout lie on together. */
interface Group {
  readonly driveIds: readonly DriveId[];
  /** Of its sets. */
  readonly geometry: Geometry;
}

/** Each group once: of sets that are cut like that. */
function groupsOf(layout: LayoutRecord, cut: Cut): readonly Group[] {
  // The size of a unit has no say in which drives a set lies on.
  const geometry = { ...cut, unitBytes: 1 };
  const groups = new Map<string, Group>();
  for (const order of layout.partitions) {
    const positions = order.slice(0, shardCount(geometry)).toSorted((a, b) => a - b);
    const driveIds = positions.flatMap((position) => layout.drives[position] ?? []);
    groups.set(positions.join(), { driveIds, geometry });
  }
  return [...groups.values()];
}

type DeviceOf = (driveId: DriveId) => string;

function readsOfGroup({ drives }: StoreContext, group: Group, deviceOf: DeviceOf): Dependence {
  const present = group.driveIds.filter((driveId) => drives.find(driveId)?.isAway === false);
  const spareCount = present.length - group.geometry.dataShards;
  return { devices: present.map(deviceOf), spareCount };
}

function readsOfSet({ drives }: StoreContext, set: ShardSetRecord, deviceOf: DeviceOf): Dependence {
  const located = drives.locate(set.id, set.layoutVersion, set.dataShards + set.parityShards);
  const whole = located.filter(
    (drive, index): drive is Drive => drive?.isAway === false && !set.missing.includes(index),
  );
  return {
    devices: whole.map(({ store }) => deviceOf(store.driveId)),
    spareCount: whole.length - set.dataShards,
  };
}

function writesOfGroup({ drives }: StoreContext, group: Group, deviceOf: DeviceOf): Dependence {
  const taking = group.driveIds.filter((driveId) => {
    const drive = drives.find(driveId);
    return drive !== undefined && !drive.isAway && !drive.isShort;
  });
  // The quorum once another drive is away: it may be smaller than while all are there.
  const quorum = quorumOfWrite(group.geometry, drives.awayCount + 1);
  return { devices: taking.map(deviceOf), spareCount: taking.length - quorum };
}

/** Starting anew takes all members but m; a write takes a quorum of m+1. */
function membersBefore(
  what: "loss" | "outage",
  journal: JournalReport | undefined,
  deviceOf: DeviceOf,
): readonly Dependence[] {
  // One copy of the metadata goes with its disk.
  if (journal === undefined) return [{ devices: ["metadata"], spareCount: 0 }];
  const { members, quorum } = journal;
  const good = members.filter(({ state }) => state === "good");
  const neededCount = what === "loss" ? members.length - (quorum - 1) : quorum;
  const devices = good.map(({ driveId }) => deviceOf(driveId));
  return [{ devices, spareCount: good.length - neededCount }];
}
