// Opens the metadata whose changes are kept on members: asks them, brings the database to the end of their chain, brings
// them to the same end, and begins a new epoch there. Nothing is served before the first record of that epoch is held by
// a quorum of the members of before and of those from now on.

import { randomBytes } from "node:crypto";
import type { Database } from "better-sqlite3";
import type { DriveId } from "../../core/ids.ts";
import {
  JournalError,
  type ChainPosition,
  type JournalMember,
} from "../../journal/journal-member.ts";
import { encodeRecord, RECORD_KIND } from "../../journal/journal-record.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { bringUp, sourceOf } from "../members/bring-up.ts";
import { isFenced, MemberGroup, QuorumLostError } from "../members/member-group.ts";
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
  type Survey,
  type SurveyedMember,
} from "../members/survey.ts";
import type { JournalReport } from "../metadata-store.ts";
import { beginChain, type Begun, type Plan, type UpToDateMember } from "./begin-chain.ts";
import { addStatements, epochIn, positionWriter } from "./chain-state.ts";
import { GroupWriter } from "./group-writer.ts";
import { migrate } from "./open-database.ts";
import { refuseForeign } from "./refuse-foreign.ts";
import { restoreDatabase } from "./restore-database.ts";
import { MIGRATIONS } from "./schema.ts";

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
  const { plan, begun } = await findChain(options);
  try {
    return await openEpoch(options, plan, begun);
  } catch (error) {
    begun.database.close();
    throw error;
  }
}

interface FoundChain {
  readonly plan: Plan;
  readonly begun: Begun;
}

/**
 * Follows the longest chain. One whose end cannot be read any more is that of a drive that is lost: where the others are
 * enough to know all that was acknowledged, it goes on with theirs.
 */
async function findChain(options: OpenWithMembersOptions): Promise<FoundChain> {
  let { members } = options;
  let refusal: MembersError | undefined;
  const leastEpoch = epochIn(options.path);
  for (;;) {
    const survey = await surveyMembers({ ...options, members, leastEpoch }).catch(
      (error: unknown) => {
        throw isFenced(error) ? error : (refusal ?? error);
      },
    );
    const plan = planFor(options, survey);
    const { best } = survey;
    if (best === undefined || survey.roster === undefined) {
      if (refusal !== undefined) throw refusal;
      return { plan, begun: await beginChain(options, plan) };
    }
    try {
      const begun = await goOn(options, plan, best);
      const remarks = refusal === undefined ? [] : [refusal.message];
      return { plan, begun: { ...begun, remarks: [...remarks, ...begun.remarks] } };
    } catch (error) {
      if (!(error instanceof MembersError && error.cause instanceof JournalError)) throw error;
      refusal ??= error;
      members = members.filter((member) => member !== best.member);
    }
  }
}

function planFor(options: OpenWithMembersOptions, survey: Survey): Plan {
  const clusterId = survey.clusterId ?? options.clusterId ?? newClusterId();
  const present = new Set(survey.members.map(({ member }) => member.driveId));
  const roster = nextRoster(survey.roster, options.drives, present, options.toleratedCount);
  return { survey, clusterId, roster };
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
  const payload = [renderRoster(opening)];
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
