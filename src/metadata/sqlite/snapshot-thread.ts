// The thread that takes one snapshot and ends.

import { rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { Database } from "better-sqlite3";
import type { DriveId } from "../../core/ids.ts";
import type { SnapshotInfo } from "../../journal/journal-member.ts";
import { SNAPSHOT_ROOM_SHARE } from "../../journal/snapshot-files.ts";
import { openMember } from "../members/member-spec.ts";
import { openForReading } from "./open-database.ts";
import { copySnapshot, makeSnapshot } from "./snapshot-file.ts";
import type { FromSnapshotThread, KeptSnapshot, SnapshotJob } from "./take-snapshot.ts";
import { messageOf } from "./write-protocol.ts";

async function take(job: SnapshotJob): Promise<KeptSnapshot> {
  const file = `${job.databasePath}.snapshot`;
  const database = openForReading(job.databasePath);
  try {
    // What one that failed before may have left is no reason to refuse.
    await rm(file, { force: true });
    await requireRoom(database, job.databasePath);
    const info = await makeSnapshot(database, file);
    return { info, driveIds: await copyToSome(file, info, job) };
  } finally {
    database.close();
    await rm(file, { force: true });
  }
}

/** A snapshot that fills the disk would keep changes, which need little, from being made. */
async function requireRoom(database: Database, path: string): Promise<void> {
  const countOf = (pragma: string): number => Number(database.pragma(pragma, { simple: true }));
  // Empty pages do not come along.
  const pages = countOf("page_count") - countOf("freelist_count");
  const pageBytes = countOf("page_size");
  const { bavail, bsize } = await statfs(dirname(path));
  if (pages * pageBytes <= bavail * bsize * SNAPSHOT_ROOM_SHARE) return;
  throw new Error(`${dirname(path)} has no room for one`);
}

/** One after the other, so that no more than one drive is busy with it. */
async function copyToSome(
  file: string,
  info: SnapshotInfo,
  job: SnapshotJob,
): Promise<readonly DriveId[]> {
  const { members, authority, copies, bytesPerSecond } = job;
  const problems: string[] = [];
  const driveIds: DriveId[] = [];
  for (const spec of members) {
    if (driveIds.length === copies) return driveIds;
    const member = await openMember(spec);
    try {
      await copySnapshot(file, info, { member, authority, bytesPerSecond });
      driveIds.push(member.driveId);
    } catch (error) {
      problems.push(`${member.label}: ${messageOf(error)}`);
    } finally {
      await member.close();
    }
  }
  if (driveIds.length === copies) return driveIds;
  throw new Error(`${driveIds.length} of ${copies} members took it. ${problems.join("; ")}`);
}

async function run(port: MessagePort): Promise<void> {
  const send = (message: FromSnapshotThread): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    port.postMessage(message);
  };
  try {
    send({ kind: "kept", ...(await take(workerData as SnapshotJob)) });
  } catch (error) {
    send({ kind: "failed", message: messageOf(error) });
  }
  port.close();
}

if (parentPort !== null) await run(parentPort);
