// Opens the metadata whose changes are kept on members: asks them, brings the database to the end of their chain, brings
// them to the same end, and begins a new epoch there. Nothing is served before the first record of that epoch is held by
// a quorum of the members of before and of those from now on.

import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Database } from "better-sqlite3";
import type { DriveId } from "../../core/ids.ts";
import {
  CHAIN_START,
  type ChainPosition,
  type JournalMember,
} from "../../journal/journal-member.ts";
import { encodeRecord, RECORD_KIND } from "../../journal/journal-record.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { bringUp, sourceOf } from "../members/bring-up.ts";
import { isSame } from "../members/chain-source.ts";
import { isFenced, MemberGroup, QuorumLostError } from "../members/member-group.ts";
import type { HeldChain } from "../members/member-lane.ts";
import {
  isSameRoster,
  nextRoster,
  renderRoster,
  rostersInForce,
  writeQuorum,
  type Opening,
  type Roster,
} from "../members/roster.ts";
import {
  MembersError,
  surveyMembers,
  wordsOf,
  type Survey,
  type SurveyedMember,
} from "../members/survey.ts";
import type { JournalReport } from "../metadata-store.ts";
import { addStatements, hasContents, positionWriter, readPosition } from "./chain-state.ts";
import { GroupWriter } from "./group-writer.ts";
import { ForeignDatabaseError, migrate, openBesideMembers } from "./open-database.ts";
import { refuseForeign } from "./refuse-foreign.ts";
import { restoreDatabase, type RestoredDatabase } from "./restore-database.ts";
import { MIGRATIONS } from "./schema.ts";
import { copySnapshot, makeSnapshot } from "./snapshot-file.ts";

export interface OpenWithMembersOptions {
  /** Of metadata.db; made from the members where it is absent. */
  readonly path: string;
  /** Those that are there, in the order of their drives. */
  readonly members: readonly JournalMember[];
  /** All drives of the cluster, in the order of their slots. */
  readonly drives: readonly DriveId[];
  /** How many drives may be lost: m. */
  readonly toleratedCount: number;
  readonly owner: string;
  /** The last epoch that this process had; undefined when it starts. */
  readonly lastEpoch?: number | undefined;
  /** Undefined: the one that the members belong to, or a new one. */
  readonly clusterId: string | undefined;
  readonly acceptLoss: boolean;
  readonly onProgress: (words: string) => void;
  readonly onReport: (report: JournalReport) => void;
  readonly retryMs?: number | undefined;
}

export interface OpenedWithMembers {
  readonly writer: GroupWriter;
  readonly group: MemberGroup;
  readonly clusterId: string;
  /** Whether the database file is another one than before. */
  readonly isReplaced: boolean;
  readonly remarks: readonly string[];
}

/**
 * @throws MembersError in words when it must not be opened; QuorumLostError when it can be read, and too few members take
 * changes: `metadata.db` is up to date then.
 */
export async function openWithMembers(options: OpenWithMembersOptions): Promise<OpenedWithMembers> {
  refuseForeign(options.path);
  const survey = await surveyMembers(options);
  const clusterId = survey.clusterId ?? options.clusterId ?? newClusterId();
  const present = new Set(survey.members.map(({ member }) => member.driveId));
  const roster = nextRoster(survey.roster, options.drives, present, options.toleratedCount);
  const plan = { survey, clusterId, roster };
  const hasChain = survey.best !== undefined && survey.roster !== undefined;
  const begun = hasChain ? await goOn(options, plan, survey.best) : await begin(options, plan);
  try {
    return await openEpoch(options, plan, begun);
  } catch (error) {
    begun.database.close();
    throw error;
  }
}

interface Plan {
  readonly survey: Survey;
  readonly clusterId: string;
  /** Who the members are from now on. */
  readonly roster: Roster;
}

interface UpToDateMember {
  readonly member: JournalMember;
  readonly held: HeldChain;
}

interface Begun extends RestoredDatabase {
  /** Members that hold the chain up to `position`. */
  readonly upToDate: readonly UpToDateMember[];
  readonly position: ChainPosition;
}

