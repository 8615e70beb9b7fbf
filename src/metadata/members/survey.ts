// What the members hold when a writer starts: all are asked, a quorum promises its epoch, and the longest chain of the
// highest epoch is the one that goes on. With fewer than can know all that was acknowledged it says which are missing.

import type { DriveId } from "../../core/ids.ts";
import {
  JournalError,
  type Authority,
  type JournalMember,
  type MemberState,
} from "../../journal/journal-member.ts";
import { isFenced } from "./member-group.ts";
import { parseRoster, readQuorum, rostersInForce, type Roster } from "./roster.ts";

/** Words for whoever starts the server: too few members are there, or they are not this cluster's. */
export class MembersError extends Error {
  override readonly name = "MembersError";
}

export interface SurveyOptions {
  /** Those that are there, in the order of their drives. */
  readonly members: readonly JournalMember[];
  readonly owner: string;
  /** The last epoch that this process had: a later one of another process means that it has been taken over from. */
  readonly lastEpoch?: number | undefined;
  /** The last epoch that the database knows of: its next one is later, though no member that is there has it. */
  readonly leastEpoch?: number | undefined;
  /** Undefined: whatever cluster the members belong to. */
  readonly clusterId: string | undefined;
  /** Go on with what is there, although fewer members are than can know everything. */
  readonly acceptLoss: boolean;
}

export interface SurveyedMember {
  readonly member: JournalMember;
  readonly state: MemberState;
}

export interface Survey {
  readonly authority: Authority;
  /** Those that answered and promised. */
  readonly members: readonly SurveyedMember[];
  /** Whose chain goes on; undefined: no member has ever held a change. */
  readonly best: SurveyedMember | undefined;
  /** Who the members were; undefined where there is no chain, or nothing but its beginning. */
  readonly roster: Roster | undefined;
  readonly clusterId: string | undefined;
  /** What did not answer, and what was found odd, in sentences. */
  readonly remarks: readonly string[];
}

/** How often a higher epoch is tried when another process was faster. */
const ATTEMPTS_MAX = 3;

/** @throws MembersError in words; JournalError Fenced when others keep taking over. */
export async function surveyMembers(options: SurveyOptions): Promise<Survey> {
  const first = await ask(options.members, (member) => member.inspect());
  refuseTakingBack(first.answers, options);
  const clusterId = commonCluster(first.answers, options.clusterId);
  requireReaders(first.answers, options, first.remarks);
  let epoch = Math.max(highestEpoch(first.answers), options.leastEpoch ?? 0);
  for (let attempt = 1; ; attempt += 1) {
    const authority = { epoch: epoch + 1, owner: options.owner };
    const known = first.answers.map(({ member }) => member);
    const promised = await ask(known, (member) => member.promise(authority));
    if (promised.fenced !== undefined && attempt < ATTEMPTS_MAX) {
      const { answers } = await ask(known, (member) => member.inspect());
      refuseTakingBack(answers, options);
      epoch = Math.max(highestEpoch(answers), options.leastEpoch ?? 0);
      continue;
    }
    if (promised.fenced !== undefined) throw promised.fenced;
    requireReaders(promised.answers, options, [...first.remarks, ...promised.remarks]);
    const best = longest(promised.answers);
    return {
      authority,
      members: promised.answers,
      best,
      roster: rosterOf(best),
      clusterId,
      remarks: [...first.remarks, ...promised.remarks],
    };
  }
}

interface Answers {
  readonly answers: readonly SurveyedMember[];
  readonly remarks: readonly string[];
  readonly fenced: Error | undefined;
}

