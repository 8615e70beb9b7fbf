// Brings a database to the end of the members' chain: plays what it lacks. One that is not on the chain, or cannot be
// read, is set aside under another name, and made anew from the newest snapshot, or from nothing where the chain reaches
// back to the beginning.

import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import Database from "better-sqlite3";
import type { ChainPosition, SnapshotInfo } from "../../journal/journal-member.ts";
import { parseRecord } from "../../journal/journal-record.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { isSame, type ChainSource } from "../members/bring-up.ts";
import type { SurveyedMember } from "../members/survey.ts";
import { hasContents, readPosition } from "./chain-state.ts";
import { ForeignDatabaseError, openBesideMembers } from "./open-database.ts";
import { ChainReplay } from "./replay.ts";

/** Bytes of records that are played in one transaction. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Files that belong to a database of that name. */
const SUFFIXES = ["", "-wal", "-shm"] as const;
const PROGRESS_EVERY_MS = 2_000;

export interface RestoreOptions {
  readonly path: string;
  /** Whose chain is followed. */
  readonly best: SurveyedMember;
  /** All that may hold a snapshot. */
  readonly members: readonly SurveyedMember[];
  /** Called with a sentence, now and then. */
  readonly onProgress: (words: string) => void;
}

export interface RestoredDatabase {
  readonly database: Database.Database;
  /** What was set aside and why, in sentences. */
  readonly remarks: readonly string[];
  /** Whether the file is another one than before: readers must open it anew. */
  readonly isReplaced: boolean;
}

/** @throws when the chain cannot be followed to its end. */
export async function restoreDatabase(options: RestoreOptions): Promise<RestoredDatabase> {
  const { path, best } = options;
  const source = { member: best.member, base: best.state.base };
  const standing = tryOpen(path);
  let problem = standing.problem;
  if (standing.database !== undefined) {
    problem = await playOnStanding(standing.database, source, options);
    if (problem === undefined) {
      return { database: standing.database, remarks: [], isReplaced: false };
    }
    standing.database.close();
  }
  const remarks: string[] = [];
  if (await setAside(path)) {
    remarks.push(`${path} was set aside (${problem}) and made anew from the copies on the members`);
  }
  await restoreSnapshot(options);
  crashPoint("recovery.snapshot-restored");
  const database = openBesideMembers(path);
  await playOn(database, source, options);
  return { database, remarks, isReplaced: true };
}

/** Why the database that stands there cannot go on; undefined when it has been brought to the end of the chain. */
async function playOnStanding(
  database: Database.Database,
  source: ChainSource,
  options: RestoreOptions,
): Promise<string | undefined> {
  try {
    if (!(await isOnChain(database, source, options.best))) {
      return "it does not agree with the copies on the members";
    }
    await playOn(database, source, options);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tryOpen(path: string): {
  readonly database?: Database.Database;
  readonly problem?: string;
} {
  try {
    const database = openBesideMembers(path);
    try {
      readPosition(database);
      return { database };
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    // A newer version's file, or another program's, is nothing to be replaced.
    if (error instanceof ForeignDatabaseError) throw error;
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function isOnChain(
  database: Database.Database,
  { member, base }: ChainSource,
  { state }: SurveyedMember,
): Promise<boolean> {
  const position = readPosition(database);
  // One from before there were members has no place in any chain.
  if (position.sequence === 0 && hasContents(database)) return false;
  if (position.sequence === state.head.sequence) return isSame(position, state.head);
  if (position.sequence < base.sequence || position.sequence > state.head.sequence) return false;
  if (position.sequence === base.sequence) return isSame(position, base);
  const [next] = await member.read(position.sequence + 1, 1);
  return next !== undefined && parseRecord(next).previousDigest === position.digest;
}

async function playOn(
  database: Database.Database,
  { member }: ChainSource,
  { best, onProgress }: RestoreOptions,
): Promise<void> {
  const replay = new ChainReplay(database);
  const target = best.state.head.sequence;
  let saidAt = performance.now();
  while (replay.position.sequence < target) {
    const records = await member.read(replay.position.sequence + 1, CHUNK_BYTES);
    if (records.length === 0) throw new Error(`${member.label} ends before record ${target}`);
    replay.play(records.slice(0, target - replay.position.sequence));
    crashPoint("recovery.played");
    if (performance.now() - saidAt < PROGRESS_EVERY_MS) continue;
    saidAt = performance.now();
    onProgress(
      `the metadata is brought up to date: change ${replay.position.sequence} of ${target}`,
    );
  }
}

/** Kept for whoever wants to look. False when there was nothing. */
export async function setAside(path: string): Promise<boolean> {
  const name = `${path}.aside-${Date.now()}`;
  let wasThere = false;
  for (const suffix of SUFFIXES) {
    try {
      await rename(`${path}${suffix}`, `${name}${suffix}`);
      wasThere = true;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return wasThere;
}

/** Puts the newest snapshot that the chain goes on from in place; nothing where the chain begins at the beginning. */
async function restoreSnapshot({ path, best, members, onProgress }: RestoreOptions): Promise<void> {
  const { base, head } = best.state;
  const candidates = members
    .flatMap(({ member, state }) =>
      state.snapshot === undefined ? [] : { member, info: state.snapshot },
    )
    .filter(({ info }) => info.sequence >= base.sequence && info.sequence <= head.sequence)
    .toSorted((a, b) => b.info.sequence - a.info.sequence);
  const problems: string[] = [];
  for (const { member, info } of candidates) {
    try {
      onProgress(`the metadata is restored from the snapshot on ${member.label}`);
      await writeFileFrom(member.readSnapshot(info), `${path}.restoring`);
      checkSnapshot(`${path}.restoring`, info);
      await rename(`${path}.restoring`, path);
      await syncFolder(dirname(path));
      return;
    } catch (error) {
      problems.push(`${member.label}: ${String(error)}`);
    }
  }
  if (base.sequence === 0) return;
  throw new Error(
    `the copies of the metadata begin at change ${base.sequence}, and no snapshot of what was before can be read. ${problems.join("; ")}`,
  );
}

async function writeFileFrom(bytes: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  await rm(path, { force: true });
  await pipeline(Readable.from(bytes), createWriteStream(path, { flush: true, mode: 0o600 }));
}

/** @throws when the file is not what its description says. */
function checkSnapshot(path: string, info: SnapshotInfo): void {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const position: ChainPosition = readPosition(database);
    if (!isSame(position, info))
      throw new Error(`it holds change ${position.sequence}, not ${info.sequence}`);
  } finally {
    database.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
