// `kintsugi rebuild`: the metadata of a stopped server made anew from its drives, and put in place.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { RebuildReport } from "../cli/rebuild-report.ts";
import { rebuildMetadata, type RebuiltMetadata } from "../rebuild/rebuild.ts";
import {
  databasesIn,
  openOfflineCluster,
  requireDrives,
  type OfflineCluster,
} from "./offline-cluster.ts";
import { METADATA_FOLDER } from "./open-metadata.ts";
import { makeFolder, placeMetadata } from "./place-metadata.ts";

export interface RebuildClusterOptions {
  readonly folders: readonly string[];
  readonly isDryRun: boolean;
  /** Whether to go on with more drives away than parity replaces. */
  readonly acceptLoss: boolean;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onProgress: (words: string) => void;
}

const KIB = 1024;
const SUFFIXES = ["", "-wal", "-shm"] as const;

/** @throws StartError, DriveIdentityError in words */
export async function rebuildCluster(options: RebuildClusterOptions): Promise<RebuildReport> {
  const cluster = await openOfflineCluster(options.folders);
  const startedAt = performance.now();
  try {
    if (!options.acceptLoss) requireDrives(cluster);
    const { home, drives, firstLayout, members, clusterId, places } = cluster;
    const folder = join(home.path, METADATA_FOLDER);
    await makeFolder(folder);
    const path = join(folder, "metadata.db");
    const draftPath = `${path}.rebuilt`;
    const nowMs = options.now();
    try {
      const { region, onProgress } = options;
      const parts = { drives, firstLayout, members, clusterId, region, nowMs, onProgress };
      const standingPaths = databasesIn(places);
      const rebuilt = await rebuildMetadata({ ...parts, draftPath, standingPaths });
      const isPlaced = rebuilt.hasNews && !options.isDryRun;
      const aside = isPlaced
        ? await placeMetadata({ draftPath, home, places, keepsJournals: false, nowMs })
        : [];
      const seconds = (performance.now() - startedAt) / 1_000;
      return reportOf(rebuilt, { cluster, isDryRun: options.isDryRun, isPlaced, aside, seconds });
    } finally {
      for (const suffix of SUFFIXES) await rm(`${draftPath}${suffix}`, { force: true });
    }
  } finally {
    await cluster.close();
  }
}

interface Circumstances {
  readonly cluster: OfflineCluster;
  readonly isDryRun: boolean;
  readonly isPlaced: boolean;
  readonly aside: readonly string[];
  readonly seconds: number;
}

function reportOf(
  { base, tally, foundLayouts }: RebuiltMetadata,
  { cluster, isDryRun, isPlaced, aside, seconds }: Circumstances,
): RebuildReport {
  const { buckets, objects, multipart, bytes, moved, placed, olderCopies } = tally;
  const { shardFiles, sets, packs, claims, unfinished, gone } = tally;
  return {
    isDryRun,
    isPlaced,
    base: base.source,
    baseChange: base.position?.sequence,
    isBaseWhole: base.isWhole,
    drives: cluster.places.length,
    drivesTotal: cluster.slots.length,
    shardFiles,
    sets,
    packs,
    found: claims,
    buckets,
    objects,
    multipart,
    bytes,
    moved,
    placed,
    olderCopies,
    unfinished,
    gone,
    foundLayouts,
    lost: tally.lost.count,
    looseUploads: tally.parts.count,
    damaged: tally.damaged.count,
    refused: tally.refused.count,
    lostList: tally.lost.listed,
    looseUploadList: tally.parts.listed,
    damagedList: tally.damaged.listed,
    refusedList: tally.refused.listed,
    remarks: [...cluster.remarks, ...base.remarks],
    aside,
    seconds,
    peakBytes: process.resourceUsage().maxRSS * KIB,
  };
}
