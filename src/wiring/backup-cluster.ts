// `kintsugi backup` and `kintsugi restore`: the metadata of a server as files elsewhere, and back. A backup is made while the
// server runs; a restore when it is stopped.

import { existsSync } from "node:fs";
import { copyFile, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { BackupError } from "../backup/backup-error.ts";
import { findBackup, makeBackup, type Backup } from "../backup/backup-files.ts";
import type { RestoreReport } from "../cli/backup-report.ts";
import type { SetId } from "../core/ids.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import {
  DraftDatabase,
  namedSetsIn,
  newestLayoutIn,
} from "../metadata/sqlite/rebuild/draft-database.ts";
import { playUntil, type Played } from "../metadata/sqlite/rebuild/play-until.ts";
import { findMoved } from "../rebuild/find-moved.ts";
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
const FOLDER_COUNT = 256;
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
    const path = join(folder, DATABASE);
    const draftPath = `${path}.restored`;
    try {
      return await restore(options, { cluster, backup, path, draftPath });
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
  readonly path: string;
  readonly draftPath: string;
}

async function restore(
  { until, now, onProgress }: RestoreClusterOptions,
  { cluster, backup, path, draftPath }: RestoreParts,
): Promise<RestoreReport> {
  const { members, places, drives, home } = cluster;
  await copyFile(backup.path, draftPath);
  const plan = { path: draftPath, members, until, onProgress };
  const played = await playUntil(plan);
  requireReached(played, backup, until);
  // At the end of the chain the members go on with it; anywhere else a new one begins.
  const isSameChain = played.isEnd;
  if (!isSameChain) requireSameLayout(draftPath, { cluster, path });
  const rest = { draftPath, drives, clusterId: cluster.clusterId, nowMs: now(), onProgress };
  const { gone, moved } = await finishDraft(rest, isSameChain);
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

/** Since drives have come or gone shards lie elsewhere, and the old copies are collected: what was named then is not found. */
function requireSameLayout(
  draftPath: string,
  { cluster, path }: Pick<RestoreParts, "cluster" | "path">,
): void {
  const then = newestLayoutIn(draftPath);
  if (then === undefined) return;
  const stays = new Set(cluster.firstLayout.drives);
  const now = newestLayoutNow(path);
  const isSame = then.drives.length === stays.size && then.drives.every((id) => stays.has(id));
  if (isSame && (now === undefined || now.version === then.version)) return;
  throw new StartError(
    "drives have come or gone since that time: shards lie elsewhere now than the metadata of then says. Nothing was changed: " +
      "only a time after that can be restored",
  );
}

/** Of the database that is replaced; undefined where there is none, or it cannot be read. */
function newestLayoutNow(path: string): LayoutRecord | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return newestLayoutIn(path);
  } catch {
    return undefined;
  }
}

interface FinishPlan {
  readonly draftPath: string;
  readonly drives: OfflineCluster["drives"];
  readonly clusterId: string;
  readonly nowMs: number;
  readonly onProgress: (words: string) => void;
}

/**
 * Durable when it resolves. `gone`: sets that the metadata names and no drive has anything of: deleted since, and collected.
 * `moved`: objects and parts that compaction has moved since.
 */
async function finishDraft(
  plan: FinishPlan,
  isSameChain: boolean,
): Promise<{ readonly gone: number; readonly moved: number }> {
  const { draftPath, drives } = plan;
  const stage = new ClaimStage(`${draftPath}.claims`);
  try {
    for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
      const lists = await Promise.all(drives.map((drive) => drive.list(folder)));
      for (const { setId } of lists.flat()) stage.addSeen(setId);
    }
    const gone = countGone(namedSetsIn(draftPath), stage);
    if (isSameChain) {
      await syncFile(draftPath);
      return { gone, moved: 0 };
    }
    const draft = new DraftDatabase(draftPath);
    try {
      const moved = gone === 0 ? 0 : await findMoved({ ...plan, draft, stage });
      const left = countGone(draft.namedSets(), stage);
      await draft.finish();
      return { gone: left, moved };
    } catch (error) {
      draft.close();
      throw error;
    }
  } finally {
    stage.close();
  }
}

function countGone(named: Iterable<SetId>, stage: ClaimStage): number {
  let gone = 0;
  for (const setId of named) if (!stage.hasSeen(setId)) gone += 1;
  return gone;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
