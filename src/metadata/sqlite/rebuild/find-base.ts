// What rebuilding begins with: the newest state of the metadata that can be made of what is left of the members, of their
// snapshots, or of the database itself. Members are only read. Where a chain has a hole, what lies before it counts.

import { createWriteStream, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import Database from "better-sqlite3";
import {
  JournalError,
  type ChainPosition,
  type JournalMember,
} from "../../../journal/journal-member.ts";
import { parseRecord } from "../../../journal/journal-record.ts";
import { sourceOf } from "../../members/bring-up.ts";
import { positionOf, type ChainSource } from "../../members/chain-source.ts";
import { parseRoster, readQuorum, rostersInForce } from "../../members/roster.ts";
import { MembersError, type SurveyedMember } from "../../members/survey.ts";
import { readPosition } from "../chain-state.ts";
import { ForeignDatabaseError, openAlone } from "../open-database.ts";
import { restoreDatabase } from "../restore-database.ts";

export interface FindBaseOptions {
  /** Where it is made; what stands there is removed. */
  readonly path: string;
  /** Of databases that are there, the one that knows the most first. */
  readonly standingPaths: readonly string[];
  readonly members: readonly JournalMember[];
  readonly onProgress: (words: string) => void;
}

export interface FoundBase {
  readonly source: "database" | "members" | "none" | "snapshot";
  /** The last change in it; undefined where there is none. */
  readonly position: ChainPosition | undefined;
  /** Whether the members know all that was acknowledged: a start would go on with them. */
  readonly isWhole: boolean;
  /** What could not be read, in sentences. */
  readonly remarks: readonly string[];
}

/** Bytes of records that are looked through at a time. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const SUFFIXES = ["", "-wal", "-shm"] as const;

/** @throws ForeignDatabaseError where something was written by a newer version. */
export async function findBase(options: FindBaseOptions): Promise<FoundBase> {
  const remarks: string[] = [];
  const surveyed = await inspectAll(options.members, remarks);
  const begun = surveyed.filter(({ state }) => !state.isBlank);
  const fromMembers =
    (await fromChains(options, begun, remarks)) ?? (await fromSnapshots(options, begun, remarks));
  const standing = findStanding(options.standingPaths, remarks);
  const isNewer =
    standing !== undefined &&
    (fromMembers === undefined || standing.position.sequence > fromMembers.position.sequence);
  if (isNewer) {
    await removeDraft(options.path);
    copyDatabase(standing.path, options.path);
    return { source: "database", position: standing.position, isWhole: false, remarks };
  }
  if (fromMembers === undefined) {
    await removeDraft(options.path);
    return { source: "none", position: undefined, isWhole: false, remarks };
  }
  return { ...fromMembers, remarks };
}

async function inspectAll(
  members: readonly JournalMember[],
  remarks: string[],
): Promise<readonly SurveyedMember[]> {
  const surveyed: SurveyedMember[] = [];
  for (const member of members) {
    try {
      const state = await member.inspect();
      surveyed.push({ member, state });
      remarks.push(...state.remarks.map((remark) => `${member.label}: ${remark}`));
    } catch (error) {
      remarks.push(
        `${member.label} does not answer for its copy of the metadata: ${String(error)}`,
      );
    }
  }
  return surveyed;
}

type BaseOfMembers = Pick<FoundBase, "isWhole" | "source"> & { readonly position: ChainPosition };

/** The longest chain that can be followed; else the longest beginning of one. */
async function fromChains(
  options: FindBaseOptions,
  members: readonly SurveyedMember[],
  remarks: string[],
): Promise<BaseOfMembers | undefined> {
  const candidates = members.toSorted(
    (a, b) =>
      b.state.head.epoch - a.state.head.epoch || b.state.head.sequence - a.state.head.sequence,
  );
  const isWhole = canKnowAll(candidates);
  for (const [rank, best] of candidates.entries()) {
    const source = await sourceOf(best, members);
    const { head } = best.state;
    if (await tryRestore(options, { source, members, target: head }, remarks)) {
      return { source: "members", position: head, isWhole: isWhole && rank === 0 };
    }
    const target = await readableEnd(source);
    if (target === undefined || target.sequence >= head.sequence) continue;
    if (await tryRestore(options, { source, members, target }, remarks)) {
      return { source: "members", position: target, isWhole: false };
    }
  }
  return undefined;
}

interface RestorePlan {
  readonly source: ChainSource;
  readonly members: readonly SurveyedMember[];
  readonly target: ChainPosition;
}

async function tryRestore(
  { path, onProgress }: FindBaseOptions,
  plan: RestorePlan,
  remarks: string[],
): Promise<boolean> {
  await removeDraft(path);
  try {
    const { database } = await restoreDatabase({ path, onProgress, ...plan });
    database.close();
    return true;
  } catch (error) {
    if (error instanceof ForeignDatabaseError) throw error;
    if (!(error instanceof MembersError || error instanceof JournalError)) throw error;
    remarks.push(error.message);
    return false;
  }
}

/** The last place up to which a chain can be read from where it begins. */
async function readableEnd(source: ChainSource): Promise<ChainPosition | undefined> {
  let end: ChainPosition | undefined;
  for (let next = source.base.sequence + 1; ; next = (end?.sequence ?? next) + 1) {
    try {
      const records = await source.read(next, CHUNK_BYTES);
      const last = records.at(-1);
      if (last === undefined) return end;
      end = positionOf(parseRecord(last));
    } catch (error) {
      if (error instanceof JournalError) return end;
      throw error;
    }
  }
}

async function fromSnapshots(
  { path }: FindBaseOptions,
  members: readonly SurveyedMember[],
  remarks: string[],
): Promise<BaseOfMembers | undefined> {
  const found = members
    .flatMap(({ member, state: { snapshot } }) =>
      snapshot === undefined ? [] : [{ member, snapshot }],
    )
    .toSorted((a, b) => b.snapshot.sequence - a.snapshot.sequence);
  for (const { member, snapshot } of found) {
    await removeDraft(path);
    try {
      await pipeline(
        Readable.from(member.readSnapshot(snapshot)),
        createWriteStream(path, { flush: true, mode: 0o600 }),
      );
      return { source: "snapshot", position: snapshot, isWhole: false };
    } catch (error) {
      remarks.push(`the snapshot on ${member.label} cannot be read: ${String(error)}`);
    }
  }
  await removeDraft(path);
  return undefined;
}

/** Whether so many copies are there that nothing can have been acknowledged that none of them has. */
function canKnowAll(members: readonly SurveyedMember[]): boolean {
  const payload = members[0]?.state.roster;
  if (payload === undefined) return false;
  return rostersInForce(parseRoster(payload)).every((roster) => {
    const voters = members.filter(
      ({ member, state }) => !state.isIncomplete && roster.members.includes(member.driveId),
    );
    return voters.length >= readQuorum(roster);
  });
}

/** The first that can be read whole. */
function findStanding(
  paths: readonly string[],
  remarks: string[],
): { readonly path: string; readonly position: ChainPosition } | undefined {
  for (const path of paths) {
    const position = tryStanding(path, remarks);
    if (position !== undefined) return { path, position };
  }
  return undefined;
}

/** Where a database stands; undefined where there is none that can be read whole. */
function tryStanding(path: string, remarks: string[]): ChainPosition | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const database = openAlone(path);
    try {
      const position = readPosition(database);
      const problem = database.pragma("quick_check(1)", { simple: true });
      if (problem === "ok") return position;
      throw new Error(String(problem));
    } finally {
      database.close();
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    remarks.push(`${path} cannot be read: ${words}`);
    return undefined;
  }
}

function copyDatabase(from: string, to: string): void {
  const database = new Database(from, { readonly: true, fileMustExist: true });
  try {
    database.prepare("vacuum into ?").run(to);
  } finally {
    database.close();
  }
}

async function removeDraft(path: string): Promise<void> {
  for (const suffix of SUFFIXES) await rm(`${path}${suffix}`, { force: true });
}