/** Follows the longest chain. */
async function goOn(
  options: OpenWithMembersOptions,
  { survey, clusterId, roster }: Plan,
  best: SurveyedMember,
): Promise<Begun> {
  const { path, onProgress } = options;
  const { authority, members } = survey;
  const source = await sourceOf(best, members);
  const target = best.state.head;
  const restored = await restoreDatabase({ path, source, target, members, onProgress });
  crashPoint("recovery.database-restored");
  const remarks = [...restored.remarks];
  const rosters = [roster, ...rostersInForce(survey.roster)];
  const wanted = new Set(rosters.flatMap((each) => each.members));
  const upToDate: UpToDateMember[] = [];
  const bringOne = async ({ member, state }: SurveyedMember): Promise<void> => {
    if (!wanted.has(member.driveId)) return;
    try {
      const asideCount = await bringUp({ member, state, source, target, authority, clusterId });
      if (asideCount > 0) {
        remarks.push(
          `${member.label}: ${asideCount} changes that no quorum held were set aside in its journal folder`,
        );
      }
      upToDate.push({ member, held: await member.inspect() });
    } catch (error) {
      remarks.push(`${member.label} could not be brought up to date: ${String(error)}`);
    }
  };
  try {
    await Promise.all(members.map(bringOne));
  } catch (error) {
    restored.database.close();
    throw error;
  }
  crashPoint("recovery.members-caught-up");
  return { ...restored, remarks, upToDate, position: target };
}

