// The beginning of a chain: of a new cluster, or of a database from before there were members. It is begun where none ever
// was, and nowhere else: a start that finds traces of another one says so, and changes nothing.

import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Database } from "better-sqlite3";
import type { DriveId } from "../../core/ids.ts";
import {
  CHAIN_START,
  type ChainPosition,
  type JournalMember,
} from "../../journal/journal-member.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { isSame } from "../members/chain-source.ts";
import { QuorumLostError } from "../members/member-group.ts";
import type { HeldChain } from "../members/member-lane.ts";
import type { Roster } from "../members/roster.ts";
import { MembersError, wordsOf, type Survey, type SurveyedMember } from "../members/survey.ts";
import { hasContents, positionWriter, readPosition } from "./chain-state.ts";
import { ForeignDatabaseError, migrate, openBesideMembers } from "./open-database.ts";
import type { RestoredDatabase } from "./restore-database.ts";
import { MIGRATIONS } from "./schema.ts";
import { copySnapshot, makeSnapshot } from "./snapshot-file.ts";

export interface BeginChainOptions {
  /** Of metadata.db. */
  readonly path: string;
  /** All drives of the cluster. */
  readonly drives: readonly DriveId[];
  /** How many drives may be lost: m. */
  readonly toleratedCount: number;
  readonly acceptLoss: boolean;
}

export interface Plan {
  readonly survey: Survey;
  readonly clusterId: string;
  /** Who the members are from now on. */
  readonly roster: Roster;
}

export interface UpToDateMember {
  readonly member: JournalMember;
  readonly held: HeldChain;
}

export interface Begun extends RestoredDatabase {
  /** Members that hold the chain up to `position`. */
  readonly upToDate: readonly UpToDateMember[];
  readonly position: ChainPosition;
}

/** @throws MembersError in words; QuorumLostError when too few members take a snapshot of what there was. */
export async function beginChain(
  options: BeginChainOptions,
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
  { path, drives, toleratedCount }: BeginChainOptions,
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