async function ask(
  members: readonly JournalMember[],
  question: (member: JournalMember) => Promise<MemberState>,
): Promise<Answers> {
  const remarks: string[] = [];
  const answers: SurveyedMember[] = [];
  let fenced: Error | undefined;
  const results = await Promise.allSettled(members.map(question));
  for (const [index, result] of results.entries()) {
    const member = members[index];
    if (member === undefined) continue;
    if (result.status === "fulfilled") {
      answers.push({ member, state: result.value });
      remarks.push(...result.value.remarks.map((remark) => `${member.label}: ${remark}`));
    } else if (isFenced(result.reason)) {
      fenced = result.reason as Error;
    } else {
      remarks.push(
        `${member.label} does not answer for its copy of the metadata: ${String(result.reason)}`,
      );
    }
  }
  return { answers, remarks, fenced };
}

/** A process that was stopped, or cut off, for a while must not take back what another one has taken over. */
function refuseTakingBack(
  answers: readonly SurveyedMember[],
  { owner, lastEpoch }: SurveyOptions,
): void {
  if (lastEpoch === undefined) return;
  for (const { member, state } of answers) {
    const { promised } = state;
    if (promised === undefined || promised.owner === owner || promised.epoch <= lastEpoch) continue;
    const words = `${member.label}: epoch ${promised.epoch} is promised to another process`;
    throw new JournalError("Fenced", words);
  }
}

function commonCluster(
  answers: readonly SurveyedMember[],
  given: string | undefined,
): string | undefined {
  let standing = given;
  for (const { member, state } of answers) {
    if (state.clusterId === undefined) continue;
    standing ??= state.clusterId;
    if (state.clusterId === standing) continue;
    throw new MembersError(
      `${member.label} holds the metadata of another cluster (${state.clusterId}, not ${standing}). Nothing was changed`,
    );
  }
  return standing;
}

/** Whether all that was acknowledged is known to those that answer. */
function requireReaders(
  answers: readonly SurveyedMember[],
  { acceptLoss }: SurveyOptions,
  remarks: readonly string[],
): void {
  if (acceptLoss) return;
  for (const roster of rostersInForce(rosterOf(longest(answers)))) {
    const voters = answers.filter(
      ({ member, state }) =>
        !state.isBlank && !state.isIncomplete && roster.members.includes(member.driveId),
    );
    const needed = readQuorum(roster);
    if (voters.length >= needed) continue;
    const missing = roster.members.filter(
      (driveId) => !voters.some(({ member }) => member.driveId === driveId),
    );
    throw new MembersError(
      `${voters.length} of the ${roster.members.length} copies of the metadata are there, and ${needed} are needed to know ` +
        `all that was acknowledged. Missing: ${missing.map((id) => nameOf(id, answers)).join(", ")}. Nothing was changed: give ` +
        `them back and start again.${wordsOf(remarks)} ` +
        "If they are lost for good, --accept-loss goes on with what is there; what only they knew is lost",
    );
  }
}

/** Remarks behind a sentence. */
export function wordsOf(remarks: readonly string[]): string {
  return remarks.length > 0 ? ` ${remarks.join("; ")}.` : "";
}

function nameOf(driveId: DriveId, answers: readonly SurveyedMember[]): string {
  const answer = answers.find(({ member }) => member.driveId === driveId);
  if (answer === undefined) return `drive ${driveId}`;
  const { isBlank } = answer.state;
  return `${answer.member.label} (${isBlank ? "it is blank" : "it has lost changes that it held"})`;
}

function longest(answers: readonly SurveyedMember[]): SurveyedMember | undefined {
  const begun = answers.filter(({ state }) => !state.isBlank);
  return begun.toSorted((a, b) => byLength(b.state, a.state))[0];
}

function byLength(a: MemberState, b: MemberState): number {
  return (
    a.head.epoch - b.head.epoch ||
    a.head.sequence - b.head.sequence ||
    // Of equals the one that reaches back the furthest.
    b.base.sequence - a.base.sequence
  );
}

function rosterOf(best: SurveyedMember | undefined): Roster | undefined {
  const payload = best?.state.roster;
  return payload && parseRoster(payload);
}

function highestEpoch(answers: readonly SurveyedMember[]): number {
  return Math.max(
    0,
    ...answers.flatMap(({ state }) => [state.promised?.epoch ?? 0, state.head.epoch]),
  );
}
