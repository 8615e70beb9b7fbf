// A snapshot is a SQLite file that holds all changes up to a place in the chain: made by VACUUM INTO, which needs no
// stop of writing, described by its place and its digest, and copied to members.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Authority, JournalMember, SnapshotInfo } from "../../journal/journal-member.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { readPosition } from "./chain-state.ts";

const READ_BYTES = 1024 * 1024;

/** Writes the snapshot to `file`, which must not be there, and describes it. Blocks its thread while SQLite works. */
export async function makeSnapshot(
  database: Database.Database,
  file: string,
): Promise<SnapshotInfo> {
  await rm(file, { force: true });
  database.prepare("vacuum into ?").run(file);
  crashPoint("snapshot.made");
  return describeSnapshot(file);
}

async function describeSnapshot(file: string): Promise<SnapshotInfo> {
  const snapshot = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const position = readPosition(snapshot);
    const digest = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
      const bytes = chunk as Buffer;
      digest.update(bytes);
      sizeBytes += bytes.length;
    }
    return { ...position, sizeBytes, fileDigest: digest.digest("hex") };
  } finally {
    snapshot.close();
  }
}

export interface SnapshotTarget {
  readonly member: JournalMember;
  readonly authority: Authority;
  /** Undefined: as fast as it goes. */
  readonly bytesPerSecond?: number | undefined;
}

/** Durable on the member when it resolves. */
export async function copySnapshot(
  file: string,
  info: SnapshotInfo,
  { member, authority, bytesPerSecond }: SnapshotTarget,
): Promise<void> {
  await member.writeSnapshot(authority, info, throttled(file, bytesPerSecond));
  crashPoint("snapshot.copied");
}

async function* throttled(file: string, bytesPerSecond: number | undefined): AsyncIterable<Buffer> {
  const startedAt = performance.now();
  let sentBytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
    const bytes = chunk as Buffer;
    yield bytes;
    sentBytes += bytes.length;
    if (bytesPerSecond === undefined) continue;
    const dueMs = (sentBytes / bytesPerSecond) * 1000 - (performance.now() - startedAt);
    if (dueMs > 1) await sleep(dueMs);
  }
}
