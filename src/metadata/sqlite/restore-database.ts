// Brings a database to the end of the members' chain: plays what it lacks. One that is not on the chain, or cannot be
// read, is set aside under another name, and made anew from the newest snapshot, or from nothing where the chain reaches
// back to the beginning.

import { createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import Database from "better-sqlite3";
import {
  JournalError,
  type ChainPosition,
  type SnapshotInfo,
} from "../../journal/journal-member.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { isSame, type ChainSource } from "../members/chain-source.ts";
import { MembersError, type SurveyedMember } from "../members/survey.ts";
import { hasContents, readPosition } from "./chain-state.ts";
import { ForeignDatabaseError, openBesideMembers } from "./open-database.ts";
import { ChainReplay } from "./replay.ts";
import { syncFolder } from "./sync-folder.ts";

/** Bytes of records that are played in one transaction. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Files that belong to a database of that name. */
const SUFFIXES = ["", "-wal", "-shm"] as const;
const PROGRESS_EVERY_MS = 2_000;

export interface RestoreOptions {
  readonly path: string;
  /** Where the chain is read. */
  readonly source: ChainSource;
  /** Up to where: a place on that chain. */
  readonly target: ChainPosition;
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

/** @throws MembersError in words when the chain cannot be followed to its end: then everything is as it was. */
export async function restoreDatabase(options: RestoreOptions): Promise<RestoredDatabase> {
  const { path } = options;
  const standing = await tryStanding(options);
  if (standing.database !== undefined) {
    return { database: standing.database, remarks: [], isReplaced: false };
  }
  const made = `${path}.restoring`;
  for (const suffix of SUFFIXES) await rm(`${made}${suffix}`, { force: true });
  try {
    await makeAnew(made, options);
  } catch (error) {
    throw refusalOf(standing.refusal ?? error);
  }
  const remarks: string[] = [];
  if (await setAside(path)) {
    const why = standing.problem ?? "it is empty";
    remarks.push(`${path} was set aside (${why}) and made anew from the copies on the members`);
  }
  await rename(made, path);
  await syncFolder(dirname(path));
  return { database: openBesideMembers(path), remarks, isReplaced: true };
}

interface Standing {
  /** Brought to the end of the chain. */
  readonly database?: Database.Database;
  /** Why there is none. */
  readonly problem?: string;
  /** The members could not give what it lacks; with a snapshot less may be lacking. */
  readonly refusal?: JournalError;
}

async function tryStanding(options: RestoreOptions): Promise<Standing> {
  const { path, source, members } = options;
  const isNew = !existsSync(path);
  const hasSnapshot = members.some(({ state }) => state.snapshot !== undefined);
  // Without a snapshot a new file is played on like any other.
  if (isNew && (hasSnapshot || source.base.sequence > 0)) return {};
  const { database, problem = "" } = tryOpen(path);
  if (database === undefined) return { problem };
  try {
    if (await isOnChain(database, options)) {
      await playOn(database, options);
      return { database };
    }
    database.close();
    return { problem: "it does not agree with the copies on the members" };
  } catch (error) {
    database.close();
    if (error instanceof ForeignDatabaseError) throw error;
    if (error instanceof JournalError) return { refusal: error, problem: error.message };
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** A file that holds everything up to the target, durable. */
async function makeAnew(made: string, options: RestoreOptions): Promise<void> {
  await restoreSnapshot(made, options);
  crashPoint("recovery.snapshot-restored");
  const database = openBesideMembers(made);
  try {
    await playOn(database, options);
    // Closing brings it all into the one file.
    database.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof JournalError)) return error;
  const words =
    `${error.message}. What is there cannot be followed to its end: give back the drives that are missing, or take ` +
    "away those whose copies are damaged, and start again";
  return new MembersError(words, { cause: error });
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
  { source, target }: RestoreOptions,
): Promise<boolean> {
  const position = readPosition(database);
  // One from before there were members has no place in any chain.
  if (position.sequence === 0 && hasContents(database)) return false;
  if (position.sequence === target.sequence) return isSame(position, target);
  if (position.sequence < source.base.sequence || position.sequence > target.sequence) return false;
  return (await source.digestAt(position.sequence)) === position.digest;
}

async function playOn(
  database: Database.Database,
  { source, target: { sequence: target }, onProgress }: RestoreOptions,
): Promise<void> {
  const replay = new ChainReplay(database);
  let saidAt = performance.now();
  while (replay.position.sequence < target) {
    const records = await source.read(replay.position.sequence + 1, CHUNK_BYTES);
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
async function restoreSnapshot(made: string, options: RestoreOptions): Promise<void> {
  const { source, target, members, onProgress } = options;
  const { base } = source;
  const candidates = members
    .flatMap(({ member, state }) =>
      state.snapshot === undefined ? [] : { member, info: state.snapshot },
    )
    .filter(({ info }) => info.sequence >= base.sequence && info.sequence <= target.sequence)
    .toSorted((a, b) => b.info.sequence - a.info.sequence);
  const problems: string[] = [];
  for (const { member, info } of candidates) {
    try {
      onProgress(`the metadata is restored from the snapshot on ${member.label}`);
      if ((await source.digestAt(info.sequence)) !== info.digest)
        throw new Error("it is not on the chain");
      await writeFileFrom(member.readSnapshot(info), made);
      checkSnapshot(made, info);
      return;
    } catch (error) {
      await rm(made, { force: true });
      problems.push(`${member.label}: ${String(error)}`);
    }
  }
  if (base.sequence === 0) return;
  throw new MembersError(
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
