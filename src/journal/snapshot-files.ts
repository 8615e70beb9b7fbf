// Snapshots on a member's drive: `<sequence>.snapshot`, and beside it, written last, `<sequence>.snapshot.json` with what
// it should be. A snapshot without that second file is what an interrupted write left.

import { createHash } from "node:crypto";
import { TEMPORARY_SUFFIX } from "../disk/disk-path.ts";
import { DiskError, type AppendFile, type Disk } from "../disk/disk.ts";
import { crashPoint } from "../util/crash-point.ts";
import {
  ContentError,
  countOf,
  digestOf,
  parseChecked,
  positionIn,
  renderChecked,
  type Content,
} from "./checked-json.ts";
import { JournalError, type SnapshotInfo } from "./journal-member.ts";
import { isSamePosition } from "./journal-record.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import { hex } from "./segment-header.ts";

/** A sync of more at a time could pass the deadline of a call. */
const SYNC_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** What a snapshot may take of what is free: records, without which nothing can be changed, come before it. */
export const SNAPSHOT_ROOM_SHARE = 0.5;

const INFO_NAME = /^([0-9a-f]{16})\.snapshot\.json$/;

export interface FoundSnapshots {
  /** Whole ones, the newest first. */
  readonly snapshots: readonly SnapshotInfo[];
  readonly remarks: readonly string[];
}

/** Its description first: without that, the rest is nothing. */
export function snapshotFileNames({ sequence }: SnapshotInfo): readonly string[] {
  const name = `${hex(sequence, 16)}.snapshot`;
  return [`${name}.json`, name];
}

function snapshotPath(sequence: number): string {
  return `${JOURNAL_FOLDER}/${hex(sequence, 16)}.snapshot`;
}

function snapshotInfoPath(sequence: number): string {
  return `${snapshotPath(sequence)}.json`;
}

/**
 * Which snapshots are there with all their bytes; whether those are the right ones is seen on reading.
 * @throws JournalError Corrupt when a newer program wrote one. @throws DiskError
 */
export async function findSnapshots(disk: Disk, names: readonly string[]): Promise<FoundSnapshots> {
  const snapshots: SnapshotInfo[] = [];
  const remarks: string[] = [];
  for (const name of names.toSorted().toReversed()) {
    const digits = INFO_NAME.exec(name)?.[1];
    if (digits === undefined) continue;
    try {
      const info = await readInfo(disk, name);
      if (hex(info.sequence, 16) !== digits) throw new ContentError("it is that of another");
      await checkSize(disk, info);
      snapshots.push(info);
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      remarks.push(`the snapshot that ${name} describes is not usable: ${error.message}`);
    }
  }
  return { snapshots, remarks };
}

/**
 * Stores a snapshot under its name, without its description yet.
 * @throws JournalError Full; Corrupt when the bytes are not those of `info`. @throws DiskError
 */
export async function storeSnapshot(
  disk: Disk,
  info: SnapshotInfo,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const path = snapshotPath(info.sequence);
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  await disk.unlink(temporary);
  const { freeBytes } = await disk.space();
  if (info.sizeBytes > freeBytes * SNAPSHOT_ROOM_SHARE) {
    throw new JournalError("Full", `${disk.root}: there is no room for snapshot ${info.sequence}`);
  }
  const file = await disk.create(temporary);
  try {
    await fill(file, info, bytes);
    await file.close();
    crashPoint("journal.snapshot-written");
    // While its bytes change, an earlier one of that number must not seem whole.
    await disk.unlink(snapshotInfoPath(info.sequence));
    await disk.syncDirectory(JOURNAL_FOLDER);
    await disk.rename(temporary, path);
    await disk.syncDirectory(JOURNAL_FOLDER);
  } catch (error) {
    await file.close();
    await disk.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Says that a stored snapshot is whole; durable when it resolves. */
export async function describeSnapshot(disk: Disk, info: SnapshotInfo): Promise<void> {
  const { sequence, epoch, digest, sizeBytes, fileDigest } = info;
  const content = { sequence, epoch, digest, sizeBytes, fileDigest };
  await disk.writeFile(snapshotInfoPath(sequence), renderChecked(content));
}

/** @throws JournalError Corrupt at the end when the bytes were not what was written. @throws DiskError */
export async function* readSnapshotFile(
  disk: Disk,
  info: SnapshotInfo,
): AsyncGenerator<Uint8Array, void, undefined> {
  const path = snapshotPath(info.sequence);
  const file = await disk.open(path);
  try {
    const digest = createHash("sha256");
    let offset = 0;
    while (offset < info.sizeBytes) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, info.sizeBytes - offset));
      const count = await file.read(chunk, offset);
      if (count === 0) break;
      offset += count;
      digest.update(chunk.subarray(0, count));
      yield chunk.subarray(0, count);
    }
    if (file.sizeBytes === info.sizeBytes && digest.digest("hex") === info.fileDigest) return;
    throw new JournalError("Corrupt", `${disk.root}/${path} is not what was written`);
  } finally {
    await file.close();
  }
}

export function isSameSnapshot(one: SnapshotInfo, two: SnapshotInfo): boolean {
  return (
    isSamePosition(one, two) && one.sizeBytes === two.sizeBytes && one.fileDigest === two.fileDigest
  );
}

async function fill(
  file: AppendFile,
  info: SnapshotInfo,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const digest = createHash("sha256");
  let sizeBytes = 0;
  let unsyncedBytes = 0;
  for await (const chunk of bytes) {
    sizeBytes += chunk.length;
    if (sizeBytes > info.sizeBytes) break;
    digest.update(chunk);
    await file.append([chunk]);
    unsyncedBytes += chunk.length;
    if (unsyncedBytes < SYNC_BYTES) continue;
    await file.sync();
    unsyncedBytes = 0;
  }
  if (sizeBytes !== info.sizeBytes || digest.digest("hex") !== info.fileDigest) {
    throw new JournalError("Corrupt", `the bytes of snapshot ${info.sequence} are not its own`);
  }
  await file.sync();
}

async function readInfo(disk: Disk, name: string): Promise<SnapshotInfo> {
  const path = `${JOURNAL_FOLDER}/${name}`;
  const content: Content = parseChecked(await disk.readFile(path), `${disk.root}/${path}`);
  return {
    ...positionIn(content),
    sizeBytes: countOf(content, "sizeBytes"),
    fileDigest: digestOf(content, "fileDigest"),
  };
}

/** @throws ContentError when its file is absent or of another size. */
async function checkSize(disk: Disk, info: SnapshotInfo): Promise<void> {
  try {
    const file = await disk.open(snapshotPath(info.sequence));
    await file.close();
    if (file.sizeBytes !== info.sizeBytes) throw new ContentError("its file is of another size");
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") {
      throw new ContentError("its file is absent");
    }
    throw error;
  }
}
