// `kintsugi backup` and `kintsugi restore`: the metadata of a server as files elsewhere, and back. A backup is made while the
// server runs; a restore when it is stopped.

import { copyFile, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { BackupError } from "../backup/backup-error.ts";
import { findBackup, makeBackup, type Backup } from "../backup/backup-files.ts";
import type { RestoreReport } from "../cli/backup-report.ts";
import { layoutsIn } from "../metadata/sqlite/rebuild/draft-database.ts";
import { playUntil, type Played } from "../metadata/sqlite/rebuild/play-until.ts";
import {
  countGoneIn,
  settleRestored,
  type SettledDraft,
  type SettleOptions,
} from "../rebuild/settle-restored.ts";
import { hasSameDrives, newestLayout } from "../store/layout/compare-layouts.ts";
import { geometryOf } from "../store/placement.ts";
import { isSameCut } from "../store/reshape/other-cuts.ts";
import {
  databaseOf,
  openOfflineCluster,
  requireDrives,
  type OfflineCluster,
} from "./offline-cluster.ts";
import { CLUSTER_ID, METADATA_FOLDER } from "./open-metadata.ts";
import { makeFolder, placeMetadata } from "./place-metadata.ts";
import { StartError } from "./start-error.ts";

const DATABASE = "metadata.db";
const SUFFIXES = ["", "-wal", "-shm"] as const;

/** @throws StartError in words where there is no database */
export async function backupCluster(options: {
  readonly to: string;
  readonly folders: readonly string[];
  readonly nowMs: number;
}): Promise<Backup> {
  const { to, folders, nowMs } = options;
  const databasePath = await databaseOf(folders);
  return makeBackup({ databasePath, to, clusterSetting: CLUSTER_ID, nowMs });
}

export interface RestoreClusterOptions {
  /** A folder of backups, or the description of one. */
  readonly from: string;
  readonly folders: readonly string[];
  /** Whether to go on with more drives away than parity replaces. */
  readonly acceptLoss: boolean;
  /** Milliseconds since 1970; undefined: as far as the members go. */
  readonly until: number | undefined;
  readonly now: () => number;
  readonly onProgress: (words: string) => void;
}

/** @throws StartError, BackupError in words; then nothing was changed. */
export async function restoreCluster(options: RestoreClusterOptions): Promise<RestoreReport> {
  const { from, folders, until, acceptLoss } = options;
  const cluster = await openOfflineCluster(folders);
  try {
    if (!acceptLoss) requireDrives(cluster);
    const backup = await findBackup(from, until);
    requireOwn(backup, cluster);
    const folder = join(cluster.home.path, METADATA_FOLDER);
    await makeFolder(folder);
    const draftPath = `${join(folder, DATABASE)}.restored`;
    try {
      return await restore(options, { cluster, backup, draftPath });
    } finally {
      for (const suffix of SUFFIXES) await rm(`${draftPath}${suffix}`, { force: true });
    }
  } finally {
    await cluster.close();
  }
}

interface RestoreParts {
  readonly cluster: OfflineCluster;
  readonly backup: Backup;
  readonly draftPath: string;
}

async function restore(
  { until, now, onProgress }: RestoreClusterOptions,
  { cluster, backup, draftPath }: RestoreParts,
): Promise<RestoreReport> {
  const { members, places, drives, home } = cluster;
  await copyFile(backup.path, draftPath);
  const plan = { path: draftPath, members, until, onProgress };
  const played = await playUntil(plan);
  requireReached(played, backup, until);
  // At the end of the chain the members go on with it; anywhere else a new one begins.
  const isSameChain = played.isEnd;
  if (!isSameChain) requireSameDrives(draftPath, cluster);
  const { clusterId, firstLayout } = cluster;
  const rest = {
    draftPath,
    drives,
    staying: firstLayout.drives,
    clusterId,
    nowMs: now(),
    onProgress,
  };
  const { gone, moved, placed } = isSameChain ? await keepDraft(rest) : await settleRestored(rest);
  const aside = await placeMetadata({
    draftPath,
    home,
    places,
    keepsJournals: isSameChain,
    nowMs: now(),
  });
  return {
    backup: backup.path,
    backupAt: new Date(backup.at).toISOString(),
    backupChange: backup.sequence,
    change: played.to.sequence,
    at: played.noted === undefined ? undefined : new Date(played.noted).toISOString(),
    isEnd: played.isEnd,
    gone,
    moved,
    placed,
    remarks: [...cluster.remarks, ...(played.refusal === undefined ? [] : [played.refusal])],
    aside,
  };
}

function requireOwn({ clusterId, path }: Backup, cluster: OfflineCluster): void {
  if (clusterId === cluster.clusterId) return;
  throw new StartError(
    `${path} is a backup of another cluster (${clusterId ?? "it does not say which"}, not ${cluster.clusterId}). Nothing was changed`,
  );
}

/** A time that cannot be reached is told, not guessed at; nor is anything given up that was not asked to be. */
function requireReached(played: Played, backup: Backup, until: number | undefined): void {
  const at = new Date(backup.at).toISOString();
  const remedy = `Nothing was changed: --at ${at} restores the backup itself`;
  if (until === backup.at) return;
  const { refusal, isBehind, isTimed, isEnd } = played;
  if (refusal !== undefined && (until !== undefined || isBehind)) {
    throw new BackupError(`${refusal}. ${remedy}${isBehind ? ", without what came after it" : ""}`);
  }
  if (until === undefined || isEnd || isTimed) return;
  throw new BackupError(
    `the drives' copies say of no change after the backup of ${at} when it was made: no time after it can be found. ${remedy}`,
  );
}

/** What is written next would lie on the drives of then, and be cut as it was then. */
function requireSameDrives(draftPath: string, { firstLayout }: OfflineCluster): void {
  const then = newestLayout(layoutsIn(draftPath));
  if (then === undefined) return;
  const remedy = "Nothing was changed: only a time after that can be restored";
  if (!hasSameDrives(then, firstLayout)) {
    throw new StartError(
      `drives have come or gone since that time, and the metadata of then names others. ${remedy}`,
    );
  }
  if (isSameCut(geometryOf(then), geometryOf(firstLayout))) return;
  throw new StartError(`new objects are cut otherwise since that time (drive reshape). ${remedy}`);
}

/** It is the newest that there is, of the chain that goes on. Durable when it resolves. */
async function keepDraft(plan: SettleOptions): Promise<SettledDraft> {
  const gone = await countGoneIn(plan);
  await syncFile(plan.draftPath);
  return { gone, moved: 0, placed: 0 };
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