/** The beginning of a chain: of a new cluster, or of a database from before there were members. */
async function begin(
  options: OpenWithMembersOptions,
  { survey, clusterId, roster }: Plan,
): Promise<Begun> {
  const { path, acceptLoss, toleratedCount } = options;
  const { authority } = survey;
  const members = survey.members.filter(({ member }) => roster.members.includes(member.driveId));
  const database = openOnlyCopy(path);
  try {
    const standing = readPosition(database);
    const isOld = standing.sequence === 0 && hasContents(database);
    if (!acceptLoss) requireBeginning(options, survey, { ...standing, isOld });
    const isAdopted = standing.sequence > 0 || isOld;
    const position = isAdopted ? adopt(database, standing) : CHAIN_START;
    crashPoint("recovery.adopted");
    const beginAll = async (): Promise<void> => {
      for (const { member } of members) await member.truncate(authority, position, clusterId);
    };
    await beginAll();
    if (isAdopted) {
      await keepSnapshot(database, path, { authority, members, copies: toleratedCount + 1 });
    }
    // They count from now on: all there is to know is known to all of them.
    await beginAll();
    crashPoint("recovery.chain-begun");
    const upToDate: UpToDateMember[] = [];
    for (const { member } of members) upToDate.push({ member, held: await member.inspect() });
    return { database, upToDate, position, isReplaced: false, remarks: [] };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A chain begins where none ever was: on blank members, or on those where just this beginning was cut off. Without a
 * roster nothing was ever acknowledged to be held by m + 1 members; so m drives may be away where there is something to
 * begin with, and none where it would be with nothing.
 * @throws MembersError
 */
function requireBeginning(
  { path, drives, toleratedCount }: OpenWithMembersOptions,
  { members, remarks }: Survey,
  standing: ChainPosition & { readonly isOld: boolean },
): void {
  const others = members.filter(({ state }) => !state.isBlank && !isSame(state.head, standing));
  if (others.length > 0) {
    throw new MembersError(
      `${others.map(({ member }) => member.label).join(", ")}: a copy of the metadata was begun there, and what it copied is not ` +
        `there. Nothing was changed: give back the drives that are missing and start again.${wordsOf(remarks)}`,
    );
  }
  const hasBegun = members.some(({ state }) => !state.isBlank);
  // In epoch 0 the file has been given its place in the chain, and no member anything yet.
  if (standing.epoch > 0 && !hasBegun) {
    throw new MembersError(
      `the members hold no copy of the metadata, and ${path} says that they did (change ${standing.sequence}). ` +
        `Nothing was changed: are these the right drives?${wordsOf(remarks)} --accept-loss makes new copies of what the file holds`,
    );
  }
  const hasContent = standing.isOld || standing.sequence > 0;
  if (members.length < drives.length - (hasContent ? toleratedCount : 0)) {
    throw new MembersError(
      `${members.length} of ${drives.length} drives answer, and none holds a copy of the metadata. Nothing was changed: ` +
        `a first start needs ${hasContent ? `all but ${toleratedCount} of` : "all"} its drives.${wordsOf(remarks)}`,
    );
  }
}

/** What no member has a copy of is not set aside because it cannot be read. */
function openOnlyCopy(path: string): Database {
  try {
    return openBesideMembers(path);
  } catch (error) {
    if (error instanceof ForeignDatabaseError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new MembersError(
      `${path} cannot be read (${words}), and the members hold no copy of it. Nothing was changed: ` +
        "give back the file, or take it away to begin anew",
    );
  }
}

/** Gives a database that has contents and no chain a place for one to begin. */
function adopt(database: Database, standing: ChainPosition): ChainPosition {
  const position =
    standing.sequence > 0
      ? standing
      : { sequence: 1, epoch: 0, digest: randomBytes(32).toString("hex") };
  // It is the only copy still, and members will name the place that it says.
  database.pragma("synchronous = FULL");
  database
    .transaction(() => {
      migrate(database, MIGRATIONS.length);
      positionWriter(database)(position);
    })
    .immediate();
  database.pragma("synchronous = NORMAL");
  return position;
}

async function keepSnapshot(
  database: Database,
  path: string,
  to: {
    readonly authority: Survey["authority"];
    readonly members: readonly SurveyedMember[];
    readonly copies: number;
  },
): Promise<void> {
  const file = `${path}.snapshot`;
  try {
    const info = await makeSnapshot(database, file);
    let count = 0;
    for (const { member } of to.members) {
      if (count === to.copies) break;
      await copySnapshot(file, info, { member, authority: to.authority });
      count += 1;
    }
    if (count < to.copies)
      throw new QuorumLostError("too few drives take a snapshot of the metadata");
  } finally {
    await rm(file, { force: true });
  }
}

async function openEpoch(
  options: OpenWithMembersOptions,
  { survey, clusterId, roster }: Plan,
  { database, upToDate, position, isReplaced, remarks }: Begun,
): Promise<OpenedWithMembers> {
  const { authority } = survey;
  const setPosition = beginEpoch(database, authority.epoch);
  const writer = new GroupWriter(database, { hasMembers: true });
  addStatements(database, writer.newStatements);
  const earlier = rostersInForce(survey.roster).filter((each) => !isSameRoster(each, roster));
  const opening: Opening = {
    ...roster,
    previous:
      earlier.length > 0
        ? earlier.map(({ members, toleratedCount }) => ({ members, toleratedCount }))
        : undefined,
    schemaVersion: MIGRATIONS.length,
    statements: writer.newStatements,
  };
  const previousDigest = position.digest;
  const place = { sequence: position.sequence + 1, epoch: authority.epoch };
  const payload = renderRoster(opening);
  const record = encodeRecord({ ...place, kind: RECORD_KIND.open, previousDigest, payload });
  const held = await appendToAll(record.bytes, upToDate, authority);
  requireQuorum(held, [roster, ...earlier]);
  crashPoint("recovery.epoch-opened");
  setPosition({ ...place, digest: record.digest });
  database.exec("commit");
  const group = new MemberGroup({
    authority,
    clusterId,
    roster,
    position: { ...place, digest: record.digest },
    recordBytes: survey.best?.state.recordBytes ?? 0,
    onReport: options.onReport,
    retryMs: options.retryMs,
  });
  for (const member of options.members) {
    group.add(member, held.find((each) => each.member === member)?.held);
  }
  // From here on those before have no say.
  if (earlier.length > 0) await group.appendRoster();
  writer.useMembers((effects) => group.append(RECORD_KIND.changes, effects));
  return { writer, group, clusterId, isReplaced, remarks: [...survey.remarks, ...remarks] };
}

/** Opens the transaction in which the database enters the epoch, with its tables as this version wants them. */
function beginEpoch(database: Database, epoch: number): (position: ChainPosition) => void {
  database.exec("begin immediate");
  migrate(database, MIGRATIONS.length);
  database.prepare("update state set epoch = ?").run(epoch);
  return positionWriter(database);
}

async function appendToAll(
  bytes: Uint8Array,
  members: readonly UpToDateMember[],
  authority: Survey["authority"],
): Promise<readonly UpToDateMember[]> {
  const results = await Promise.allSettled(
    members.map(({ member }) => member.append(authority, [bytes])),
  );
  const fenced = results.find((result) => result.status === "rejected" && isFenced(result.reason));
  if (fenced?.status === "rejected") throw fenced.reason;
  return members.filter((_, index) => results[index]?.status === "fulfilled");
}

function requireQuorum(held: readonly UpToDateMember[], rosters: readonly Roster[]): void {
  for (const roster of rosters) {
    const count = held.filter(({ member }) => roster.members.includes(member.driveId)).length;
    if (count >= writeQuorum(roster)) continue;
    throw new QuorumLostError(
      `${count} of ${roster.members.length} members take changes of the metadata, and ${writeQuorum(roster)} must`,
    );
  }
}

function newClusterId(): string {
  return randomBytes(16).toString("hex");
}
